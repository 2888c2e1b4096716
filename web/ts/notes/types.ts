// Documents of a page's own: what they are, where they are kept, and what can be done with them.

import type { Answer, AnswerSentence, AskOptions, Facet, SearchOptions, SearchResult, Wasm } from "../types.js";

/** What a property of a document is for. */
export type Role = "id" | "title" | "text" | "url" | "lang" | "meta" | "filter" | "sort";

/** Role by property. Several `text` properties become paragraphs, in this order. */
export type Schema = Readonly<Record<string, Role>>;

/** A document: an object whose properties the schema names. A number, a boolean or a date is taken as
 * text, a list as several values of a filter; a property that is not named is an error. */
export type NoteDocument = Readonly<Record<string, unknown>>;

/** Files in some place. Names are short and plain. */
export interface NotesStorage {
  list(): Promise<string[]>;
  /** Rejects where there is none. */
  read(name: string): Promise<Uint8Array>;
  write(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
}

export interface NotesOptions {
  /** The collection's name: letters, digits, `-` and `_`. Default `notes`. */
  name?: string;
  /** Default: `id`, `title`, `text`, `url` and `lang` are what they are called; `tags` filters. */
  schema?: Schema;
  /** An AES-GCM key: files are encrypted with it. The same key must be given every time. */
  key?: CryptoKey;
  /** Where files are kept. Default: the browser's private file system for this origin. */
  storage?: NotesStorage;
  /** Where the WebAssembly module is. Default: beside this module. */
  wasm?: Wasm;
}

/** What a change did. */
export interface NotesChange {
  /** Ids of the documents given, those made up included. */
  ids: string[];
  /** Documents removed, or replaced by another of their id. */
  removed: number;
}

/** An index of a page's own documents. */
export interface Notes {
  readonly name: string;
  /** Documents in it. */
  readonly size: number;
  /** Adds documents. An id that is taken is the error `duplicate-id`, and then none is added. */
  insert(documents: NoteDocument | readonly NoteDocument[]): Promise<NotesChange>;
  /** Puts documents in the place of those with their ids, or adds them. */
  update(documents: NoteDocument | readonly NoteDocument[]): Promise<NotesChange>;
  /** Removes the documents with these ids; ids that are not there are no error. */
  remove(ids: string | readonly string[]): Promise<NotesChange>;
  search(query: string, options?: SearchOptions): Promise<SearchResult>;
  /** Answers out of the notes: sentences as they come, each with what it cites; in the end the whole. */
  ask(question: string, options?: AskOptions): AsyncGenerator<AnswerSentence, Answer>;
  filters(): Promise<Record<string, Facet[]>>;
  /** Gives the memory back; what is stored stays. */
  close(): void;
  /** Removes everything that is stored. */
  destroy(): Promise<void>;
}
