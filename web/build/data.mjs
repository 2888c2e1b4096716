// Zeros for data that nothing refers to any more, which brotli takes for almost nothing.
//
// Only places in source files go: their form tells what they are. Objects have no borders in a module's
// data, and code may reach one from its end, so that of others nothing tells that they are not needed.

import { codeAndData, signed, unsigned } from "./sections.mjs";

/** Takes `piece` out of the data of the module with these bytes, which has zeros there then: its address
 * and bytes. */
export function take(bytes, piece) {
  const { code, data, address: start } = codeAndData(bytes);
  const at = data.indexOf(piece);
  const address = start + at;
  if (at < 0 || code.includes(Buffer.from([0x41, ...signed(address)]))) {
    throw new Error("the module does not have a table that is to leave it, or reads it");
  }
  data.fill(0, at, at + piece.length);
  return { address, bytes: piece };
}

/** The bytes of a module with zeros for the places in source files that nothing refers to any more.
 *
 * A place is an address and a length of a path, a line and a column. Whatever the code or the data
 * may still refer to stays: any occurrence of its address, in either encoding, counts. */
export function withoutLocations(bytes) {
  const { code, data, address } = codeAndData(bytes);
  const end = address + data.length;
  const isReferred = (at) =>
    code.includes(Buffer.from(signed(at))) || code.includes(Buffer.from(unsigned(at))) || words.has(at);
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
  for (const { at, path } of locations) {
    if (isReferred(address + at)) kept.add(path);
    else data.fill(0, at, at + 16);
  }
  for (const { path, length } of locations) {
    if (!kept.has(path) && !isReferred(address + path)) data.fill(0, path, path + length);
  }
  return bytes;
}
