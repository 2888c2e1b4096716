// The engine in this thread: loads the WebAssembly module that an index needs and searches with it.

import initCore, * as core from "../generated/core/littoral.js";
import type * as full from "../generated/answers/littoral.js";
import { Current, guarded, type Open, type Opened } from "./current.js";
import { type Bytes, Embedder } from "./embedder.js";
import { fault, isFault } from "./error.js";
import type { Answer, ContextPassage, Facet, Host, Note, SearchOptions, SearchResult, Source } from "./types.js";
import type { script } from "./script.js";
import type { Prompt, Rest, Sentences, Writing } from "./writing.js";

export interface Sources {
  core: Source;
  /** What few searches run. */
  rest: Source;
  /** Whether the rest is loaded with the core, since it is near. */
  isWhole?: boolean;
  languages: Source;
  answers: Source;
  encoder: Source;
  /** Loads the binding of a module that is loaded when it is needed. Default: as it is. */
  script?: typeof script;
}

/** The functions of a module. */
export type Glue = Pick<typeof core, "default" | "open" | "stop">;
/** The functions of a module that answers. */
export type FullGlue = Pick<typeof full, "citedUrl" | "default" | "open" | "Reply" | "stop">;
export type CoreIndex = Awaited<ReturnType<typeof core.open>>;
export type FullIndex = Awaited<ReturnType<typeof full.open>>;

/** A search as the engine takes it, without the signal. */
export type Asked = Omit<SearchOptions, "signal">;

/** What an answer is to be like. */
export interface Wanted {
  sentences?: number;
  threshold?: number;
}

/** An index that this thread searches. */
export interface Engine {
  search(query: string, asked: Asked): Promise<SearchResult>;
  filters(): Promise<Record<string, Facet[]>>;
  answer(question: string, asked: Asked, wanted: Wanted): Promise<Answer>;
  /** Begins to hold what a model writes against `passages`. */
  draft(question: string, passages: ContextPassage[], sentences?: number): Promise<Prompt>;
  /** Takes a piece of what it writes. */
  push(writing: number, piece: string): Promise<Sentences>;
  /** Takes the end of it. */
  finish(writing: number): Promise<Rest>;
  /** Lets it go, finished or not. */
  drop(writing: number): Promise<void>;
  close(): void;
}

const loaded = new Map<string, Promise<Glue>>();

/** Loads a module once, and `rest` into it; after a failure the next call tries again. */
export function load<G extends Glue>(
  name: string,
  glue: () => Promise<G> | G,
  source: Source,
  rest?: Source,
): Promise<G> {
  let module = loaded.get(name) as Promise<G> | undefined;
  if (module === undefined) {
    module = (async () => {
      if (typeof WebAssembly !== "object") {
        throw fault("wasm-blocked", "there is no WebAssembly here");
      }
      if (!WebAssembly.validate(SIMD)) {
        throw fault("wasm-no-simd", "WebAssembly has no 128-bit SIMD here; update the browser");
      }
      try {
        const more = rest && compiled(rest);
        more?.catch(() => undefined);
        const functions = await glue();
        const exports = await functions.default({ module_or_path: await compiled(source) });
        if (more) await WebAssembly.instantiate(await more, { core: exports as never });
        return functions;
      } catch (cause) {
        const message = (cause as Error).message;
        const isBlocked = cause instanceof WebAssembly.CompileError && /polic|unsafe-eval|CSP/i.test(message);
        throw isBlocked
          ? fault("wasm-blocked", `the page's policy forbids WebAssembly; allow 'wasm-unsafe-eval' in script-src: ${message}`, { cause })
          : fault("wasm-unavailable", `the WebAssembly module did not load: ${message}`, { cause });
      }
    })();
    module.catch(() => loaded.delete(name));
    loaded.set(name, module);
  }
  return module;
}

const compilations = new WeakMap<Source, Promise<WebAssembly.Module>>();

/** A module from where it is, fetched and compiled once: the core starts alone, and again with its rest. */
function compiled(source: Source): Promise<WebAssembly.Module> {
  let module = compilations.get(source);
  if (module === undefined) {
    module = compile(source);
    module.catch(() => compilations.delete(source));
    compilations.set(source, module);
  }
  return module;
}

