// Zeros for data that nothing refers to any more, which brotli takes for almost nothing.
//
// Objects have no borders in a module's data: one begins at an address that code or data names, and
// ends where the next begins.

import { codeAndData } from "./sections.mjs";

/** The numbers in the code of `module` that may be addresses: constants, and offsets of loads. */
export function addressesIn(module) {
  const text = module.emitText();
  return new Set(Array.from(text.matchAll(/(?:i32\.const |offset=)(\d+)/g), ([, number]) => Number(number)));
}

/** The bytes of a module with zeros for the objects that its code named `before` it was optimised, and
 * neither its code `after` nor its data does: messages of panics, and tables that only those need. */
export function withoutUnused(bytes, before, after) {
  const { data, address, all } = codeAndData(bytes);
  const end = address + data.length;
  // Pointers at any place, whether aligned or not.
  const named = new Set(after);
  for (let at = 0; at + 4 <= all.length; at++) named.add(all.readUInt32LE(at));
  const isWithin = (number) => number >= address && number < end;
  const starts = [...new Set([...before, ...named])].filter(isWithin).sort((a, b) => a - b);
  for (const [i, start] of starts.entries()) {
    if (!named.has(start)) data.fill(0, start - address, (starts[i + 1] ?? end) - address);
  }
  return bytes;
}

/** The bytes of a module with zeros for the places in source files that nothing refers to any more.
 *
 * A place is an address and a length of a path, a line and a column. Whatever the code or the data
 * may still refer to stays: any occurrence of its address, in either encoding, counts. */
export function withoutLocations(bytes) {
  const { code, data, address } = codeAndData(bytes);
  const end = address + data.length;
  const isReferred = (at) =>
    code.includes(signed(at)) || code.includes(unsigned(at)) || words.has(at);
  const words = new Set();
  const locations = [];
  for (let at = 0; at + 4 <= data.length; at += 4) {
    const [path, length] = [data.readUInt32LE(at), at + 16 <= data.length ? data.readUInt32LE(at + 4) : 0];
    const isPath =
      path >= address && length > 3 && length < 256 && path + length <= end &&
      /^[\x20-\x7e]+\.rs$/.test(data.latin1Slice(path - address, path - address + length));
    if (isPath && data.readUInt32LE(at + 8) < 1 << 16 && data.readUInt32LE(at + 12) < 1 << 10) {
      locations.push({ at, path: path - address, length });
      at += 12;
    } else words.add(path);
  }
  const kept = new Set();
  for (const { at, path, length } of locations) {
    if (isReferred(address + at)) kept.add(path);
    else data.fill(0, at, at + 16);
  }
  for (const { path, length } of locations) {
    if (!kept.has(path) && !isReferred(address + path)) data.fill(0, path, path + length);
  }
  return bytes;
}

function unsigned(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

function signed(value) {
  const bytes = [];
  for (; value > 63; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}
