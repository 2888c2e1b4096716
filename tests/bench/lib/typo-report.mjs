// What one-edit typos cost an engine.

import { mean } from "./metrics.mjs";
import { TYPO_KINDS } from "./typos.mjs";

/**
 * Compares rankings of misspelt queries with those of the originals, both lists of document ids of
 * up to ten. `typos` is what misspellings() gave, `typoRankings` holds their rankings in the same
 * order, `rankings` maps query ids to the originals'.
 *
 * For each kind of edit and all together: `first_kept` is the share whose original first result is
 * still among the ten (queries that had a result); `relevant_kept` the share that still show a
 * relevant document among those that did before; `relevant` the share that show one at all;
 * `empty` the share without any result.
 */
export function reportTypos(typos, typoRankings, rankings, qrels) {
  const outcomes = typos.map((typo, i) => {
    const before = rankings.get(typo.id) ?? [];
    const after = typoRankings[i];
    const isRelevant = (id) => (qrels.get(typo.id)?.get(id) ?? 0) > 0;
    return {
      kind: typo.kind,
      hadFirst: before.length > 0,
      firstKept: before.length > 0 && after.includes(before[0]),
      hadRelevant: before.some(isRelevant),
      relevant: after.some(isRelevant),
      empty: after.length === 0,
    };
  });
  const report = {};
  for (const kind of ["all", ...TYPO_KINDS]) {
    const of = outcomes.filter((outcome) => kind === "all" || outcome.kind === kind);
    report[kind] = {
      n: of.length,
      first_kept: share(
        of.filter((o) => o.hadFirst),
        (o) => o.firstKept,
      ),
      relevant_kept: share(
        of.filter((o) => o.hadRelevant),
        (o) => o.relevant,
      ),
      relevant: share(of, (o) => o.relevant),
      empty: share(of, (o) => o.empty),
    };
  }
  return report;
}

function share(outcomes, holds) {
  return mean(outcomes.map((outcome) => (holds(outcome) ? 1 : 0)));
}
