// Documents of a page's own, indexed in the page by the same engine and kept in the browser.
//
//   const notes = await create({ name: "diary", key });
//   await notes.insert({ id: "1", title: "Monday", text: "Low water at noon." });
//   const { hits } = await notes.search("tide");

import init, * as writer from "../generated/writer/littoral.js";
import { Client } from "./client.js";
import { guarded } from "./current.js";
import { load, Session } from "./engine.js";
import { fault } from "./error.js";
import { checkSchema, DEFAULT, recordOf } from "./notes/document.js";
import { Log, NOTHING, type Snapshot } from "./notes/log.js";
import { opfs } from "./notes/opfs.js";
import type { NoteDocument, Notes, NotesChange, NotesOptions, Schema } from "./notes/types.js";
import type {
  Answer,
  AnswerSentence,
  AskOptions,
  Facet,
  Host,
  Index,
  SearchOptions,
  SearchResult,
} from "./types.js";

export type * from "./notes/types.js";

const NAME = /^[\w-]{1,64}$/;

/** Opens a collection, or begins one. */
export async function create(options: NotesOptions = {}): Promise<Notes> {
  const { name = "notes", schema = DEFAULT, key, storage, wasm } = options;
  if (!NAME.test(name)) throw fault("bad-option", `"${name}" is no name for notes: letters, digits, - and _, at most 64`);
  checkSchema(schema);
  if (key !== undefined && (key.algorithm.name !== "AES-GCM" || !["encrypt", "decrypt"].every((use) => key.usages.includes(use as KeyUsage)))) {
    throw fault("bad-option", "the key must be an AES-GCM key for encrypt and decrypt");
  }
  const source = () => wasm ?? new URL("./littoral-writer.wasm", import.meta.url);
  const [glue, place] = await Promise.all([
    load("writer", () => ({ ...writer, default: init }), source),
    storage ?? opfs(name),
  ]);
  const collection = new Collection(name, schema, new Log(place, name, key), glue);
  await collection.open();
  return collection;
}

/** The host over what is in memory. */
function hostOf({ entry, files }: Snapshot): Host {
  return {
    async entry() {
      if (entry === undefined) throw fault("not-found", "there are no notes yet");
      return entry;
    },
    async read(paths) {
      return paths.map((path) => {
        const bytes = files.get(path);
        if (bytes === undefined) throw fault("not-found", "the file is gone", { path });
        return bytes;
      });
    },
  };
}

