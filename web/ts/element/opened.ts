// Indexes that a page has open: one for each address, for all elements.

import { script } from "../script.js";
import type { Index, OpenOptions } from "../types.js";

const opened = new Map<string, Promise<Index>>();

/** The index at `src`, opened once. */
export function indexAt(src: string, options: OpenOptions): Promise<Index> {
  let index = opened.get(src);
  if (index === undefined) {
    index = script("./index.js", () => import("littoral")).then(({ open }) => open(src, options));
    index.catch(() => opened.delete(src));
    opened.set(src, index);
  }
  return index;
}

/** Forgets the opened index at `src`: the next call opens it anew. */
export function forget(src: string): void {
  const index = opened.get(src);
  opened.delete(src);
  index?.then((index) => index.close()).catch(() => undefined);
}

/** The folder of the index that `element` names with `src`, as an address. */
export function folderOf(element: Element): string {
  const url = new URL(element.getAttribute("src") ?? "/littoral/", document.baseURI);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url.href;
}

/** What addresses of documents are relative to: what `base` says, else the folder that the index lies in. */
export function baseOf(element: Element): string {
  const base = element.getAttribute("base");
  return base === null ? new URL("..", folderOf(element)).href : new URL(base, document.baseURI).href;
}
