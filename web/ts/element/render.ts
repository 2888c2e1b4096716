// Pieces of the panel: an option for a hit, rows of filters, and what is said instead of results.

import type { Hit } from "../types.js";
import type { Controller, State } from "./controller.js";
import { button, make } from "./dom.js";
import { markedNodes, safeUrl } from "./marked.js";
import { errorText, filled, type Texts } from "./texts.js";

/** Something that the arrow keys reach. */
export interface Choice {
  element: HTMLElement;
}

/** Values of a filter that are shown before all are asked for. */
const SHOWN_VALUES = 6;

/** A link that is an option; where its address may not be followed, an option that is no link. */
export function hitOption(
  hit: Hit,
  href: string | undefined,
  isSub: boolean,
  base: string,
  template: HTMLTemplateElement | null,
  own: Node | undefined,
): HTMLElement {
  const kind = isSub ? "sub" : "main";
  const attributes = { role: "option", class: `option ${kind}`, part: `option ${kind}` };
  const option = href === undefined ? make("div", attributes) : make("a", { ...attributes, href, tabindex: "-1" });
  if (own !== undefined) option.append(own);
  else if (template !== null) option.append(filledTemplate(template, hit, base));
  else {
    const { document: page, chunk } = hit;
    const heading = chunk.heading.filter((each) => each !== page.title);
    // Below a page's best passage, one without a heading of its own speaks for itself.
    const title = isSub ? heading.pop() : page.title || heading[0] || page.url;
    option.append(
      ...(title === undefined ? [] : [make("span", { class: "title", part: "title", dir: "auto" }, title)]),
      ...(!isSub && heading.length > 0
        ? [make("span", { class: "heading", part: "heading", dir: "auto" }, heading.join(" › "))]
        : []),
      make("span", { class: "excerpt", part: "excerpt", dir: "auto" }, markedNodes(hit.excerpt)),
    );
  }
  return option;
}

/** A copy of a page's template with the fields of a hit in it: `data-field="title"`, `heading`,
 * `excerpt`, `url` or `meta:NAME` gets the text, `data-src="meta:NAME"` the address of an image. */
function filledTemplate(template: HTMLTemplateElement, hit: Hit, base: string): DocumentFragment {
  const copy = template.content.cloneNode(true) as DocumentFragment;
  const field = (name: string): string => {
    if (name.startsWith("meta:")) return hit.document.meta[name.slice(5)] ?? "";
    if (name === "heading") return hit.chunk.heading.join(" › ");
    if (name === "url") return hit.document.url;
    return name === "title" ? hit.document.title : "";
  };
  for (const place of copy.querySelectorAll<HTMLElement>("[data-field]")) {
    const name = place.dataset.field ?? "";
    place.replaceChildren(name === "excerpt" ? markedNodes(hit.excerpt) : field(name));
    if (place.textContent === "") place.remove();
  }
  for (const image of copy.querySelectorAll<HTMLImageElement>("img[data-src]")) {
    const url = safeUrl(field(image.dataset.src ?? ""), base);
    if (url === undefined || url.protocol === "mailto:") image.remove();
    else image.src = url.href;
  }
  return copy;
}

/** A row of chips for each filter key. */
export function filterRows(
  { facets, chosen }: State,
  texts: Texts,
  expanded: Set<string>,
  controller: Controller,
  redraw: () => void,
): HTMLElement[] {
  const rows: HTMLElement[] = [];
  for (const [key, values] of Object.entries(facets)) {
    const picked = chosen[key] ?? [];
    const counts = new Map(values.map(({ value, count }) => [value, count]));
    for (const value of picked) if (!counts.has(value)) counts.set(value, 0);
    const all = [...counts].filter(([value, count]) => count > 0 || picked.includes(value));
    if (all.length === 0) continue;
    const shown = expanded.has(key)
      ? all
      : all.filter(([value], i) => i < SHOWN_VALUES || picked.includes(value));
    const chips = shown.map(([value, count]) => {
      const chip = button("chip", "", () => controller.toggle(key, value));
      chip.append(make("span", { dir: "auto" }, value), make("span", { class: "count" }, String(count)));
      chip.setAttribute("aria-pressed", String(picked.includes(value)));
      chip.setAttribute("data-id", `${key}\n${value}`);
      return chip;
    });
    if (shown.length < all.length) {
      const more = button("chip", filled(texts.allValues, { n: all.length }), () => {
        expanded.add(key);
        redraw();
      });
      more.setAttribute("data-id", `${key}\n`);
      chips.push(more);
    }
    const label = filled(texts.filter, { key });
    rows.push(
      make("div", { class: "filter", role: "group", "aria-label": label }, make("span", { class: "key" }, key), ...chips),
    );
  }
  return rows;
}

/** What is said where there are no results to show. */
export function messageOf(
  state: State,
  texts: Texts,
  at: { isEmpty: boolean; isSlow: boolean; hasRecent: boolean; isHinted: boolean },
  controller: Controller,
): HTMLElement[] {
  if (at.isEmpty) return at.hasRecent || !at.isHinted ? [] : [make("p", {}, texts.hint)];
  const { status, error, result } = state;
  if (status === "error" && error !== undefined) {
    const lead = errorText(texts, error.code);
    const detail = lead === texts.failed || error.code === "unknown-field" ? [make("p", {}, error.message)] : [];
    const retry = error.code === "unknown-field" ? [] : [button("retry", texts.retry, () => controller.retry())];
    return [make("p", { class: "lead" }, lead), ...detail, ...retry];
  }
  if (result === undefined) return at.isSlow && status === "loading" ? [make("p", {}, texts.loading)] : [];
  if (state.groups.length > 0) return [];
  const isFiltered = Object.values(state.chosen).some((values) => values.length > 0);
  return [
    make("p", { class: "lead" }, filled(texts.none, { query: result.query })),
    make("p", {}, texts.noneHint),
    ...(isFiltered ? [button("unfilter", texts.unfilter, () => controller.unfilter())] : []),
  ];
}
