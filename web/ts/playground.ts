// The playground: the search box, and beside it what a query fetched and why its hits are in this
// order. Its page gives the box; this fills the rest.

import type { LittoralSearch } from "./element.js";
import { make } from "./element/dom.js";
import type { Explanation, Hit, SearchResult } from "./types.js";

const SVG = "http://www.w3.org/2000/svg";
const KINDS = ["index", "engine", "scripts"] as const;
type Kind = (typeof KINDS)[number];

/** Bytes and requests that came over the network. */
interface Cost {
  bytes: number;
  requests: number;
}

const costs = (): Record<Kind, Cost> => ({
  index: { bytes: 0, requests: 0 },
  engine: { bytes: 0, requests: 0 },
  scripts: { bytes: 0, requests: 0 },
});

const all = costs();
let latest = costs();

const search = document.querySelector<LittoralSearch>("littoral-search");
const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/** What a file is for; nothing for the page's own. */
function kindOf(name: string): Kind | undefined {
  const path = new URL(name).pathname;
  if (path.includes("/littoral/")) return "index";
  if (path.endsWith(".wasm")) return "engine";
  return path.includes("/js/") && !path.endsWith("/playground.js") ? "scripts" : undefined;
}

/** Adds what the browser says it has fetched since; nothing came over the network of a file that was
 * in a cache. */
function count(entries: PerformanceEntryList): void {
  for (const entry of entries as PerformanceResourceTiming[]) {
    const kind = kindOf(entry.name);
    if (kind === undefined || entry.transferSize === 0) continue;
    for (const cost of [all[kind], latest[kind]]) {
      cost.bytes += entry.encodedBodySize;
      cost.requests += 1;
    }
  }
}

const observer = new PerformanceObserver((list) => count(list.getEntries()));
observer.observe({ type: "resource", buffered: true });

const kb = (bytes: number): string => `${(bytes / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} kB`;
const decimal = (value: number | null): string => (value === null ? "–" : value.toLocaleString(undefined, { maximumFractionDigits: 3 }));

function figure(name: string, value: string): HTMLElement {
  return make("div", {}, make("dt", {}, name), make("dd", {}, value));
}

function showFetched(result: SearchResult | undefined): void {
  const sum = (of: Record<Kind, Cost>, field: keyof Cost) => KINDS.reduce((total, kind) => total + of[kind][field], 0);
  const figures = [
    figure("by this query", kb(sum(latest, "bytes"))),
    figure("since the page opened", kb(sum(all, "bytes"))),
    ...(result === undefined ? [] : [figure("searching and waiting", `${result.timings_ms.total.toFixed(1)} ms`)]),
  ];
  byId("figures").replaceChildren(...figures);
  const head = ["what", "this query", "requests", "in all"].map((name, i) =>
    make("th", { scope: "col", ...(i > 0 && { class: "number" }) }, name),
  );
  const rows = KINDS.map((kind) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, kind),
      make("td", { class: "number" }, kb(latest[kind].bytes)),
      make("td", { class: "number" }, String(latest[kind].requests)),
      make("td", { class: "number" }, kb(all[kind].bytes)),
    ),
  );
  byId("fetched").replaceChildren(make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  const { round_trips = 0, requests = 0, bytes = 0 } = result?.fetched ?? {};
  byId("cold").textContent =
    result === undefined
      ? "The engine and the index's entry are fetched once the box gets the focus."
      : `A visitor with an empty cache would fetch ${kb(bytes)} of this index for this query, in ${requests} ` +
        `requests and ${round_trips} round trips; ${result.work.postings} postings and ` +
        `${result.work.distances} vectors were compared.`;
}

/** How much of the best score a hit has, and of which retriever. */
function bar(hit: Hit, best: number): HTMLElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 100 6");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const rect = document.createElementNS(SVG, "rect");
  const isDense = hit.ranks.lexical === null && hit.ranks.dense !== null;
  rect.setAttribute("class", isDense ? "dense" : "lexical");
  rect.setAttribute("width", String(best > 0 ? (100 * hit.score) / best : 0));
  rect.setAttribute("height", "6");
  rect.setAttribute("rx", "1");
  svg.append(rect);
  return make("div", { class: "bars" }, svg);
}

function tree(parts: readonly Explanation[]): HTMLElement {
  const items = parts.map(({ label, value, parts = [] }) =>
    make(
      "li",
      {},
      make("span", { dir: "auto" }, label),
      make("span", {}, decimal(value)),
      ...(parts.length > 0 ? [tree(parts)] : []),
    ),
  );
  return make("ul", { class: "tree" }, ...items);
}

function showHits({ hits, notes }: SearchResult): void {
  const best = Math.max(0, ...hits.map(({ score }) => score));
  const items = hits.map((hit) => {
    const { document: page, chunk, scores, ranks } = hit;
    const name = chunk.heading.at(-1) ?? (page.title || page.url);
    const leg = (label: string, rank: number | null, score: number | null) =>
      rank === null ? `${label} –` : `${label} no. ${rank} (${decimal(score)})`;
    const legs = [leg("words", ranks.lexical, scores.lexical)];
    if (ranks.dense !== null || scores.dense !== null) legs.push(leg("meaning", ranks.dense, scores.dense));
    const why = hit.explain?.parts ?? [];
    return make(
      "li",
      {},
      make("div", { class: "hit" }, make("span", { dir: "auto" }, `${hit.rank}. ${name}`), make("span", { class: "score" }, decimal(hit.score))),
      bar(hit, best),
      make("div", { class: "legs" }, legs.join(" · ")),
      ...(why.length > 0 ? [make("details", {}, make("summary", {}, "the score, taken apart"), tree(why))] : []),
    );
  });
  byId("notes").replaceChildren(...notes.map(({ message }) => make("p", { class: "note", dir: "auto" }, message)));
  byId("hits").replaceChildren(...items);
  byId("scores").hidden = hits.length === 0 && notes.length === 0;
}

search?.addEventListener("littoral-result", (event) => {
  const { result } = (event as CustomEvent<{ result: SearchResult }>).detail;
  // What was fetched last may not have been told yet.
  setTimeout(() => {
    count(observer.takeRecords());
    showFetched(result);
    showHits(result);
    latest = costs();
  });
});

search?.addEventListener("littoral-error", () => {
  byId("scores").hidden = true;
});

/** The text of a file that the site may have beside the page; empty where it has none. */
const beside = (name: string): Promise<string> =>
  fetch(name, { cache: "no-cache" })
    .then((response) => (response.ok ? response.text() : ""))
    .catch(() => "");

/** What a person may ask, a query a line. */
void beside("queries.txt").then((queries) => {
  const buttons = queries.split("\n").filter(Boolean).map((query) => {
    const button = make("button", { type: "button" }, query);
    button.addEventListener("click", () => {
      if (search === null) return;
      search.focus();
      search.value = query;
    });
    return button;
  });
  byId("queries").replaceChildren(...buttons);
});

void beside("about.txt").then((text) => {
  if (text !== "") byId("about").textContent = text;
});
showFetched(undefined);