async function compile(source: Source): Promise<WebAssembly.Module> {
  const given = await source();
  const got = typeof given === "string" || given instanceof URL ? await fetch(given) : given;
  if (!(got instanceof Response)) return got instanceof WebAssembly.Module ? got : WebAssembly.compile(got);
  if (!got.ok) throw new Error(`HTTP status ${got.status} fetching ${got.url}`);
  const isTold = got.headers.get("content-type")?.startsWith("application/wasm");
  return isTold ? WebAssembly.compileStreaming(got) : WebAssembly.compile(await got.arrayBuffer());
}

/** How long after an index is opened its engine's rest is fetched: nothing that is searched first waits for it. */
const AHEAD_MS = 10_000;

/** The smallest module with an instruction of 128-bit SIMD: `i8x16.popcnt(i8x16.splat(0))`. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** Opens the index that `host` holds, with the module that has its languages, and with the encoder of
 * queries whose model `model` gives. */
export async function openEngine(host: Host, sources: Sources, model?: Bytes): Promise<Engine> {
  const embedder = model && new Embedder(model, sources.encoder);
  /** The files of the index, and the entry fetched once for all modules that ask for it now. */
  const files = (): Host => {
    let entry: Promise<Uint8Array> | undefined;
    return {
      entry: () => {
        entry ??= host.entry();
        return entry;
      },
      read: (paths) => host.read(paths),
      embed: async (model, query) => embedder?.embed(model, query) ?? host.embed?.(model, query),
    };
  };
  const openWith = async <I, G extends Glue>(module: Promise<G>, once: Host, isWhole = true): Promise<Opened<I, G>> => {
    const glue = await module;
    return { index: (await guarded(() => glue.open(once), glue)) as I, glue, isWhole };
  };
  const binding = <G = Glue>(name: string, load: () => Promise<unknown>): Promise<G> => {
    return (sources.script?.(name, load) ?? load()) as Promise<G>;
  };
  const engine = (isWhole: boolean): Promise<Glue> => {
    const glue = () => ({ ...core, default: initCore });
    if (!isWhole) return load("core", glue, sources.core);
    if (sources.isWhole) return load("whole", glue, sources.core, sources.rest);
    return load("whole", () => binding("./rest.js", () => import("./rest.js")), sources.core, sources.rest);
  };
  let once = files();
  const open: Open<CoreIndex> = async (isWhole, isSame) => {
    if (!isSame) once = files();
    // The entry and the module are fetched side by side.
    once.entry().catch(() => undefined);
    try {
      return await openWith(engine(isWhole), once, isWhole);
    } catch (error) {
      const code = isFault(error) && error.code;
      if (code === "internal" && !isWhole) return open(true, true);
      if (code !== "missing-language") throw error;
      const glue = () => binding<Glue>("./languages.js", () => import("./languages.js"));
      return openWith(load("languages", glue, sources.languages), once);
    }
  };
  const answering = (): Promise<Opened<FullIndex, FullGlue>> => {
    const glue = () => binding<FullGlue>("./answers.js", () => import("./answers.js"));
    return openWith(load("answers", glue, sources.answers), files());
  };
  const opened = await open(sources.isWhole ?? false, false);
  // Unasked, so that what needs the rest is found without a network, too. Whoever asks tries again.
  if (!opened.isWhole) setTimeout(() => engine(true).catch(() => undefined), AHEAD_MS);
  return new Session(opened, open, answering, embedder);
}

/** An index that is searched, and asked where somebody asks. */
export class Session implements Engine {
  readonly #searching: Current<CoreIndex>;
  readonly #answering: () => Promise<Opened<FullIndex, FullGlue>>;
  readonly #embedder: Embedder | undefined;
  #asked: Promise<{ current: Current<FullIndex>; glue: FullGlue }> | undefined;
  readonly #writings = new Map<number, Writing>();
  #n = 0;
  #isClosed = false;

  constructor(
    opened: Opened<CoreIndex>,
    open: Open<CoreIndex>,
    answering: () => Promise<Opened<FullIndex, FullGlue>>,
    embedder?: Embedder,
  ) {
    this.#embedder = embedder;
    this.#searching = new Current(opened, open, (index) => this.#wait(index));
    this.#answering = answering;
  }

  async search(query: string, asked: Asked): Promise<SearchResult> {
    const options = plain(asked);
    const start = performance.now();
    const found = this.#from(this.#searching, asked, (index) => index.search(query, options));
    const result = (await found) as SearchResult;
    result.timings_ms.total = performance.now() - start;
    return result;
  }

  async answer(question: string, asked: Asked, { sentences, threshold }: Wanted): Promise<Answer> {
    const { current } = await this.#asking();
    const options = plain(asked);
    const answered = this.#from(current, asked, (index) => index.answer(question, options, sentences, threshold));
    return (await answered) as Answer;
  }

