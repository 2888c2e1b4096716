// Bundles for servers in the real runtimes, beside `littoral serve` over the same index.
//
//   cargo test -p littoral-tests --test edge          builds the index and runs this
//
// LITTORAL_PROGRAM         the program
// LITTORAL_EDGE_INDEX      an index with vectors and a filter `section` of tides, weather and safety
// LITTORAL_EDGE_REQUESTS   requests to one isolate for the flat heap; default 2,000

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { RUNTIMES, counted, program as started, workerd } from "./runtimes.mjs";
import { program } from "./site.mjs";

const index = process.env.LITTORAL_EDGE_INDEX;
const skip =
  (index === undefined && "LITTORAL_EDGE_INDEX names no index") || (program === undefined && "there is no program");
const REQUESTS = Number(process.env.LITTORAL_EDGE_REQUESTS ?? 2000);
const SECRET = "a secret of more than sixteen bytes";
const SECTIONS = ["tides", "weather", "safety"];

const root = skip ? "" : mkdtempSync(join(tmpdir(), "littoral-edge-"));
const bundles = new Map();
/** The folder of a bundle with these options, made once. */
function bundle(target, ...more) {
  const key = [target, ...more].join(" ");
  if (!bundles.has(key)) {
    const out = join(root, `bundle-${bundles.size}`);
    const given = ["bundle", index, "-o", out, "--target", target, "--name", "coast", ...more];
    execFileSync(program, given, { stdio: ["ignore", "ignore", "inherit"] });
    bundles.set(key, out);
  }
  return bundles.get(key);
}

let native;
before(async () => {
  if (skip) return;
  // Its index has the bundle's name.
  cpSync(index, join(root, "coast"), { recursive: true });
  native = await started(program, ["serve", "coast", "--addr", "127.0.0.1:0", "--host", "native"], root, {
    // Without models, as the bundles.
    LITTORAL_MODELS: join(root, "no-models"),
  });
});
after(async () => {
  await native?.stop();
  if (root) rmSync(root, { recursive: true, force: true });
});

