// What an index is asked and what it answers: the shape of `littoral search --json`.

/** Which retrievers answer. */
export type Mode = "hybrid" | "lexical" | "dense";

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
  /** How far hits are to differ from those above them, 0 to 1; vectors tell what is alike. Default 0. */
  diversity?: number;
  /** Take the last word for the beginning of one. Default false. */
  asYouType?: boolean;
  /** Look for words that the index does not have with one edit, two in long words. Default true. */
  correct?: boolean;
  /** Explain each score. Default false. */
  explain?: boolean;
  /** Length of an excerpt in characters; 0 for none, which is quicker. Default 240. */
  excerptChars?: number;
  /** Rejects with the signal's reason as soon as it is aborted. */
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

/** Something the reader of a result should know. */
export interface Note {
  code: string;
  message: string;
  suggestion?: string;
}

/** A filter value, and how many documents carry it. */
export interface Facet {
  value: string;
  count: number;
}

export interface SearchResult {
  query: string;
  mode: Mode;
  hits: Hit[];
  n_found: number;
  facets?: Record<string, Facet[]>;
  /** What a cold query would have fetched. */
  fetched: { round_trips: number; requests: number; bytes: number };
  work: { postings: number; distances: number };
  timings_ms: { total: number };
  notes: Note[];
}

/** How well what was found answers a question. */
export interface Evidence {
  /** 0 to 1: the share of questions like this that documents like these answer. */
  score: number;
  /** What the score had to reach. */
  threshold: number;
  /** The share of the question that the best passage holds, and the best sentence. */
  coverage: number;
  sentence: number;
  /** The highest similarity of a passage by vectors; `null` where none answered. */
  cosine: number | null;
  /** The best passage's score by words, beside what the question's words weigh. */
  words: number;
}

export interface AnswerSentence {
  text: string;
  /** Ids of what it is taken from, or rests on. */
  citations: string[];
  /** Whether what it cites says so. A quoted sentence is always supported. */
  supported: boolean;
}

export interface Citation {
  /** What sentences cite it by: 1, 2, … */
  id: string;
  document: Hit["document"];
  chunk: Hit["chunk"];
  /** The address of the quote: the document's, with a text fragment; empty where it has none. */
  url: string;
  /** The words of the document, as they stand there, and their bytes in its text. */
  quote: string;
  start: number;
  end: number;
}

/** The shape of `littoral ask --json`. */
export interface Answer {
  question: string;
  /** Its sentences, one after another; empty when it abstained. */
  answer: string;
  /** Whether nothing found answers the question well enough. */
  abstained: boolean;
  sentences: AnswerSentence[];
  citations: Citation[];
  evidence: Evidence;
  notes: Note[];
}

/** A language model behind an OpenAI-compatible endpoint. */
export interface Llm {
  /** Its address up to `/v1`, or with `/chat/completions`. */
  url: string | URL;
  model: string;
  /** Sent as a bearer token. Whoever sees the page sees it. */
  key?: string;
  /** Tokens of the passages that it is given. Default 2048. */
  maxTokens?: number;
  /** How long it may take in all, in milliseconds. Default 60,000. */
  timeoutMs?: number;
  /** How long no piece of an answer may come, the first one included, in milliseconds. Default 10,000. */
  silenceMs?: number;
  /** Asks it. Default: the platform's. */
  fetch?: typeof globalThis.fetch;
}

export interface AskOptions extends Pick<SearchOptions, "mode" | "filters" | "signal"> {
  /** Sentences at most, 1 to 10. Default 3. */
  sentences?: number;
  /** Evidence below which there is no answer, 0 to 1. Default: the index's own. */
  threshold?: number;
  /** Writes the answer, which is then held against the passages; without one, they are quoted. */
  llm?: Llm;
}

export interface ContextOptions extends Pick<SearchOptions, "mode" | "filters" | "signal"> {
  /** Tokens of the text, as estimated. Default 2048. */
  maxTokens?: number;
}

