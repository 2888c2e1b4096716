// Parts of a WebAssembly module. Source: WebAssembly Core Specification, "Modules" of the binary format.

const CODE = 10;
const DATA = 11;

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
  return { read, number, skip, rest: () => bytes.subarray(at) };
}
