// What few searches run: it becomes a module of its own, loaded by a page with the first search that does.
//
// Only bytes depend on this list, no result: a function that it does not name is in the core, and one that
// it names is found in the rest. `checks/browser.test.mjs` sees that plain searches do without the rest.

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Functions, by parts of their names. */
const NAMES = [
  // Misspelt words.
  /littoral_indexes::spelling::|engine::spell::.*(replace|slip)/,
  // Phrases, words left out, words of one field.
  /engine::(phrase|restrict)::|engine::verify::|littoral_indexes::postings::positions::|PositionsBlock::read|TailBlock::read_positions/,
  // Orders other than the score's. Filters are counted by every search of a box whose site has some.
  /engine::filter::.*(order_by|sort_blocks)|engine::decimal::|littoral_indexes::sort::read/,
  // Scores taken apart, hits unlike each other, rerankers.
  /engine::(explain|diverse)::|engine::rerank::.*rerank::|engine::dense::.*(rescore|keep_codes)|vectors::rows::/,
  // Vectors of an encoder in the page.
  /vectors::rotation::/,
  // Files of an index that is being changed.
  /littoral_indexes::inventory::/,
  // Characters that texts in Latin letters do not have.
  /analysis::unicode::tables::full/,
];
/** Such a function that is no larger than a call of it, and would be put in its place. */
const SMALL = "*analysis::unicode::tables::full*";
/** What frees the stages above belongs to whoever calls them. */
const KEPT = /core::ptr::drop_in_place/;

/** What is to leave the core: which of the functions named `all` do, those of them that must be kept from being
 * inlined, and tables that only they read. */
export function restOf(root) {
  const names = (all) => {
    const found = NAMES.map((like) => all.filter((name) => like.test(name) && !KEPT.test(name)));
    const none = found.findIndex(({ length }) => length === 0);
    if (none >= 0) throw new Error(`the engine has no functions like ${NAMES[none]} any more`);
    return new Set(found.flat());
  };
  return { names, small: SMALL, tables: [readFileSync(join(root, "guest/src/analysis/unicode/tables.bin"))] };
}