const post = (path, body, headers = {}) => ({
  method: "POST",
  path,
  headers: { "content-type": "application/json", ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const get = (path, headers = {}) => ({ method: "GET", path, headers });

/** An answer: its status, headers and body. Node's own client, which leaves a request as it is. */
const answer = (url, { method, path, headers = {}, body }) =>
  new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const { hostname, port } = new URL(url);
    // A server that refuses a body unread closes the connection.
    const agent = body === undefined ? undefined : false;
    const sent = ask({ hostname, port, method, path, agent, headers: { ...length, ...headers } }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString() }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
const asked = async (url, request) => {
  const found = await answer(url, request);
  return { ...found, json: JSON.parse(found.text) };
};

/** What two hosts must agree on: all but times, ids and words about the platform. */
function comparable({ status, json, headers }) {
  if (json.error) {
    const { code, message } = json.error;
    assert(json.error.request_id.length > 0 && typeof json.error.hint === "string");
    // Parsers say in their own words what is wrong with a body.
    return { status, code, message: message.startsWith("the body: ") ? "the body" : message };
  }
  if (json.timings_ms) json.timings_ms.total = 0;
  return { status, json, type: headers["content-type"], cache: headers["cache-control"] };
}

const q = (parameters) => get(`/search?${parameters}`);
const SAME = [
  ...["spring tide", "high water", "anchorage sand", "tdie tabel harbuor", "Gezeiten", "大潮", "", "\"spring tide\" -moon"].flatMap(
    (query) => ["hybrid", "lexical", "dense"].map((mode) => q(new URLSearchParams({ q: query, mode }))),
  ),
  q("q=water&k=3&filter=section%3Dtides&filter=section=weather&filter=level=basic&facet=section&facet=level"),
  q("q=water&sort=date:desc&chunks&explain=1&as_you_type=false"),
  q("q=water&sort=date&k=100"),
  q("q=tid&as_you_type"),
  q("q=high+water%20%C3%A4&index=coast"),
  q("q=100%"),
  q("q=a&index=other"),
  ...["", "k=3", "q=a&k=0", "q=a&k=101", "q=a&k=-1", "q=a&mode=best", "q=a&filter=x", "q=a&chunks=maybe"].map(q),
  ...["q=a&callback=x", "q=%ff", `q=${"a".repeat(2049)}`, `q=a${"&filter=a=b".repeat(33)}`, "q=a&rerank=1"].map(q),
  ...["q=water&filter=colour=blue", "q=water&sort=price", "q=water&facet=colour", "q=a&__proto__=b"].map(q),
  q("q=water&filter=__proto__=b"),
  ...[1, 5, 17, 40, 100, 500, 5000].map((max_tokens) => post("/v1/context", { query: "when is high water", max_tokens })),
  post("/v1/context", { query: "mooring in sand", mode: "lexical", filters: { section: ["moorings", "weather"], level: "basic" } }),
  post("/v1/context", { query: "Gezeiten 大潮 приливы", max_tokens: null }),
  ...[{}, { query: 3 }, { query: "a", max_tokens: 0 }, { query: "a", max_tokens: 1e6 }, { query: "a", mode: "best" }].map((body) =>
    post("/v1/context", body),
  ),
  post("/v1/context", { query: "a", filters: { section: [1] } }),
  post("/v1/context", { query: "a", filters: null }),
  post("/v1/context", { query: "a", rerank: true }),
  post("/v1/context", { query: "a", index: "other" }),
  ...["", "[]", "{", '{"query":"a"}x', "\u00ff"].map((body) => post("/v1/context", body)),
  post("/v1/context", JSON.stringify({ query: "a", more: "x".repeat(65 << 10) })),
  ...[
    {},
    { messages: [] },
    { messages: [{ role: "assistant", content: "x" }] },
    { messages: [{ role: "user", content: "tide" }], index: "other" },
    { messages: [{ role: "user", content: "tide" }], threshold: 7 },
    { messages: [{ role: "user", content: "tide" }], mode: "fuzzy" },
    { messages: [{ role: "user", content: "x".repeat(3000) }] },
  ].map((body) => post("/v1/chat/completions", body)),
  post("/v1/embeddings", { input: "tide" }),
  post("/v1/embeddings", { input: [] }),
  post("/v1/embeddings", { input: "tide", encoding_format: "hex" }),
  post("/v1/rerank", { query: "tide", documents: ["a", { text: "b" }] }),
  post("/v1/rerank", { query: "tide", documents: [] }),
  get("/openapi.json"),
  ...["/", "/searchx", "/toString", "/__proto__", "/littoral/littoral.json", "/index/littoral.json"].map((path) => get(path)),
  get("/v1/context"),
  post("/search?q=a", {}),
  { method: "DELETE", path: "/search?q=a" },
];

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  describe(name, { skip: skip || runtime.skip }, () => {
    let server;
    before(async () => {
      if (skip || runtime.skip) return;
      server = await runtime.start(bundle(runtime.target), { LITTORAL_CORS: "https://page.example" });
    });
    after(() => server?.stop());

    test("answers what littoral serve answers, good and bad", async () => {
      for (const request of SAME) {
        const [found, expected] = await Promise.all([asked(server.url, request), asked(native.url, request)]);
        const what = `${request.method} ${request.path} ${request.body?.slice(0, 200) ?? ""}`;
        assert.deepEqual(comparable(found), comparable(expected), what);
      }
    });

    test("answers questions as littoral serve does, whole and as a stream", async () => {
      const streamed = async (url, request) => {
        const { text, headers } = await answer(url, request);
        assert.match(headers["content-type"], /^text\/event-stream/);
        const events = text.split("\n\n").filter(Boolean).map((event) => event.replace(/^data: /, ""));
        assert.equal(events.pop(), "[DONE]");
        return events.map((event) => ({ ...JSON.parse(event), id: "", created: 0 }));
      };
      for (const content of ["when is high water?", "who wrote Hamlet?", [{ type: "text", text: "what is a spring tide?" }]]) {
        for (const more of [{}, { mode: "lexical" }, { threshold: 0 }, { filters: { section: "tides" } }]) {
          const messages = [{ role: "system", content: "Be short." }, { role: "user", content }];
          const request = (stream) => post("/v1/chat/completions", { messages, stream, ...more });
          const [found, expected] = await Promise.all([server.url, native.url].map((url) => asked(url, request(false))));
          assert.equal(found.status, 200);
          const apart = ({ json }) => ({ ...json, id: "", created: 0 });
          assert.deepEqual(apart(found), apart(expected));
          const [events, others] = await Promise.all([server.url, native.url].map((url) => streamed(url, request(true))));
          assert.deepEqual(events, others);
        }
      }
    });

    test("says how it is, counts, and has the headers of serve", async () => {
      const { json } = await asked(server.url, get("/healthz"));
      assert.equal(json.status, "ok");
      assert.equal(json.indexes[0].name, "coast");
      const metrics = await answer(server.url, get("/metrics"));
      assert.match(metrics.text, /littoral_requests_total\{route="search",status="200"\} \d+/);
      assert.match(metrics.text, /littoral_errors_total\{code="bad-request"\} \d+/);
      const headers = { origin: "https://page.example", "x-request-id": "mine-1" };
      const found = await answer(server.url, get("/search?q=tide", headers));
      assert.equal(found.headers["access-control-allow-origin"], "https://page.example");
      assert.equal(found.headers["x-request-id"], "mine-1");
      assert.equal(found.headers["x-content-type-options"], "nosniff");
      const other = await answer(server.url, get("/search?q=tide", { origin: "https://other.example" }));
      assert.equal(other.headers["access-control-allow-origin"], undefined);
      assert.equal(other.headers.vary, "origin");
      const before = await answer(server.url, { method: "OPTIONS", path: "/v1/context", headers });
      assert.deepEqual([before.status, before.headers["access-control-allow-methods"]], [204, "POST, OPTIONS"]);
      const head = await answer(server.url, { method: "HEAD", path: "/search?q=tide" });
      assert.deepEqual([head.status, head.text], [200, ""]);
    });

    test("many requests leave the heap as it was", async () => {
      const queries = ["spring tide", "high water", "mooring", "anchor sand", "ferry", "moon", "wind", "chart"];
      const run = async (n) => {
        let next = 0;
        const client = async () => {
          while (next < n) {
            const i = next++;
            const query = `${queries[i % 8]} ${queries[(i * 5 + 3) % 8]}`;
            const { status } = await answer(server.url, get(`/search?${new URLSearchParams({ q: query })}`));
            assert.equal(status, 200);
          }
        };
        await Promise.all(Array.from({ length: 8 }, client));
      };
      const held = async () =>
        server.pid === undefined
          ? Number((await answer(server.url, get("/memory"))).text)
          : Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1]) * 1024;
      await run(Math.ceil(REQUESTS / 4));
      const early = await held();
      await run(REQUESTS);
      const late = await held();
      if (server.pid === undefined) {
        // A memory of WebAssembly never shrinks: it must have stopped to grow.
        assert.equal(late, early);
        assert(late < 96e6, `${late} bytes`);
      } else assert(late < early + 64e6, `from ${early} to ${late} bytes`);
    });
  });

  describe(`${name}, with tokens`, { skip: skip || runtime.skip }, () => {
    let server;
    let sign;
    before(async () => {
      if (skip || runtime.skip) return;
      const folder = bundle(runtime.target, "--access", "token");
      ({ signToken: sign } = await import(join(folder, "js/edge.js")));
      server = await runtime.start(folder, { LITTORAL_TOKEN_SECRET: SECRET });
    });
    after(() => server?.stop());
    const bearer = (token) => ({ authorization: `Bearer ${token}` });

    test("a caller finds the documents of its token, however it asks", async () => {
      for (const section of SECTIONS) {
        const mine = bearer(await sign({ filters: { section } }, SECRET));
        const expected = await asked(native.url, q(`q=water&k=100&filter=section=${section}`));
        const found = await asked(server.url, get("/search?q=water&k=100", mine));
        assert.deepEqual(comparable(found), comparable(expected));
        assert(found.json.hits.length > 0);
        for (const more of [SECTIONS.map((each) => `filter=section=${each}`).join("&"), `filter=section=${section}`]) {
          const same = await asked(server.url, get(`/search?q=water&k=100&${more}`, mine));
          assert.deepEqual(same.json.hits, found.json.hits);
        }
        const other = SECTIONS.find((each) => each !== section);
        const refused = await asked(server.url, get(`/search?q=water&filter=section=${other}`, mine));
        assert.deepEqual([refused.status, refused.json.error.code], [403, "forbidden"]);
        // A narrower question is answered as narrow.
        const narrow = await asked(server.url, get("/search?q=water&k=100&filter=level=basic", mine));
        const both = await asked(native.url, q(`q=water&k=100&filter=section=${section}&filter=level=basic`));
        assert.deepEqual(narrow.json.hits, both.json.hits);
        const counts = await asked(server.url, get("/search?q=water&facet=section&chunks", mine));
        const all = await asked(native.url, q(`q=water&facet=section&chunks&filter=section=${section}`));
        assert.deepEqual(counts.json.facets, all.json.facets);
        const passages = await asked(server.url, post("/v1/context", { query: "water" }, mine));
        const own = await asked(native.url, post("/v1/context", { query: "water", filters: { section } }));
        assert.deepEqual(passages.json, own.json);
        const wide = { query: "water", filters: { section: SECTIONS } };
        assert.deepEqual((await asked(server.url, post("/v1/context", wide, mine))).json, own.json);
        assert.equal((await asked(server.url, get("/metrics", mine))).status, 403);
      }
    });

    test("no token, a false one or an old one is none", async () => {
      const good = await sign({ filters: {} }, SECRET);
      const [head, claims, signature] = good.split(".");
      const plain = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const none = plain({ alg: "none", typ: "JWT" });
      const now = Math.floor(Date.now() / 1000);
      const bad = [
        undefined,
        "",
        "x",
        `${head}.${claims}`,
        `${head}.${claims}.`,
        `${none}.${claims}.`,
        `${none}.${claims}.${signature}`,
        `${head}.${plain({ filters: { section: "tides" } })}.${signature}`,
        `${good}.${signature}`,
        `${good}x`,
        await sign({ filters: {} }, `${SECRET}!`),
        await sign({ filters: {}, exp: now - 1 }, SECRET),
        await sign({ filters: {}, nbf: now + 600 }, SECRET),
        await sign({ filters: {}, exp: "never" }, SECRET),
        await sign({}, SECRET),
        await sign({ filters: null }, SECRET),
        await sign({ filters: ["section"] }, SECRET),
        await sign({ filters: { section: [3] } }, SECRET),
        "x".repeat(9000),
      ];
      for (const token of bad) {
        const headers = token === undefined ? {} : bearer(token);
        for (const request of [get("/search?q=water", headers), post("/v1/context", { query: "water" }, headers)]) {
          const { status, json, headers: sent } = await asked(server.url, request);
          assert.deepEqual([status, json.error.code, sent["www-authenticate"]], [401, "unauthorized", "Bearer"], token);
        }
        assert.deepEqual((await asked(server.url, get("/healthz", headers))).json, { status: "ok" });
      }
      const empty = bearer(await sign({ filters: { section: [] } }, SECRET));
      assert.equal((await asked(server.url, get("/search?q=water", empty))).status, 403);
      const unknown = bearer(await sign({ filters: { colour: "blue" } }, SECRET));
      assert.equal((await asked(server.url, get("/search?q=water", unknown))).status, 400);
      const fresh = bearer(await sign({ filters: {}, exp: now + 600, nbf: now - 600 }, SECRET));
      const found = await asked(server.url, get("/search?q=water&k=100", fresh));
      assert.deepEqual(comparable(found), comparable(await asked(native.url, q("q=water&k=100"))));
    });
  });

  test(`${name} without the secret that its tokens need answers nothing`, { skip: skip || runtime.skip }, async () => {
    const server = await runtime.start(bundle(runtime.target, "--access", "token"), {});
    const { status, json } = await asked(server.url, get("/search?q=water"));
    await server.stop();
    assert.deepEqual([status, json.error.code], [500, "internal"]);
  });
}