  async filters(): Promise<Record<string, Facet[]>> {
    const [text] = await this.#searching.ask((index) => index.filters());
    return JSON.parse(text) as Record<string, Facet[]>;
  }

  async draft(question: string, passages: ContextPassage[], sentences?: number): Promise<Prompt> {
    const { glue } = await this.#asking();
    const fields = passages.flatMap(({ id, document, chunk }) => {
      return [id, document.url, [document.title, ...chunk.heading].join("\n"), chunk.text];
    });
    const reply = new glue.Reply(question, fields, sentences);
    this.#n += 1;
    this.#writings.set(this.#n, { reply, passages, citedUrl: glue.citedUrl });
    return { writing: this.#n, messages: JSON.parse(reply.messages) };
  }

  async push(writing: number, piece: string): Promise<Sentences> {
    return JSON.parse(this.#writing(writing).reply.push(piece)) as Sentences;
  }

  async finish(writing: number): Promise<Rest> {
    const { reply, passages, citedUrl } = this.#writing(writing);
    const { sentences, quotes, notes } = JSON.parse(reply.finish()) as {
      quotes: { passage: number; start: number; text: string }[];
    } & Pick<Rest, "notes" | "sentences">;
    const citations = quotes.flatMap(({ passage, start, text }) => {
      const from = passages[passage];
      if (from === undefined) return [];
      const { id, document, chunk } = from;
      const url = citedUrl(document.url, chunk.anchor ?? undefined, text);
      const first = chunk.start + start;
      const end = first + new TextEncoder().encode(text).length;
      return [{ id, document, chunk, url, quote: text, start: first, end }];
    });
    return { sentences, citations, notes };
  }

  async drop(writing: number): Promise<void> {
    this.#writings.get(writing)?.reply.free();
    this.#writings.delete(writing);
  }

  close(): void {
    this.#isClosed = true;
    for (const writing of this.#writings.keys()) void this.drop(writing);
    const asked = this.#asked?.then(({ current }) => current.close(), () => undefined);
    // What is still running may need the encoder.
    void Promise.all([this.#searching.close(), asked]).then(() => this.#embedder?.close());
  }

  /** What `call` gives of an index, with what the reader should know beside it. */
  async #from<I extends CoreIndex | FullIndex>(
    current: Current<I>,
    { mode }: Asked,
    call: (index: I) => Promise<string>,
  ): Promise<{ notes: Note[] }> {
    const [text, isReopened] = await current.ask(call).catch((error) => {
      // Of two reasons the first.
      throw mode === "dense" && error.code === "unsupported" && this.#embedder?.fault || error;
    });
    const result = JSON.parse(text) as { notes: Note[] };
    if (isReopened) {
      const message = "the index was replaced while it was open, and was opened again";
      result.notes.push({ code: "index-reopened", message });
    }
    const missed = this.#embedder?.fault;
    if (missed !== undefined && mode !== "lexical") {
      const { code = "internal" } = missed as { code?: string };
      result.notes.push({ code, message: `searched without the embedder: ${missed.message}` });
    }
    return result;
  }

  /** The index that is asked, opened with the first question; after a failure the next one tries again. */
  #asking() {
    if (this.#isClosed) throw fault("closed", "the index is closed; open it again");
    this.#asked ??= this.#answering().then((opened) => {
      const current = new Current(opened, this.#answering, (index) => this.#wait(index));
      if (this.#isClosed) void current.close();
      return { current, glue: opened.glue };
    });
    this.#asked.catch(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }

  #writing(number: number): Writing {
    const writing = this.#writings.get(number);
    if (writing === undefined) throw fault("closed", "this answer is not being written any more");
    return writing;
  }

  /** Has searches wait for the embedder where the index needs it. */
  #wait(index: CoreIndex | FullIndex): void {
    if (this.#embedder !== undefined) this.#embedder.isNeeded = index.needsEncoder;
  }
}

/** Options as the engine takes them. */
function plain({ filters = {}, sort, ...options }: Asked) {
  const [, key, order] = /^(.*?)(?::(asc|desc))?$/s.exec(sort ?? "") ?? [];
  return {
    ...options,
    filters: Object.entries(filters).flatMap(([name, values]) =>
      [values].flat().flatMap((value) => [name, String(value)]),
    ),
    sort: sort === undefined ? undefined : key,
    descending: order === "desc",
  };
}
