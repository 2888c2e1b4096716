// Parts of a WebAssembly module. Source: WebAssembly Core Specification, "Modules" of the binary format.

const IMPORT = 2;
const EXPORT = 7;
const CODE = 10;
const DATA = 11;
const DATA_COUNT = 12;

/** The code section, and the bytes and the address of the first segment of data, within `bytes`. */
export function codeAndData(bytes) {
  const code = section(bytes, CODE);
  const { read, number, skip } = section(bytes, DATA);
  // Count, then of the first: kind 0, `i32.const`, address, end, length.
  number();
  if (read() !== 0 || read() !== 0x41) throw new Error("data without an address");
  const address = number();
  read();
  const size = number();
  return { code: code.rest(), address, data: skip(size) };
}

/** The bodies of the functions that the module with these bytes defines. */
export function functionBodies(bytes) {
  const { number, skip } = section(bytes, CODE);
  return Array.from({ length: number() }, () => skip(number()));
}

/** The bytes of a module that holds `pieces`, each `{ address, bytes }`, for its data and nothing else. */
export function withData(module, pieces) {
  const parts = [module.subarray(0, 8)];
  const reader = readerOf(module, 8);
  for (let start = 8, id = reader.read(); id !== undefined; start = reader.at(), id = reader.read()) {
    reader.skip(reader.number());
    if (id !== DATA && id !== DATA_COUNT) parts.push(module.subarray(start, reader.at()));
  }
  const segments = pieces.map(({ address, bytes }) =>
    Buffer.concat([Buffer.from([0, 0x41, ...signed(address), 0x0b, ...unsigned(bytes.length)]), bytes]),
  );
  const content = Buffer.concat([Buffer.from(unsigned(segments.length)), ...segments]);
  return Buffer.concat([...parts, Buffer.from([DATA, ...unsigned(content.length)]), content]);
}

/** The bytes of a module whose imports and exports have the names that `nameOf` gives for theirs. */
export function renamed(module, nameOf) {
  const parts = [module.subarray(0, 8)];
  const reader = readerOf(module, 8);
  for (let start = 8, id = reader.read(); id !== undefined; start = reader.at(), id = reader.read()) {
    const content = reader.skip(reader.number());
    const names = { [IMPORT]: importNames, [EXPORT]: exportNames }[id]?.(content, nameOf);
    if (names === undefined) parts.push(module.subarray(start, reader.at()));
    else parts.push(Buffer.from([id, ...unsigned(names.length)]), names);
  }
  return Buffer.concat(parts);
}

function importNames(content, nameOf) {
  const { number, read, skip, at } = readerOf(content, 0);
  const limits = () => {
    const hasMost = read() & 1;
    number();
    if (hasMost) number();
  };
  // Of a function, a table, a memory, a global and a tag.
  const kinds = [number, () => [read(), limits()], limits, () => skip(2), () => skip(2)];
  const n = number();
  const entries = Array.from({ length: n }, () => {
    const from = skip(number());
    const name = skip(number()).toString();
    const start = at();
    kinds[read()]();
    return [text(from), text(nameOf(name)), content.subarray(start, at())];
  });
  return Buffer.concat([Buffer.from(unsigned(n)), ...entries.flat()]);
}

function exportNames(content, nameOf) {
  const { number, read, skip, at } = readerOf(content, 0);
  const n = number();
  const entries = Array.from({ length: n }, () => {
    const name = skip(number()).toString();
    const start = at();
    read();
    number();
    return [text(nameOf(name)), content.subarray(start, at())];
  });
  return Buffer.concat([Buffer.from(unsigned(n)), ...entries.flat()]);
}

/** A name as a module has it. */
function text(name) {
  const bytes = Buffer.from(name);
  return Buffer.concat([Buffer.from(unsigned(bytes.length)), bytes]);
}

/** `value` as an unsigned number of a module. */
export function unsigned(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

/** `value`, which is not negative, as a signed number of a module. */
export function signed(value) {
  const bytes = [];
  for (; value > 63; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

/** A reader at the start of the section `wanted`. */
function section(bytes, wanted) {
  const reader = readerOf(bytes, 8);
  for (;;) {
    const id = reader.read();
    const content = reader.skip(reader.number());
    if (id === undefined) throw new Error(`a module without the section ${wanted}`);
    if (id === wanted) return readerOf(content, 0);
  }
}

function readerOf(bytes, start) {
  let at = start;
  const read = () => bytes[at++];
  const number = () => {
    let [value, shift, byte] = [0, 0, 128];
    while (byte >= 128) {
      byte = read();
      value += (byte & 127) * 2 ** shift;
      shift += 7;
    }
    return value;
  };
  const skip = (length) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  return { read, number, skip, rest: () => bytes.subarray(at), at: () => at };
}
