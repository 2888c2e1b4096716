// Cuts a module in two: what nearly every search runs, and the rest, which a page loads once something
// calls it.
//
// Both are one program. The rest takes memory, tables, globals and functions of the first part, and
// puts its own functions into a table of it; until it has done so, a call of one of them is a trap.

import { functionBodies } from "./sections.mjs";

/** What the second part calls the first one; the table of the first for functions of the second. */
const FROM = "core";
const TABLE = "rest";
/** The memory of a module that was read. */
const MEMORY = "0";
/** Functions that the first part has for itself are called from the second where they are larger than
 * this many bytes; of smaller ones the second has its own, so that the first need not name them. */
const SHARED = 100;

/** The two parts of `module`, whose functions have names. To the second go the functions that `pick`
 * takes from the names of all, and what only they call. */
export function split(binaryen, module, pick) {
  binaryen.setDebugInfo(true);
  const bytes = Buffer.from(module.emitBinary());
  const features = module.getFeatures();
  const [core, rest] = [0, 1].map(() => {
    const part = binaryen.readBinary(bytes);
    part.setFeatures(features);
    return part;
  });
  const defined = functions(binaryen, core).filter(({ module: from }) => !from);
  const picked = pick(defined.map(({ name }) => name));
  const entries = defined.filter(({ name }) => picked.has(name));
  const names = entries.map(({ name }) => name);
  const sizes = sizesOf(binaryen, core, bytes);

  core.addTable(TABLE, names.length, names.length);
  core.addTableExport(TABLE, TABLE);
  for (const [slot, { name, params, results }] of entries.entries()) {
    const given = binaryen.expandType(params).map((type, i) => core.local.get(i, type));
    const call = core.call_indirect(TABLE, core.i32.const(slot), given, params, results);
    core.removeFunction(name);
    core.addFunction(name, params, results, [], call);
  }
  core.runPasses(["remove-unused-module-elements"]);

  for (const { name } of list(rest.getNumExports(), (i) => binaryen.getExportInfo(rest.getExportByIndex(i)))) {
    rest.removeExport(name);
  }
  const segments = list(rest.getNumElementSegments(), (i) => rest.getElementSegmentByIndex(i));
  for (const { name } of segments.map(binaryen.getElementSegmentInfo)) rest.removeElementSegment(name);
  rest.addTable(TABLE, names.length, names.length);
  rest.addTableImport(TABLE, FROM, TABLE);
  rest.addActiveElementSegment(TABLE, TABLE, names, rest.i32.const(0));

  const isShared = ({ module: from, name }) => !picked.has(name) && (from || sizes.get(name) > SHARED);
  const shared = functions(binaryen, core).filter(isShared);
  for (const { name, module: from, params, results } of shared) {
    if (!from) rest.removeFunction(name);
    rest.addFunctionImport(name, FROM, name, params, results);
  }
  rest.runPasses(["remove-unused-module-elements"]);
  let n = 0;
  const next = () => (n++).toString(36);
  for (const { name, module: from, params, results } of functions(binaryen, rest)) {
    if (!from) continue;
    const as = next();
    rest.addFunctionImport(name, FROM, as, params, results);
    core.addFunctionExport(name, as);
  }
  for (const { name } of list(rest.getNumTables(), (i) => binaryen.getTableInfo(rest.getTableByIndex(i)))) {
    if (name === TABLE) continue;
    const as = next();
    rest.addTableImport(name, FROM, as);
    core.addTableExport(name, as);
  }
  for (const { name, type, mutable } of list(rest.getNumGlobals(), (i) => binaryen.getGlobalInfo(rest.getGlobalByIndex(i)))) {
    const as = next();
    rest.addGlobalImport(name, FROM, as, type, mutable);
    core.addGlobalExport(name, as);
  }
  rest.addMemoryImport(MEMORY, FROM, "memory");
  return { core, rest };
}

/** Bytes of every function that `module`, whose binary is `bytes`, defines. */
function sizesOf(binaryen, module, bytes) {
  const defined = functions(binaryen, module).filter(({ module: from }) => !from);
  return new Map(functionBodies(bytes).map(({ length }, i) => [defined[i].name, length]));
}

function functions(binaryen, module) {
  return list(module.getNumFunctions(), (i) => binaryen.getFunctionInfo(module.getFunctionByIndex(i)));
}

function list(n, at) {
  return Array.from({ length: n }, (_, i) => at(i));
}
