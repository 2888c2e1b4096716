// A file as it is stored: encrypted and authenticated with a key, or with its hash.
//
//   with a key      "LNE1" | nonce (12) | AES-GCM of the bytes
//   without a key   "LNP1" | SHA-256 (32) | the bytes
//
// Hash and authentication cover the names of collection and file too, so that no file passes for
// another.

import { fault } from "../error.js";

const SEALED = [0x4c, 0x4e, 0x45, 0x31];
const PLAIN = [0x4c, 0x4e, 0x50, 0x31];
const NONCE_BYTES = 12;
const HASH_BYTES = 32;

type Bytes = Uint8Array<ArrayBuffer>;

const context = (collection: string, name: string): Bytes =>
  new TextEncoder().encode(`littoral notes 1\n${collection}\n${name}\n`) as Bytes;

function joined(...parts: ArrayLike<number>[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function hashOf(about: Bytes, bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(about, bytes)));
}

/** The stored form of a file. */
export async function seal(collection: string, name: string, bytes: Uint8Array, key?: CryptoKey): Promise<Bytes> {
  const about = context(collection, name);
  if (key === undefined) return joined(PLAIN, await hashOf(about, bytes), bytes);
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const algorithm = { name: "AES-GCM", iv, additionalData: about };
  const sealed = await crypto.subtle.encrypt(algorithm, key, bytes as Bytes);
  return joined(SEALED, iv, new Uint8Array(sealed));
}

/** The file of a stored form. What was changed, cut off or sealed with another key is an error. */
export async function unseal(collection: string, name: string, stored: Uint8Array, key?: CryptoKey): Promise<Uint8Array> {
  const begins = (magic: number[]) => magic.every((byte, i) => stored[i] === byte);
  const about = context(collection, name);
  const damaged = () => fault("index-corrupt", `the stored file ${name} is damaged`, { path: name });
  if (begins(PLAIN)) {
    if (key !== undefined) throw fault("not-encrypted", `the notes "${collection}" were stored without a key`, { path: name });
    const hash = stored.subarray(4, 4 + HASH_BYTES);
    const bytes = stored.subarray(4 + HASH_BYTES);
    const own = await hashOf(about, bytes);
    if (hash.length !== HASH_BYTES || !own.every((byte, i) => byte === hash[i])) throw damaged();
    return bytes;
  }
  if (!begins(SEALED)) throw damaged();
  if (key === undefined) throw fault("key-needed", `the notes "${collection}" are encrypted: give their key`, { path: name });
  const iv = stored.slice(4, 4 + NONCE_BYTES);
  const sealed = stored.slice(4 + NONCE_BYTES);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: about }, key, sealed));
  } catch (cause) {
    throw fault("wrong-key", `${name} of the notes "${collection}" is of another key, or damaged`, { path: name, cause });
  }
}
