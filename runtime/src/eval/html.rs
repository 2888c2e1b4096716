//! A report as one page: figures, plots, and the queries that got worse, with their hits. It needs
//! nothing but itself: styles and drawings are in it, and no script.

pub(crate) mod plot;

use super::compare::{Difference, interval};
use super::dataset::Dataset;
use super::report::{Report, Run, Shown};
use std::fmt::Write;

/// Queries listed as the worst.
const WORST: usize = 20;

/// Hits shown of each.
const HITS: usize = 5;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#1b2a33;background:#fff}table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .75rem;\
border-bottom:1px solid #d5dee3;text-align:right}th:first-child,td:first-child{text-align:left}\
svg{max-width:100%;height:auto}h2{margin-top:2.5rem}ol{margin:.25rem 0 1rem}.down{color:#a4262c}.up{color:#0b6a3c}\
.note{color:#566a75}svg text{font:12px system-ui,sans-serif;fill:#1b2a33}\
@media(prefers-color-scheme:dark){body{background:#11191e;color:#dbe5ea}th,td{border-color:#33444e}\
svg text{fill:#dbe5ea}.down{color:#ff8a8f}.up{color:#6fd3a0}.note{color:#9fb2bc}a{color:#8cc7ff}}";

/// The end of a page.
pub(crate) const END: &str = "</body></html>\n";

/// The page of `report` over the queries of `dataset`; differences are to `base` where there is one,
/// else from the first run to the last.
pub fn page(report: &Report, dataset: &Dataset, base: Option<&Report>) -> String {
    let name = escape(&report.data);
    let mut out = head(&format!("Retrieval on {name}"));
    // A string takes all that is written to it, here and below.
    let _ = write!(
        out,
        "<p>{} documents, {} chunks, {} judged queries ({}); embedder {}.</p>",
        report.n_documents,
        report.n_chunks,
        report.n_queries,
        escape(&report.split),
        escape(&report.embedder),
    );
    runs(report, &mut out);
    let names: Vec<&str> = report.runs.iter().map(|run| run.name.as_str()).collect();
    let bars: Vec<plot::Bar> = report.runs.iter().map(bar).collect();
    out.push_str("<h2>nDCG@10 by run</h2><p class=\"note\">Lines are intervals of 95 %.</p>");
    out.push_str(&plot::bars(&names, &bars));
    out.push_str(
        "<h2>Quality and what it costs</h2><p class=\"note\">nDCG@10 against the bytes that a cold \
         query fetches.</p>",
    );
    let all = report
        .runs
        .iter()
        .chain(report.ablation.iter().map(|a| &a.run));
    let points: Vec<plot::Point<'_>> = all
        .map(|run| plot::Point {
            name: &run.name,
            x: run.cold.bytes / 1e3,
            y: run.metrics.ndcg_10,
        })
        .collect();
    out.push_str(&plot::scatter(
        &points,
        "kB fetched by a cold query",
        "nDCG@10",
    ));
    ablation(report, &mut out);
    comparison(report, &mut out);
    if let Some((before, after, what)) = pair(report, base) {
        regressions(before, after, &what, dataset, &mut out);
    }
    out.push_str(END);
    out
}

/// The beginning of a page with `title`, in HTML.
pub(crate) fn head(title: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><h1>{title}</h1>"
    )
}

/// The two runs whose queries are set side by side, and how that is said.
fn pair<'a>(report: &'a Report, base: Option<&'a Report>) -> Option<(&'a Run, &'a Run, String)> {
    if let Some(base) = base {
        let after = report.runs.last()?;
        let before = base.runs.iter().find(|run| run.name == after.name)?;
        let what = format!("{}, from the baseline to now", after.name);
        return Some((before, after, what));
    }
    let [before, .., after] = report.runs.as_slice() else {
        return None;
    };
    let what = format!("from {} to {}", before.name, after.name);
    Some((before, after, what))
}

fn runs(report: &Report, out: &mut String) {
    out.push_str(
        "<h2>Runs</h2><table><tr><th>run<th>nDCG@10<th>recall@10<th>recall@100<th>MRR@10<th>MAP@100\
         <th>p50 ms<th>p99 ms<th>cold kB<th>rounds</tr>",
    );
    for run in &report.runs {
        let _ = write!(out, "<tr><td>{}", escape(&run.name));
        for (_, value) in run.metrics.named() {
            let _ = write!(out, "<td>{value:.4}");
        }
        let _ = write!(
            out,
            "<td>{:.2}<td>{:.2}<td>{:.0}<td>{:.1}</tr>",
            run.latency_ms.p50,
            run.latency_ms.p99,
            run.cold.bytes / 1e3,
            run.cold.round_trips
        );
    }
    out.push_str("</table>");
}

fn bar(run: &Run) -> plot::Bar {
    let values: Vec<f64> = run.per_query.values().map(|m| m.ndcg_10).collect();
    let (low, high) = interval(&values);
    plot::Bar {
        value: run.metrics.ndcg_10,
        low,
        high,
    }
}

fn ablation(report: &Report, out: &mut String) {
    if report.ablation.is_empty() {
        return;
    }
    out.push_str(
        "<h2>One thing changed at a time</h2><table><tr><th>change<th>nDCG@10<th>difference<th>p\
         <th>recall@100<th>difference<th>p<th>index kB<th>cold kB<th>p50 ms<th>build s</tr>",
    );
    for changed in &report.ablation {
        let _ = write!(out, "<tr><td>{}", escape(&changed.run.name));
        for (name, value) in changed.run.metrics.named() {
            if let ("ndcg@10" | "recall@100", Some(d)) = (name, changed.differences.get(name)) {
                let _ = write!(out, "<td>{value:.4}");
                difference(d, out);
            }
        }
        let _ = write!(
            out,
            "<td>{:.0}<td>{:.0}<td>{:.2}<td>{:.1}</tr>",
            changed.build.index_bytes as f64 / 1e3,
            changed.run.cold.bytes / 1e3,
            changed.run.latency_ms.p50,
            changed.build.seconds
        );
    }
    out.push_str("</table>");
}

fn comparison(report: &Report, out: &mut String) {
    let Some(comparison) = &report.comparison else {
        return;
    };
    let verdict = if comparison.passed {
        "<span class=\"up\">passed</span>"
    } else {
        "<span class=\"down\">failed</span>"
    };
    let _ = write!(
        out,
        "<h2>Beside {}</h2><p>{} shared queries, margin {}: {verdict}.</p><table><tr><th>run<th>figure\
         <th>difference<th>p</tr>",
        escape(&comparison.baseline),
        comparison.n_queries,
        comparison.margin
    );
    for (run, differences) in &comparison.runs {
        for (name, d) in differences {
            let _ = write!(out, "<tr><td>{}<td>{name}", escape(run));
            difference(d, out);
            out.push_str("</tr>");
        }
    }
    out.push_str("</table>");
}

fn difference(d: &Difference, out: &mut String) {
    let class = match d.mean {
        mean if mean < 0.0 => "down",
        mean if mean > 0.0 => "up",
        _ => "note",
    };
    let _ = write!(out, "<td class=\"{class}\">{:+.4}<td>{:.3}", d.mean, d.p);
}

/// The differences of all queries drawn, and the worst with their hits.
fn regressions(before: &Run, after: &Run, what: &str, dataset: &Dataset, out: &mut String) {
    let mut changes: Vec<(f64, &str)> = after
        .per_query
        .iter()
        .filter_map(|(id, now)| {
            let then = before.per_query.get(id)?;
            Some((now.ndcg_10 - then.ndcg_10, id.as_str()))
        })
        .collect();
    changes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    let values: Vec<f64> = changes.iter().map(|(change, _)| *change).collect();
    let _ = write!(
        out,
        "<h2>Query by query</h2><p class=\"note\">nDCG@10 {}, {} queries, the worst first.</p>{}",
        escape(what),
        values.len(),
        plot::differences(&values)
    );
    let worse: Vec<_> = changes
        .iter()
        .filter(|(change, _)| *change < 0.0)
        .take(WORST)
        .collect();
    if worse.is_empty() {
        out.push_str("<p>No query got worse.</p>");
        return;
    }
    out.push_str("<h2>What got worse</h2>");
    for &&(change, id) in &worse {
        let text = dataset.queries.iter().find(|query| query.id == id);
        let text = text.map_or(id, |query| query.text.as_str());
        let _ = write!(
            out,
            "<h3>{} <small class=\"down\">{change:+.3}</small></h3><ol>",
            escape(text)
        );
        let grades = dataset.qrels.grades(id);
        for hit in after.best.get(id).into_iter().flatten().take(HITS) {
            let is_relevant = grades.is_some_and(|g| g.get(&hit.id).is_some_and(|g| *g > 0));
            let mark = if is_relevant { " ✓" } else { "" };
            let _ = write!(out, "<li>{}{mark}", link(hit));
        }
        out.push_str("</ol>");
        let first = before.best.get(id).and_then(|hits| hits.first());
        if let Some(first) = first {
            let _ = write!(out, "<p class=\"note\">First before: {}</p>", link(first));
        }
    }
}

/// A hit with its address where that is one a page may lead to.
fn link(hit: &Shown) -> String {
    let title = if hit.title.is_empty() {
        &hit.id
    } else {
        &hit.title
    };
    let label = format!(
        "{} <span class=\"note\">({})</span>",
        escape(title),
        escape(&hit.id)
    );
    if hit.url.starts_with("https://") || hit.url.starts_with("http://") {
        format!(
            "<a rel=\"noopener\" href=\"{}\">{label}</a>",
            escape(&hit.url)
        )
    } else {
        label
    }
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::metrics::Metrics;
    use std::io::Write as _;

    #[test]
    fn a_page_holds_its_figures_and_no_markup_of_its_queries() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut queries = std::fs::File::create(path("queries.jsonl")).unwrap();
        let query = "{\"_id\":\"q\",\"text\":\"<script>alert(1)</script> & tide\"}\n";
        queries.write_all(query.as_bytes()).unwrap();
        std::fs::write(path("q.tsv"), "q\ta\t1\n").unwrap();
        let dataset = Dataset::from_files(&path("queries.jsonl"), &path("q.tsv")).unwrap();
        let run = |name: &str, ndcg_10: f64| {
            let metrics = Metrics {
                ndcg_10,
                ..Metrics::default()
            };
            let hit = Shown {
                id: "a".into(),
                url: "javascript:alert(1)".into(),
                title: "\"A\"".into(),
            };
            Run {
                name: name.into(),
                metrics,
                per_query: [("q".to_owned(), metrics)].into(),
                best: [("q".to_owned(), vec![hit])].into(),
                ..Run::default()
            }
        };
        let report = Report {
            runs: vec![run("lexical", 0.75), run("hybrid", 0.5)],
            ..Report::default()
        };
        let page = page(&report, &dataset, None);
        assert!(page.contains("<td>0.7500") && page.contains("-0.250"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; tide"));
        assert!(!page.contains("<script") && !page.contains("javascript:"));
        assert!(page.matches("<svg").count() == 3);
        assert!(!page.contains("src=") && !page.contains("NaN"));
    }
}