export interface ContextPassage {
  /** What an answer cites it by: 1, 2, … in the order of the text. */
  id: string;
  document: Hit["document"];
  chunk: Hit["chunk"];
  /** Higher is better; comparable within one context only. */
  score: number;
  /** Tokens of its part of the text, as estimated. */
  tokens: number;
}

/** The shape of `littoral context --json`. */
export interface Context {
  query: string;
  /** The passages, each behind its number, its title and headings, and its address. */
  text: string;
  /** Tokens of the text, as estimated: never more than were asked for. */
  tokens: number;
  /** Best first. */
  passages: ContextPassage[];
  notes: Note[];
}

/** Where the bytes of an index come from. A file that is not there is rejected with an error of the
 * code `not-found`. */
export interface Host {
  /** The bytes of the entry, `littoral.json`. */
  entry(): Promise<Uint8Array>;
  /** The files at `paths`, in their order: all of one round, asked for together. */
  read(paths: string[]): Promise<Uint8Array[]>;
  /** The vector of a query by the model that `model` identifies (8 bytes), of length 1; `undefined`
   * where the host cannot encode. */
  embed?(model: Uint8Array, query: string): Promise<Float32Array | undefined>;
}

/** A WebAssembly module: its address, an answer that carries it, its bytes, or compiled. */
export type Wasm = URL | string | Response | BufferSource | WebAssembly.Module;

/** What gives a module, asked once it is needed. */
export type Source = () => Wasm | Promise<Wasm>;

/** A packed model: its address, or its bytes. In Node, Deno and Bun also a path. */
export type Model = URL | string | BufferSource;

export interface OpenOptions {
  /** Run the engine in a Web Worker; without one, in this thread. Default true where there are
   * workers. A function makes the worker, for bundlers that need to see how. */
  worker?: boolean | (() => Worker);
  /** Keep the files of an index in Cache Storage, so that it works offline afterwards. Default true
   * where there is Cache Storage. */
  cache?: boolean;
  /** Gets the files of an index. The engine then runs in this thread. Default: the platform's. */
  fetch?: typeof globalThis.fetch;
  /** A packed model that encodes queries: the one that encoded the index's documents. An index with
   * a query table needs none, and is searched by its table until the model has come; any other is
   * searched by vectors only with it. Default: none. */
  embedder?: Model;
  /** Where the WebAssembly modules are. Default: beside this module. */
  wasm?: { core?: Wasm; rest?: Wasm; languages?: Wasm; answers?: Wasm; encoder?: Wasm };
  signal?: AbortSignal;
}

/** An open index. */
export interface Index {
  /** Where its engine runs. */
  readonly thread: "worker" | "here";
  /** Why it does not run in a worker, where that was wanted. */
  readonly workerError: Error | null;
  search(query: string, options?: SearchOptions): Promise<SearchResult>;
  /** As `search`, once no other call followed for `ms` (default 300); `null` where one did. */
  debouncedSearch(query: string, options?: SearchOptions, ms?: number): Promise<SearchResult | null>;
  /** Fetches what `search` with the same arguments will need. */
  preload(query: string, options?: SearchOptions): Promise<void>;
  /** Numbered passages for a prompt, within so many tokens. */
  context(query: string, options?: ContextOptions): Promise<Context>;
  /** Answers out of the documents: sentences as they come, each with what it cites; in the end the whole. */
  ask(question: string, options?: AskOptions): AsyncGenerator<AnswerSentence, Answer>;
  /** As `ask`, at once. */
  answer(question: string, options?: AskOptions): Promise<Answer>;
  /** The values of every filter key, and how many documents carry each: the most frequent first. */
  filters(options?: { signal?: AbortSignal }): Promise<Record<string, Facet[]>>;
  /** Gives its memory back once no search is running; it cannot be searched again. */
  close(): void;
}
