// Pagefind as a page uses it: its own files, and a list drawn without delay.

const PAGE =
  "<!doctype html><html lang=en><meta charset=utf-8><title>search</title><link rel=icon href=data:,>" +
  "<script type=module src=/pagefind.js></script><input><ol></ol>";

const SCRIPT = `
import { typing } from "/page.js";

const list = document.querySelector("ol");
const input = document.querySelector("input");
const pageOf = (url) => {
  const path = decodeURIComponent(url.replace(/^\\//, "").replace(/[?#].*$/, ""));
  return path.replace(/(^|\\/)(index\\.html)?$/, "$1") + "index.md";
};
globalThis.bench = {
  ready: (query) => globalThis.bench.first(query),
  async first(query) {
    globalThis.pagefind = await import("/pagefind/pagefind.js");
    return globalThis.bench.search(query);
  },
  async search(query) {
    const start = performance.now();
    const { results } = await globalThis.pagefind.search(query);
    const shown = await Promise.all(results.slice(0, 10).map((result) => result.data()));
    const ids = shown.map(({ raw_url, url }) => pageOf(raw_url ?? url));
    return { ids, ms: performance.now() - start, shown };
  },
  async type(queries) {
    let settle = () => {};
    input.oninput = async () => {
      const { shown } = await globalThis.bench.search(input.value);
      list.replaceChildren(...shown.map(({ meta, excerpt }) => {
        const item = document.createElement("li");
        item.append(meta.title ?? "", " ");
        const text = document.createElement("span");
        text.innerHTML = excerpt;
        item.append(text);
        return item;
      }));
      settle();
    };
    return typing(input, queries, () => new Promise((resolve) => { settle = resolve; }));
  },
};
`;

export const pagefind = {
  name: "pagefind",
  page: "/pagefind.html",
  pages: { "/pagefind.html": PAGE, "/pagefind.js": SCRIPT },
  kindOf(path) {
    if (!path.startsWith("/pagefind/")) return undefined;
    if (path.includes("/wasm.")) return "wasm";
    return path.endsWith(".js") ? "js" : "index";
  },
  qrels: "test.tsv",
};
