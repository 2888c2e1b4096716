// nDCG@10, recall@10, MRR@10 and hit rates of rankings, as littoral_runtime::eval defines them.

/** The figures of one ranking (document ids, best first) against a Map of id to grade. */
export function measure(ranking, grades) {
  const ranked = [...new Set(ranking)].slice(0, 10).map((id) => grades.get(id) ?? 0);
  const ideal = [...grades.values()].filter((grade) => grade > 0).sort((a, b) => b - a);
  const first = ranked.findIndex((grade) => grade > 0);
  const found = ranked.filter((grade) => grade > 0).length;
  return {
    "ndcg@10": ideal.length > 0 ? gain(ranked) / gain(ideal.slice(0, 10)) : 0,
    "recall@10": ideal.length > 0 ? found / ideal.length : 0,
    "mrr@10": first < 0 ? 0 : 1 / (first + 1),
    "hit@1": first === 0 ? 1 : 0,
    "hit@10": first < 0 ? 0 : 1,
  };
}

/**
 * Means over the judged queries among `queries`; those without a ranking count 0.
 * `empty` is the share of queries without any result.
 */
export function evaluate(queries, qrels, rankings) {
  const measured = queries
    .filter(({ id }) => qrels.has(id))
    .map(({ id }) => measure(rankings.get(id) ?? [], qrels.get(id)));
  const means = { n_queries: measured.length };
  for (const name of Object.keys(measured[0] ?? {})) {
    means[name] = mean(measured.map((metrics) => metrics[name]));
  }
  const empty = queries.filter(({ id }) => (rankings.get(id) ?? []).length === 0);
  means.empty = queries.length === 0 ? 0 : empty.length / queries.length;
  return means;
}

export function mean(values) {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Nearest-rank percentile; always one of the values. */
export function percentile(values, percent) {
  const ascending = [...values].sort((a, b) => a - b);
  return ascending[Math.max(0, Math.ceil((percent / 100) * ascending.length) - 1)] ?? 0;
}

function gain(grades) {
  return grades.reduce((sum, grade, i) => sum + Math.max(grade, 0) / Math.log2(i + 2), 0);
}
