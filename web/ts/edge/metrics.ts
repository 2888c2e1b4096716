// What an isolate counts, in Prometheus' text format, under the names of `littoral serve`.

/** Upper ends of the buckets of times, in seconds. */
const BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];

/** Counters of one isolate: a platform that runs several has as many. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  readonly #times = new Map<string, { counts: number[]; n: number; seconds: number }>();

  /** Counts an answer. */
  answered(route: string, status: number, seconds: number): void {
    count(this.#requests, `route="${route}",status="${status}"`);
    const times = this.#times.get(route) ?? { counts: BUCKETS.map(() => 0), n: 0, seconds: 0 };
    this.#times.set(route, times);
    times.n += 1;
    times.seconds += seconds;
    const i = BUCKETS.findIndex((end) => seconds <= end);
    if (i >= 0) times.counts[i] = (times.counts[i] ?? 0) + 1;
  }

  /** Counts a refusal by its code. */
  refused(code: string): void {
    count(this.#errors, `code="${code}"`);
  }

  /** All counters as text. */
  text(): string {
    const lines: string[] = [];
    const head = (name: string, kind: string, help: string) =>
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
    const all = (name: string, counts: Map<string, number>) => {
      for (const [labels, n] of [...counts].sort()) lines.push(`${name}{${labels}} ${n}`);
    };
    head("littoral_requests_total", "counter", "Answers by route and status.");
    all("littoral_requests_total", this.#requests);
    head("littoral_errors_total", "counter", "Errors by code.");
    all("littoral_errors_total", this.#errors);
    const name = "littoral_request_seconds";
    head(name, "histogram", "Time from request to answer.");
    for (const [route, { counts, n, seconds }] of [...this.#times].sort()) {
      let sum = 0;
      counts.forEach((own, i) => {
        sum += own;
        lines.push(`${name}_bucket{route="${route}",le="${BUCKETS[i]}"} ${sum}`);
      });
      lines.push(`${name}_bucket{route="${route}",le="+Inf"} ${n}`);
      lines.push(`${name}_sum{route="${route}"} ${seconds}`, `${name}_count{route="${route}"} ${n}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
