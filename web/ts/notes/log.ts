// The files of a collection: packs, which never change, and heads, of which the latest whole one
// counts.
//
//   SEGMENT.pack    the files of one segment of the index
//   GENERATION.head the index's entry and the packs it needs
//
// A change writes its pack, then a new head, and then removes what the new head does not need. A
// crash at any moment leaves the head before it whole, or the new one. The first head, of generation
// 1, is that of no documents: one that a crash cut off has lost nothing.

import { fault, isFault } from "../error.js";
import { ENTRY } from "../host.js";
import { seal, unseal } from "./seal.js";
import type { NotesStorage } from "./types.js";

/** The index as it is: its entry, if it has documents, and its files. */
export interface Snapshot {
  generation: number;
  documents: number;
  entry: Uint8Array | undefined;
  files: Map<string, Uint8Array>;
}

/** What there is where nothing was ever stored. */
export const NOTHING: Snapshot = { generation: 0, documents: 0, entry: undefined, files: new Map() };

interface Head {
  documents: number;
  packs: string[];
}

const HEAD = /^(\d{12})\.head$/;
const PACK = /^([0-9a-f]{16})\.pack$/;
const headName = (generation: number): string => `${String(generation).padStart(12, "0")}.head`;
const packName = (segment: string): string => `${segment}.pack`;
const segmentOf = (path: string): string => path.slice(0, path.indexOf("/"));

/** Files as one: the length of a list, the list in JSON, the bytes. */
function packed(files: Iterable<[string, Uint8Array]>): Uint8Array {
  const all = [...files];
  const list = new TextEncoder().encode(JSON.stringify(all.map(([path, { length }]) => [path, length])));
  const bytes = new Uint8Array(4 + list.length + all.reduce((sum, [, { length }]) => sum + length, 0));
  new DataView(bytes.buffer).setUint32(0, list.length, true);
  bytes.set(list, 4);
  let at = 4 + list.length;
  for (const [, file] of all) {
    bytes.set(file, at);
    at += file.length;
  }
  return bytes;
}

/** The files of one; its bytes are authentic, but may be of a future version. */
function unpacked(name: string, bytes: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  try {
    let at = 4 + new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
    const list = JSON.parse(new TextDecoder().decode(bytes.subarray(4, at))) as [string, number][];
    for (const [path, length] of list) {
      files.set(path, bytes.slice(at, at + length));
      at += length;
    }
    if (at !== bytes.length) throw new Error("its lengths do not add up");
  } catch (cause) {
    throw fault("index-corrupt", `the stored file ${name} cannot be read: ${(cause as Error).message}`, { path: name, cause });
  }
  return files;
}

export class Log {
  readonly #storage: NotesStorage;
  readonly #collection: string;
  readonly #key: CryptoKey | undefined;

  constructor(storage: NotesStorage, collection: string, key: CryptoKey | undefined) {
    this.#storage = storage;
    this.#collection = collection;
    this.#key = key;
  }

  /** The generation of the latest head, whole or not; 0 where there is none. */
  async latest(): Promise<number> {
    return (await this.#generations())[0] ?? 0;
  }

  /** The latest whole state; an empty one where nothing was ever stored. */
  async read(): Promise<Snapshot> {
    const generations = await this.#generations();
    let first: unknown;
    for (const generation of generations) {
      try {
        return await this.#readHead(generation);
      } catch (error) {
        // Without the right key no head is readable; a head that a crash cut off leaves the one before.
        if (isFault(error) && (error.code === "key-needed" || error.code === "not-encrypted")) throw error;
        first ??= error;
      }
    }
    if (first !== undefined && generations[0] !== 1) throw first;
    if (first === undefined && (await this.#storage.list()).some((name) => PACK.test(name))) {
      throw fault("index-corrupt", "the stored files have lost their head");
    }
    return NOTHING;
  }

  /** Stores the state of no documents, after `before`. */
  empty(before: Snapshot): Promise<Snapshot> {
    return this.write(before, { documents: 0, entry: undefined, files: new Map(), segments: [] });
  }

  /** Stores the state after `before`: new `files`, the entry, and the segments that it names. */
  async write(
    before: Snapshot,
    change: { documents: number; entry: Uint8Array | undefined; files: Map<string, Uint8Array>; segments: string[] },
  ): Promise<Snapshot> {
    const files = new Map<string, Uint8Array>();
    const fresh = new Set([...change.files.keys()].map(segmentOf));
    for (const [path, bytes] of [...before.files, ...change.files]) {
      if (change.segments.includes(segmentOf(path))) files.set(path, bytes);
    }
    for (const segment of change.segments) {
      if (!fresh.has(segment)) continue;
      const own = [...files].filter(([path]) => segmentOf(path) === segment);
      await this.#put(packName(segment), packed(own));
    }
    // Above every head there is, also one that a crash cut off; the first is that of no documents.
    const least = change.entry === undefined ? 0 : 1;
    const generation = Math.max(least, before.generation, await this.latest()) + 1;
    const head: Head = { documents: change.documents, packs: change.segments };
    const parts: [string, Uint8Array][] = [["head", new TextEncoder().encode(JSON.stringify(head))]];
    if (change.entry !== undefined) parts.push([ENTRY, change.entry]);
    await this.#put(headName(generation), packed(parts));
    const after = { generation, documents: change.documents, entry: change.entry, files };
    await this.#tidy(after);
    return after;
  }

  /** Removes everything. */
  async destroy(before: Snapshot): Promise<void> {
    // A pack without a head is damage: the last thing that goes is the head of no documents.
    await this.empty(before);
    const names = (await this.#storage.list()).filter((name) => HEAD.test(name) || PACK.test(name));
    for (const name of names.sort((a, b) => Number(HEAD.test(a)) - Number(HEAD.test(b)))) await this.#storage.remove(name);
  }

  /** Removes what the current head does not need. What cannot be removed now goes later. */
  async #tidy({ generation, files }: Snapshot): Promise<void> {
    const segments = new Set([...files.keys()].map(segmentOf));
    for (const name of await this.#storage.list()) {
      const isOld = name !== headName(generation) && HEAD.test(name);
      const isUnused = PACK.test(name) && !segments.has(PACK.exec(name)?.[1] ?? "");
      if (isOld || isUnused) await this.#storage.remove(name).catch(() => undefined);
    }
  }

  async #generations(): Promise<number[]> {
    const found = (await this.#storage.list()).map((name) => HEAD.exec(name)?.[1]);
    return found.flatMap((digits) => (digits === undefined ? [] : [Number(digits)])).sort((a, b) => b - a);
  }

  async #readHead(generation: number): Promise<Snapshot> {
    const name = headName(generation);
    const parts = unpacked(name, await this.#get(name));
    const { documents, packs } = JSON.parse(new TextDecoder().decode(parts.get("head"))) as Head;
    const files = new Map<string, Uint8Array>();
    for (const segment of packs) {
      const pack = packName(segment);
      for (const [path, bytes] of unpacked(pack, await this.#get(pack))) files.set(path, bytes);
    }
    return { generation, documents, entry: parts.get(ENTRY), files };
  }

  async #put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#storage.write(name, await seal(this.#collection, name, bytes, this.#key));
  }

  async #get(name: string): Promise<Uint8Array> {
    let stored: Uint8Array;
    try {
      stored = await this.#storage.read(name);
    } catch (cause) {
      throw fault("index-corrupt", `the stored file ${name} is missing`, { path: name, cause });
    }
    return unseal(this.#collection, name, stored, this.#key);
  }
}
