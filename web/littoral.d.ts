/** The WebAssembly core: its address, an answer that carries it, its bytes, or the module. */
export type Core =
  | URL
  | string
  | Response
  | BufferSource
  | WebAssembly.Module
  | Promise<Response | BufferSource | WebAssembly.Module>;

/** Which retrievers answer. */
export type Mode = "hybrid" | "lexical" | "dense";

export interface OpenOptions {
  /** Where the WebAssembly core is, or what gives it. Default: beside this module. The first `open`
   * of a page decides. */
  wasm?: Core | (() => Core);
  /** Gets the files of an index at a URL. Default: the platform's `fetch`. */
  fetch?: typeof fetch;
}

export interface SearchOptions {
  /** Hits wanted, 1 to 1000. Default 10. */
  k?: number;
  /** Default `hybrid`. */
  mode?: Mode;
  /** Values of one key are alternatives; keys are joined. */
  filters?: Record<string, string | readonly string[]>;
  /** A sort key instead of the score; `key:desc` for highest first. */
  sort?: string;
  /** Filter keys to count the values of, over everything found. */
  facets?: readonly string[];
  /** Give every chunk a hit of its own, instead of each document its best chunk. Default false. */
  chunks?: boolean;
  /** Take the last word for the beginning of one. Default false. */
  asYouType?: boolean;
  /** Look for words that the index does not have with one edit, two in long words. Default true. */
  correct?: boolean;
  /** Explain each score. Default false. */
  explain?: boolean;
  /** Length of an excerpt in characters. Default 240. */
  excerptChars?: number;
  /** Rejects the search with the signal's reason. */
  signal?: AbortSignal;
}

export interface Explanation {
  label: string;
  value: number;
  parts?: Explanation[];
}

export interface Hit {
  /** From 1. */
  rank: number;
  /** Higher is better; comparable within one result only. */
  score: number;
  document: { id: string; url: string; title: string; meta: Record<string, string> };
  /** `start` and `end` are byte offsets into the document's text. */
  chunk: {
    id: number;
    heading: string[];
    anchor: string | null;
    start: number;
    end: number;
    text: string;
  };
  /** HTML: the text escaped, the query's words in `mark`. */
  excerpt: string;
  scores: { lexical: number | null; dense: number | null; rerank: number | null };
  ranks: { lexical: number | null; dense: number | null };
  explain?: Explanation;
}

/** What `littoral search --json` prints. */
export interface SearchResult {
  query: string;
  mode: Mode;
  hits: Hit[];
  n_found: number;
  facets?: Record<string, { value: string; count: number }[]>;
  /** What a cold query would have fetched. */
  fetched: { round_trips: number; requests: number; bytes: number };
  work: { postings: number; distances: number };
  timings_ms: { total: number };
  notes: { code: string; message: string; suggestion?: string }[];
}

/** What everything here rejects with. The codes are the program's: `stale-index` says that the
 * index was replaced while it was open; open it again. */
export interface LittoralError extends Error {
  code: string;
}

export interface Index {
  search(query: string, options?: SearchOptions): Promise<SearchResult>;
  /** Gives its memory back once no search is running; it cannot be searched again. */
  close(): void;
}

/** Where the bytes of an index come from. A file that is not there is rejected with an error of the
 * code `not-found`. */
export interface Host {
  /** The bytes of the entry, `littoral.json`. */
  entry(): Promise<Uint8Array>;
  /** The files at `paths`, in their order: all of one round, asked for together. */
  read(paths: string[]): Promise<Uint8Array[]>;
}

/** Opens the index at a URL; in Node also in a folder. */
export function open(where: string | URL, options?: OpenOptions): Promise<Index>;

/** Opens the index that a host of your own holds. */
export function openWith(host: Host, options?: OpenOptions): Promise<Index>;

/** The host over files that `fetch` gets below a URL. */
export function fetchHost(url: string | URL, get?: typeof fetch): Host;

/** An error as hosts reject with. */
export function fault(code: string, message: string, more?: object): LittoralError;
