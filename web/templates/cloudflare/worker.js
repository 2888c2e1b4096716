// A Cloudflare Worker that answers as `littoral serve` does, from an index among its static assets, in
// an R2 bucket or in a KV namespace.
//
// To bind callers to documents in a way of your own, give `handler` a function `authorize`: it gets
// the request and says what its caller may find, such as { filters: { team: ["red"] } }, or null.

import { openWith } from "./js/workerd.js";
import { assetsHost, bucketHost, handler, namespaceHost, settings } from "./js/edge.js";
import config from "./config.js";
import openapi from "./openapi.js";

const STORES = {
  assets: ({ ASSETS }) => assetsHost(ASSETS, "/littoral/"),
  r2: ({ INDEX }) => bucketHost(INDEX),
  kv: ({ INDEX }) => namespaceHost(INDEX),
};

let answer;

export default {
  fetch(request, env) {
    answer ??= handler({
      ...settings(config, env),
      openapi,
      host: STORES[config.store](env),
      open: openWith,
    });
    return answer(request);
  },
};
