// `littoral mcp` and `littoral serve`'s /mcp as the protocol's own client library meets them.
//
//   cargo test -p littoral-tests --test edge          builds the index and runs this
//
// LITTORAL_PROGRAM         the program
// LITTORAL_EDGE_INDEX      an index of tests/corpora/coast

import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { program as started } from "./runtimes.mjs";
import { program } from "./site.mjs";

const index = process.env.LITTORAL_EDGE_INDEX;
const skip =
  (index === undefined && "LITTORAL_EDGE_INDEX names no index") || (program === undefined && "there is no program");

/** What a client finds, reads and cites over `transport`. */
async function session(transport) {
  const client = new Client({ name: "littoral-checks", version: "1.0.0" });
  await client.connect(transport);
  try {
    assert.equal(client.getServerVersion().name, "littoral");
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map((tool) => tool.name),
      ["search", "context", "read_passages"],
    );
    const found = await client.callTool({ name: "search", arguments: { query: "spring tide", k: 3 } });
    const [hit] = found.structuredContent.hits;
    const read = await client.callTool({
      name: "read_passages",
      arguments: { document: hit.document.id, first: hit.chunk.id, count: 1 },
    });
    assert.deepEqual(read.structuredContent.chunks, [hit.chunk]);
    const context = await client.callTool({ name: "context", arguments: { query: "spring tide", max_tokens: 300 } });
    assert.match(context.content[0].text, /^\[1\] /);
    const { resources } = await client.listResources();
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.equal(resourceTemplates[0].uriTemplate, `${resources[0].uri}/{+document}`);
    const uri = `${resources[0].uri}/${encodeURI(hit.document.id)}`;
    const { contents } = await client.readResource({ uri });
    assert.ok(contents[0].text.includes(hit.chunk.text));
    await assert.rejects(client.callTool({ name: "search", arguments: { query: 7 } }), /-32602/);
    await assert.rejects(client.readResource({ uri: "file:///etc/passwd" }), /-32002/);
    return { found, uri };
  } finally {
    await client.close();
  }
}

test("a client on standard input and output, and one over HTTP, are told the same", { skip }, async () => {
  const lines = new StdioClientTransport({ command: program, args: ["mcp", index], stderr: "inherit" });
  const overLines = await session(lines);
  const server = await started(program, ["serve", basename(index), "--addr", "127.0.0.1:0"], dirname(index));
  try {
    const overHttp = await session(new StreamableHTTPClientTransport(new URL("/mcp", server.url)));
    const plain = ({ found, uri }) => {
      found.structuredContent.timings_ms = null;
      return { found, uri };
    };
    assert.deepEqual(plain(overHttp), plain(overLines));
  } finally {
    await server.stop();
  }
});
