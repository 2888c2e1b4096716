// A server for Node that answers as `littoral serve` does: `node server.js`.
//
//   PORT, HOST               where to listen; default 1414 on 127.0.0.1
//   LITTORAL_TOKEN_SECRET    the secret of signed tokens, which are then needed
//   LITTORAL_CORS            origins whose pages may read answers
//   LITTORAL_MODEL           a packed model for POST /v1/embeddings, and for queries that need one
//
// To bind callers to documents in a way of your own, give `handler` a function `authorize`: it gets
// the request and says what its caller may find, such as { filters: { team: ["red"] } }, or null.

import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { folderHost, loadModel, openWith } from "./js/node.js";
import { handler, settings } from "./js/edge.js";
import config from "./config.js";
import openapi from "./openapi.js";

const { HOST, PORT = "1414", LITTORAL_MODEL: embedder } = process.env;
const BOUNDS = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 << 10,
};

let answer;
const server = createServer(BOUNDS, async (incoming, outgoing) => {
  try {
    const { method, headers, url } = incoming;
    const hasBody = method !== "GET" && method !== "HEAD";
    const request = new Request(new URL(`http://server.invalid${url}`), {
      method,
      headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
      ...(hasBody && { body: Readable.toWeb(incoming), duplex: "half" }),
    });
    const response = await answer(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body === null) outgoing.end();
    else await pipeline(Readable.fromWeb(response.body), outgoing);
  } catch {
    // What is no proper request, or a caller that has gone.
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(400, { connection: "close" }).end();
  }
});
server.maxConnections = 4096;

let model;
server.listen(Number(PORT), HOST ?? "127.0.0.1", () => {
  const { address, port } = server.address();
  answer = handler({
    ...settings(config, process.env, HOST === undefined ? port : undefined),
    openapi,
    host: folderHost(new URL("./index/", import.meta.url)),
    open: (host) => openWith(host, { embedder }),
    ...(embedder && { encoder: () => (model ??= loadModel(embedder)) }),
  });
  console.log(`listening on http://${address}:${port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections();
  });
}
