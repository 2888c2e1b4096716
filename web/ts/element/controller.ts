// What a search box knows and does, without a page: the elements only show its state.

import type { Facet, Hit, Index, Mode, OpenOptions, SearchOptions, SearchResult } from "../types.js";
import { forget, indexAt } from "./opened.js";

export interface Settings {
  /** The folder of the index. */
  src: string;
  mode?: Mode;
  /** Hits of a first answer. */
  limit: number;
  /** Filter keys to offer; `undefined` for all there are. */
  filters?: readonly string[];
  explain: boolean;
  open: OpenOptions;
}

/** A document with the passages found in it, the best first. */
export interface Group {
  hits: [Hit, ...Hit[]];
}

export interface State {
  query: string;
  status: "idle" | "loading" | "ready" | "error";
  /** Of the last search that was answered; it stays while the next one runs. */
  result: SearchResult | undefined;
  groups: Group[];
  facets: Record<string, Facet[]>;
  chosen: Record<string, string[]>;
  error: { code: string; message: string } | undefined;
}

/** A search that takes longer waited for the network: the next one then waits until no key was
 * pressed for a while. */
const FAST_MS = 60;
const QUIET_MS = 120;
/** How long a search may keep a newer one waiting. */
const PATIENCE_MS = 150;
/** Passages shown below a document's best one. */
const MAX_SUB_RESULTS = 3;

export class Controller {
  readonly state: State = {
    query: "",
    status: "idle",
    result: undefined,
    groups: [],
    facets: {},
    chosen: {},
    error: undefined,
  };
  readonly #settings: () => Settings;
  readonly #changed: () => void;
  #keys: string[] | undefined;
  #k = 0;
  #isRunning = false;
  #isWanted = false;
  #lastMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();

  constructor(settings: () => Settings, changed: () => void) {
    this.#settings = settings;
    this.#changed = changed;
  }

  /** Loads the engine and opens the index, so that a search finds them there. */
  async open(): Promise<Index> {
    const { src, open, filters } = this.#settings();
    const index = await indexAt(src, open);
    this.#keys ??= filters ? [...filters] : Object.keys(await index.filters());
    return index;
  }

  /** Takes what stands in the box. */
  ask(query: string): void {
    if (query === this.state.query) return;
    this.state.query = query;
    this.#k = 0;
    this.#want(this.#lastMs > FAST_MS ? QUIET_MS : 0);
  }

  /** Chooses a filter's value, or drops it. */
  toggle(key: string, value: string): void {
    const values = this.state.chosen[key] ?? [];
    const others = values.filter((each) => each !== value);
    this.state.chosen[key] = others.length < values.length ? others : [...values, value];
    this.#k = 0;
    this.#want(0);
  }

  unfilter(): void {
    this.state.chosen = {};
    this.#want(0);
  }

  /** Asks for more hits of the same query. */
  more(): void {
    this.#k += this.#settings().limit;
    this.#want(0);
  }

  /** Searches again, with the index opened anew. */
  retry(): void {
    forget(this.#settings().src);
    this.#keys = undefined;
    this.#want(0);
  }

  #want(ms: number): void {
    clearTimeout(this.#timer);
    if (this.state.query.trim() === "") {
      this.#abort.abort();
      Object.assign(this.state, { status: "idle", result: undefined, groups: [], error: undefined });
      this.#changed();
      return;
    }
    this.#timer = setTimeout(() => this.#run(), ms);
    if (ms === 0) {
      clearTimeout(this.#timer);
      void this.#run();
    }
  }

  async #run(): Promise<void> {
    if (this.#isRunning) {
      this.#isWanted = true;
      const running = this.#abort;
      setTimeout(() => this.#isWanted && running.abort(), PATIENCE_MS);
      return;
    }
    this.#isRunning = true;
    this.#isWanted = false;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const start = performance.now();
    this.state.status = "loading";
    this.#changed();
    try {
      const answer = await this.#search(signal);
      if (!signal.aborted) Object.assign(this.state, answer, { status: "ready", error: undefined });
    } catch (thrown) {
      if (!signal.aborted) Object.assign(this.state, { status: "error", error: told(thrown) });
    }
    this.#lastMs = performance.now() - start;
    this.#isRunning = false;
    if (!signal.aborted) this.#changed();
    if (this.#isWanted && this.state.query.trim() !== "") void this.#run();
  }

  async #search(signal: AbortSignal): Promise<Partial<State>> {
    const { mode, limit, explain } = this.#settings();
    const { query, chosen } = this.state;
    const index = await this.open();
    const keys = this.#keys ?? [];
    const filters = Object.fromEntries(Object.entries(chosen).filter(([, values]) => values.length > 0));
    const options: SearchOptions = {
      k: limit + this.#k,
      filters,
      facets: keys,
      chunks: true,
      asYouType: true,
      explain,
      signal,
    };
    if (mode !== undefined) options.mode = mode;
    // A key that is filtered by counts its values as if it were not: they are alternatives.
    const counts = Object.keys(filters).map(async (key): Promise<[string, Facet[]]> => {
      const { [key]: _, ...others } = filters;
      const free = await index.search(query, { ...options, k: 1, filters: others, facets: [key] });
      return [key, free.facets?.[key] ?? []];
    });
    const [result, ...free] = await Promise.all([index.search(query, options), ...counts]);
    const facets = { ...result.facets, ...Object.fromEntries(free) };
    return { result, groups: grouped(result.hits), facets };
  }
}

/** Hits by document, in the order of each document's best. */
function grouped(hits: Hit[]): Group[] {
  const groups = new Map<string, Group>();
  for (const hit of hits) {
    const group = groups.get(hit.document.id);
    if (group === undefined) groups.set(hit.document.id, { hits: [hit] });
    else if (group.hits.length <= MAX_SUB_RESULTS) group.hits.push(hit);
  }
  return [...groups.values()];
}

function told(thrown: unknown): { code: string; message: string } {
  const { code, message } = thrown as { code?: unknown; message?: unknown };
  const isOffline = globalThis.navigator?.onLine === false;
  // A module that does not load has no code of ours.
  const known = typeof code === "string" ? code : "unreadable";
  return { code: isOffline && known === "unreadable" ? "offline" : known, message: String(message ?? thrown) };
}
