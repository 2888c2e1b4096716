// The browser's private file system of an origin as a place for files.

import { fault } from "../error.js";
import type { NotesStorage } from "./types.js";

const FOLDER = "littoral-notes";

/** The files of a collection. */
export async function opfs(name: string): Promise<NotesStorage> {
  let folder: FileSystemDirectoryHandle;
  try {
    const root = await navigator.storage.getDirectory();
    const all = await root.getDirectoryHandle(FOLDER, { create: true });
    folder = await all.getDirectoryHandle(name, { create: true });
  } catch (cause) {
    const message = "the browser gives this page no private file system: it needs https or localhost, and no private window";
    throw fault("no-storage", message, { cause });
  }
  return {
    async list() {
      const names: string[] = [];
      for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name);
      return names;
    },
    async read(name) {
      const file = await (await folder.getFileHandle(name)).getFile();
      return new Uint8Array(await file.arrayBuffer());
    },
    async write(name, bytes) {
      const handle = await folder.getFileHandle(name, { create: true });
      if (handle.createWritable === undefined) {
        throw fault("no-storage", "this browser cannot write to its private file system; update it");
      }
      // What is written takes the file's place once it is closed, and not before.
      const stream = await handle.createWritable();
      try {
        await stream.write(bytes as Uint8Array<ArrayBuffer>);
      } catch (cause) {
        await stream.abort().catch(() => undefined);
        const isFull = (cause as DOMException).name === "QuotaExceededError";
        throw fault(isFull ? "disk-full" : "write-failed", (cause as Error).message, { cause, path: name });
      }
      await stream.close();
    },
    remove: (name) => folder.removeEntry(name),
  };
}