describe("workerd", { skip: skip || RUNTIMES.workerd.skip }, () => {
  test("a cold query asks for at most 32 files, 6 at a time", async () => {
    const folder = bundle("cloudflare");
    const most = { total: 0, most: 0 };
    for (const mode of ["hybrid", "lexical", "dense"]) {
      for (const query of ["spring tide", "when does the last boat leave if a storm is forecast on spring tides"]) {
        const { count, file } = counted(folder);
        const server = await workerd(folder, { file });
        const { status } = await answer(server.url, get(`/search?${new URLSearchParams({ q: query, mode })}`));
        await server.stop();
        assert.equal(status, 200);
        assert(count.total > 2 && count.total <= 32 && count.most <= 6, JSON.stringify(count));
        most.total = Math.max(most.total, count.total);
        most.most = Math.max(most.most, count.most);
      }
    }
    console.log(`at most ${most.total} files, ${most.most} at a time`);
  });

  for (const [store, options] of [["r2", { buckets: ["INDEX"] }], ["kv", { namespaces: ["INDEX"] }]]) {
    test(`an index in ${store} is searched as one in assets, and followed`, async () => {
      const folder = bundle("cloudflare", "--store", store);
      const server = await workerd(folder, options);
      const bucket = await (store === "r2" ? server.flare.getR2Bucket("INDEX") : server.flare.getKVNamespace("INDEX"));
      const empty = await asked(server.url, q("q=water"));
      assert.deepEqual([empty.status, empty.json.error.code], [503, "not-found"]);
      assert.equal(empty.headers["retry-after"], "1");
      for (const entry of readdirSync(join(folder, "index"), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        await bucket.put(path.slice(join(folder, "index").length + 1), new Uint8Array(readFileSync(path)).buffer);
      }
      for (const request of SAME.slice(0, 12)) {
        const [found, expected] = await Promise.all([asked(server.url, request), asked(native.url, request)]);
        assert.deepEqual(comparable(found), comparable(expected), request.path);
      }
      await server.stop();
    });
  }

  test("callers that go away while the index is opened leave it to the others", async () => {
    const folder = bundle("cloudflare");
    const { file } = counted(folder);
    const server = await workerd(folder, { file });
    const impatient = Array.from({ length: 20 }, async (_, i) => {
      const signal = AbortSignal.timeout(1 + i);
      await fetch(`${server.url}/search?q=tide+${i}`, { signal }).catch(() => undefined);
    });
    await Promise.all(impatient);
    const found = await Promise.all(Array.from({ length: 20 }, () => answer(server.url, q("q=spring+tide"))));
    assert(found.every(({ status }) => status === 200));
    await server.stop();
  });
});

test("a server follows an index that is replaced, and an index that is damaged concerns nobody else", { skip }, async () => {
  const folder = bundle("node");
  const { handler } = await import(join(folder, "js/edge.js"));
  const { folderHost, openWith } = await import(join(folder, "js/node.js"));
  const where = join(root, "followed");
  const build = (text) => {
    writeFileSync(join(root, "page.md"), `# Page\n\n${text}\n`);
    execFileSync(program, ["build", join(root, "page.md"), "-o", where, "--embedder", "none"], { stdio: "ignore" });
  };
  build("A heron stands in the reeds.");
  const serve = handler({ host: folderHost(where), open: openWith, followMs: 0 });
  const found = async (query) => (await serve(new Request(`http://localhost/search?q=${query}`))).json();
  assert.equal((await found("heron")).hits.length, 1);
  build("A cormorant dries its wings.");
  assert.equal((await found("cormorant")).hits.length, 1);
  const asked = Array.from({ length: 50 }, (_, i) => {
    if (i === 25) build("A tern dives.");
    return found("page");
  });
  const answers = await Promise.all(asked);
  assert(answers.every(({ hits }) => hits.length === 1));
  assert.equal((await found("tern")).hits.length, 1);
  // An entry that is no entry leaves the index that is open.
  writeFileSync(join(where, "littoral.json"), "{}");
  assert.equal((await found("tern")).hits.length, 1);
  const fresh = handler({ host: folderHost(where), open: openWith });
  const { error } = await (await fresh(new Request("http://localhost/search?q=tern"))).json();
  assert.equal(error.code, "index-corrupt");
  assert(!JSON.stringify(error).includes(root), "an error names no path");
});

test("a callback binds callers as a token does", { skip }, async () => {
  const folder = bundle("node");
  const { handler } = await import(join(folder, "js/edge.js"));
  const { folderHost, openWith } = await import(join(folder, "js/node.js"));
  const authorize = async (request) => {
    const user = request.headers.get("x-user");
    return user === null ? null : { filters: { section: user } };
  };
  const serve = handler({ host: folderHost(index), open: openWith, authorize });
  const of = async (user, query) =>
    (await serve(new Request(`http://localhost/search?${query}`, { headers: user ? { "x-user": user } : {} }))).json();
  assert.equal((await of(null, "q=water")).error.code, "unauthorized");
  const { json } = await asked(native.url, q("q=water&filter=section=weather"));
  assert.deepEqual((await of("weather", "q=water&filter=section=weather&filter=section=tides")).hits, json.hits);
  assert.equal((await of("weather", "q=water&filter=section=tides")).error.code, "forbidden");
});
