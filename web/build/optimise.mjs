// Makes a module small on the wire.
//
// A page's engine stops where a panic would tell a native one what is wrong, since there is nobody
// to tell: so the functions that only format what went wrong become a single trap, and what only
// they and their callers' arguments needed goes. Passes that make a module smaller but less regular
// are left out: after brotli they cost more than they save.

import binaryen from "binaryen";
import { take, withoutLocations } from "./data.mjs";
import { order } from "./order.mjs";
import { withData } from "./sections.mjs";
import { split } from "./split.mjs";

// What rustc may use, and no more: with all features named, V8 refuses the module.
const { SIMD128, BulkMemory, BulkMemoryOpt, MutableGlobals, NontrappingFPToInt, ReferenceTypes } =
  binaryen.Features;
const { SignExt, Multivalue, CallIndirectOverlong } = binaryen.Features;
const FEATURES = [
  SIMD128,
  BulkMemory,
  BulkMemoryOpt,
  MutableGlobals,
  NontrappingFPToInt,
  ReferenceTypes,
  SignExt,
  Multivalue,
  CallIndirectOverlong,
];

/** Functions that do nothing but end the program. */
const FATAL =
  /::panicking::|::slice_index_fail|::slice_error_fail|::(unwrap|expect)_failed|::len_mismatch_fail|::assert_failed|raw_vec::(handle_error|capacity_overflow)|::handle_alloc_error|::panic_already/;
/** Functions that write values for programmers: only messages of panics use them, unless a module
 * says that it does. */
const DEBUG = / as core[^ ]*::fmt::Debug>::fmt/;

const REACHABLE = ["dce", "vacuum", "dae", "remove-unused-module-elements"];
const TIDY = [
  ...["remove-unused-brs", "remove-unused-names", "merge-blocks", "vacuum"],
  ...["simplify-locals-nostructure", "coalesce-locals", "reorder-locals", "vacuum"],
];
const PASSES = [
  ...["duplicate-function-elimination", "inlining"],
  ...REACHABLE,
  ...REACHABLE,
  ...TIDY,
  ...["dae-optimizing", "inlining"],
  ...TIDY,
  ...["optimize-instructions", "precompute", "vacuum"],
  ...["duplicate-function-elimination", "remove-unused-module-elements"],
  ...["rse", "vacuum"],
];

/** The bytes of the module with these bytes, smaller. Its functions must have names; they lose them.
 * Those that write values for programmers end the program, unless `debug` says that they are used. */
export function optimise(bytes, debug) {
  const module = smaller(bytes, debug);
  return withoutLocations(written(module));
}

/** The same as two modules: the second has the functions that `names` picks from the names of all, what
 * only they call, and `tables`, data that only they read. */
export function optimiseInTwo(bytes, { names, small, tables }) {
  const module = smaller(bytes, false, small);
  const { core, rest } = split(binaryen, module, names);
  module.dispose();
  const first = withoutLocations(written(core));
  const pieces = tables.map((table) => take(first, table));
  return { core: first, rest: withData(written(rest), pieces) };
}

/** The module with these bytes after all passes; functions like `apart` stay functions. */
function smaller(bytes, debug, apart) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(FEATURES.reduce((all, feature) => all | feature));
  const functions = Array.from({ length: module.getNumFunctions() }, (_, i) =>
    binaryen.getFunctionInfo(module.getFunctionByIndex(i)),
  );
  const isFatal = (name) => FATAL.test(name) || (!debug && DEBUG.test(name));
  const fatal = functions.filter(({ module: from, name }) => !from && isFatal(name));
  if (fatal.length < 10) throw new Error("the module's functions have lost their names");
  for (const { name, params, results } of fatal) {
    module.removeFunction(name);
    module.addFunction(name, params, results, [], module.unreachable());
  }
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(2);
  // Traps and what is no larger than a call become what they are.
  binaryen.setAlwaysInlineMaxSize(2);
  binaryen.setFlexibleInlineMaxSize(0);
  binaryen.setOneCallerInlineMaxSize(10);
  if (apart !== undefined) binaryen.setPassArgument("no-inline", apart);
  module.runPasses(apart === undefined ? PASSES : ["no-inline", ...PASSES]);
  return module;
}

/** The bytes of `module`, whose functions come in an order in which they compress well, without names. */
function written(module) {
  binaryen.setDebugInfo(false);
  order(module, Buffer.from(module.emitBinary()), binaryen);
  if (!module.validate()) throw new Error("the optimised module is not valid");
  const bytes = Buffer.from(module.emitBinary());
  module.dispose();
  return bytes;
}