class Collection implements Notes {
  readonly name: string;
  readonly #schema: Schema;
  readonly #log: Log;
  readonly #glue: typeof writer;
  readonly #channel: BroadcastChannel | undefined;
  #now = NOTHING;
  #index: Promise<Index> | undefined;
  #isStale = false;
  #isClosed = false;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(name: string, schema: Schema, log: Log, glue: typeof writer) {
    this.name = name;
    this.#schema = schema;
    this.#log = log;
    this.#glue = glue;
    this.#channel = globalThis.BroadcastChannel ? new BroadcastChannel(`littoral notes ${name}`) : undefined;
    this.#channel?.addEventListener("message", () => {
      this.#isStale = true;
    });
  }

  get size(): number {
    return this.#now.documents;
  }

  async open(): Promise<void> {
    await this.#alone(async () => {
      await this.#refresh(true);
      if (this.#now.generation === 0) this.#take(await this.#log.empty(this.#now));
    });
  }

  insert(documents: NoteDocument | readonly NoteDocument[]): Promise<NotesChange> {
    return this.#change(documents, [], true);
  }

  update(documents: NoteDocument | readonly NoteDocument[]): Promise<NotesChange> {
    return this.#change(documents, [], false);
  }

  remove(ids: string | readonly string[]): Promise<NotesChange> {
    return this.#change([], [ids].flat() as string[], false);
  }

  async search(query: string, options: SearchOptions = {}): Promise<SearchResult> {
    const index = await this.#opened();
    if (index !== undefined) return index.search(query, options);
    const nothing = { fetched: { round_trips: 0, requests: 0, bytes: 0 }, work: { postings: 0, distances: 0 } };
    return { query, mode: options.mode ?? "hybrid", hits: [], n_found: 0, ...nothing, timings_ms: { total: 0 }, notes: [] };
  }

  async *ask(question: string, options: AskOptions = {}): AsyncGenerator<AnswerSentence, Answer> {
    const index = await this.#opened();
    if (index !== undefined) return yield* index.ask(question, options);
    const evidence = { score: 0, threshold: options.threshold ?? 0.5, coverage: 0, sentence: 0, cosine: null, words: 0 };
    const notes = [{ code: "not-found", message: "not found in these documents" }];
    return { question, answer: "", abstained: true, sentences: [], citations: [], evidence, notes };
  }

  async filters(): Promise<Record<string, Facet[]>> {
    return (await (await this.#opened())?.filters()) ?? {};
  }

  close(): void {
    this.#isClosed = true;
    this.#channel?.close();
    this.#forget();
  }

  async destroy(): Promise<void> {
    await this.#alone(async () => {
      await this.#refresh(false);
      await this.#log.destroy(this.#now);
      this.#take(NOTHING);
      this.#channel?.postMessage("changed");
    });
  }

  async #change(given: NoteDocument | readonly NoteDocument[], removed: string[], isInsert: boolean): Promise<NotesChange> {
    const records = [given].flat().map((document) => recordOf(this.#schema, document as NoteDocument));
    return this.#alone(async () => {
      await this.#refresh(false);
      const host = this.#now.entry === undefined ? undefined : hostOf(this.#now);
      const text = JSON.stringify(records);
      const change = await guarded(() => this.#glue.amend(host, text, removed), this.#glue);
      try {
        if (isInsert && change.removed > 0) {
          throw fault("duplicate-id", "a document with this id is there already; update puts another in its place");
        }
        if (change.added > 0 || change.removed > 0) {
          const files = new Map(change.paths.map((path, i) => [path, change.file(i) as Uint8Array]));
          const { documents, entry, segments } = change;
          this.#take(await this.#log.write(this.#now, { documents, entry, segments, files }));
          this.#channel?.postMessage("changed");
        }
        return { ids: records.map(({ id }) => id), removed: change.removed };
      } finally {
        change.free();
      }
    });
  }

  /** One change at a time, in this page and in the origin's others. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      if (this.#isClosed) throw fault("closed", "the notes are closed; open them again");
      const { locks } = globalThis.navigator ?? {};
      return locks === undefined ? work() : locks.request(`littoral notes ${this.name}`, work) as Promise<T>;
    };
    const done = this.#writing.then(run, run);
    this.#writing = done.catch(() => undefined);
    return done;
  }

  /** Reads what another page has stored since. */
  async #refresh(isFirst: boolean): Promise<void> {
    this.#isStale = false;
    if (isFirst || (await this.#log.latest()) !== this.#now.generation) this.#take(await this.#log.read());
  }

  #take(snapshot: Snapshot): void {
    this.#now = snapshot;
    this.#forget();
  }

  #forget(): void {
    const index = this.#index;
    this.#index = undefined;
    index?.then((index) => index.close()).catch(() => undefined);
  }

  async #opened(): Promise<Index | undefined> {
    if (this.#isClosed) throw fault("closed", "the notes are closed; open them again");
    if (this.#isStale) await this.#alone(() => this.#refresh(false));
    if (this.#now.entry === undefined) return undefined;
    const host = hostOf(this.#now);
    const glue = this.#glue;
    const open = async () => ({ index: await guarded(() => glue.open(host as never), glue), glue, isWhole: true });
    this.#index ??= open().then((opened) => new Client(new Session(opened, open, open), "here"));
    return this.#index;
  }
}
