// A server for Bun that answers as `littoral serve` does: `bun run server.js`.
//
//   PORT, HOST               where to listen; default 1414 on 127.0.0.1
//   LITTORAL_TOKEN_SECRET    the secret of signed tokens, which are then needed
//   LITTORAL_CORS            origins whose pages may read answers
//   LITTORAL_MODEL           a packed model for POST /v1/embeddings, and for queries that need one
//
// To bind callers to documents in a way of your own, give `handler` a function `authorize`: it gets
// the request and says what its caller may find, such as { filters: { team: ["red"] } }, or null.

import { folderHost, loadModel, openWith } from "./js/node.js";
import { handler, settings } from "./js/edge.js";
import config from "./config.js";
import openapi from "./openapi.js";

const { HOST, PORT = "1414", LITTORAL_MODEL: embedder } = process.env;

let answer;
let model;
const server = Bun.serve({
  hostname: HOST ?? "127.0.0.1",
  port: Number(PORT),
  idleTimeout: 5,
  maxRequestBodySize: 2 << 20,
  fetch: (request) => answer(request),
});
answer = handler({
  ...settings(config, process.env, HOST === undefined ? server.port : undefined),
  openapi,
  host: folderHost(new URL("./index/", import.meta.url)),
  open: (host) => openWith(host, { embedder }),
  ...(embedder && { encoder: () => (model ??= loadModel(embedder)) }),
});
console.log(`listening on http://${server.hostname}:${server.port}`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.stop());
