// Puts functions that are alike one after the other, where brotli finds them: 2 % of a module.
//
// Each function is followed by the one left that shares the most with it: sequences of four bytes,
// the rare ones counting more, by the cosine of the two sets. As the names of generic functions say
// little of what the compiler made of them, this does better than their order by name.

import { functionBodies } from "./sections.mjs";

/** Bytes of a sequence: fewer are common to all functions, more miss what differs in a number. */
const LENGTH = 4;
/** Sequences that more functions have than this say nothing. */
const COMMON = 1000;
/** Least likeness: below, the next function in the module follows. */
const LEAST = 0.02;

/** Orders the functions of `module`, whose binary is `bytes`. */
export function order(module, bytes, binaryen) {
  const all = Array.from({ length: module.getNumFunctions() }, (_, i) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(i)),
  );
  const defined = all.filter(({ module: from }) => !from);
  const bodies = functionBodies(bytes);
  if (bodies.length !== defined.length) throw new Error("functions and their bodies do not match");
  for (const i of chain(bodies)) {
    const { name, params, results, vars, body } = defined[i];
    module.removeFunction(name);
    module.addFunction(name, params, results, vars, body);
  }
}

/** The places of `bodies` in the order in which they are alike. */
function chain(bodies) {
  const sequences = bodies.map((body) => {
    const found = new Set();
    for (let at = 0; at + LENGTH <= body.length; at++) found.add(body.readUInt32LE(at));
    return found;
  });
  const holders = new Map();
  for (const [i, found] of sequences.entries()) {
    for (const sequence of found) {
      const list = holders.get(sequence);
      if (list) list.push(i);
      else holders.set(sequence, [i]);
    }
  }
  const weight = (list) => Math.log(bodies.length / list.length);
  const shared = (found) =>
    [...found].map((sequence) => holders.get(sequence)).filter(({ length }) => length > 1 && length < COMMON);
  // What a function has in all; a little more, so that very small ones are not like everything.
  const sizes = sequences.map((found) => shared(found).reduce((sum, list) => sum + weight(list), 20));

  const left = new Set(bodies.keys());
  const ordered = [];
  let current = 0;
  while (left.delete(current)) {
    ordered.push(current);
    const common = new Map();
    for (const list of shared(sequences[current])) {
      for (const other of list) {
        if (left.has(other)) common.set(other, (common.get(other) ?? 0) + weight(list));
      }
    }
    let [best, likeness] = [undefined, LEAST];
    for (const [other, sum] of common) {
      const cosine = sum / Math.sqrt(sizes[current] * sizes[other]);
      if (cosine > likeness) [best, likeness] = [other, cosine];
    }
    const [next] = left;
    current = best ?? next;
  }
  return ordered;
}
