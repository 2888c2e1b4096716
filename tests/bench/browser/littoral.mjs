// Littoral as a page uses it: the package's files, the box, and an index.

const PAGE =
  "<!doctype html><html lang=en><meta charset=utf-8><title>search</title><link rel=icon href=data:,>" +
  "<script type=module src=/js/element.js></script><script type=module src=/littoral.js></script>" +
  "<littoral-search src=/littoral/ inline recent=off></littoral-search>";

const SCRIPT = `
import { typing } from "/page.js";
import { open } from "/js/index.js";

const box = document.querySelector("littoral-search");
globalThis.bench = {
  ready: () => box.preload(),
  async first(query) {
    globalThis.index = await open("/littoral/", { cache: false });
    return globalThis.bench.search(query);
  },
  async search(query, mode = "hybrid") {
    const start = performance.now();
    const { hits, notes } = await globalThis.index.search(query, { k: 10, mode });
    const ids = hits.map(({ document }) => document.id);
    return { ids, ms: performance.now() - start, notes: notes.map(({ code }) => code) };
  },
  type: (queries) =>
    typing(box.shadowRoot.querySelector("input"), queries, (text) => new Promise((resolve) => {
      const heard = ({ detail: { result } }) => {
        if (result.query !== text) return;
        box.removeEventListener("littoral-result", heard);
        resolve();
      };
      // What is no query yet has no answer.
      if (text.trim() === "") resolve();
      else box.addEventListener("littoral-result", heard);
    })),
};
`;

export const littoral = {
  name: "littoral",
  page: "/littoral.html",
  pages: { "/littoral.html": PAGE, "/littoral.js": SCRIPT },
  /** What a file is for. */
  kindOf(path) {
    if (path.startsWith("/littoral/")) return "index";
    if (path.endsWith(".wasm")) return "wasm";
    return path.startsWith("/js/") ? "js" : undefined;
  },
  /** The id of a judgement in Littoral's index of the HTML. */
  qrels: "html.tsv",
};
