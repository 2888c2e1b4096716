//! Sessions with the program: every field of its JSON, its exit codes, and what it says when
//! something is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_tests::program::{self, Ran};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn page(title: &str, date: &str, section: &str, text: &str) -> String {
    format!(
        "<!doctype html><html lang=en><head><title>{title}</title></head><body><main data-pagefind-body>\
         <h1 data-pagefind-sort=\"date:{date}\" data-pagefind-filter=\"section:{section}\">{title}</h1>\
         <p>{text}</p><h2 id=more>More about {title}</h2><p>There is more to say of it here.</p>\
         </main></body></html>"
    )
}

/// A folder with `in/` (three pages, one text, three records) and the index `ix` of it.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let to = root.path();
    let tide = "A tide table lists the times of high water for a harbour.";
    write(
        to,
        "in/tide.html",
        page("Tide tables", "2026-03-01", "guide", tide),
    );
    let anchor = "Lower the anchor slowly, before the tide turns.";
    write(
        to,
        "in/deep/anchor.html",
        page("Anchoring", "2026-01-01", "guide", anchor),
    );
    let crab = "A shore crab eats what the tide leaves behind.";
    write(
        to,
        "in/crab.html",
        page("Crabs", "2026-02-01", "nature", crab),
    );
    write(
        to,
        "in/note.txt",
        "A lighthouse is known by the rhythm of its light.\n",
    );
    write(
        to,
        "in/records.jsonl",
        concat!(
            r#"{"_id":"r1","title":"Radio","text":"Channel 16 is for distress & calling.","url":"/radio","lang":"en","meta":{"author":"Ada"},"filters":{"section":["reference","guide"]}}"#,
            "\n",
            r#"{"_id":"r2","title":"Lights","text":"Red light marks the port side of the channel."}"#,
            "\n"
        ),
    );
    let ran = program::run(
        to,
        &["build", "in", "-o", "ix", "--embedder", "none", "--json"],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    root
}

fn run(root: &tempfile::TempDir, arguments: &[&str]) -> Ran {
    program::run(root.path(), arguments)
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

fn ids(result: &Value) -> Vec<String> {
    let hits = result["hits"].as_array().expect("hits");
    hits.iter()
        .map(|hit| hit["document"]["id"].as_str().unwrap().to_owned())
        .collect()
}

fn search(root: &tempfile::TempDir, arguments: &[&str]) -> Value {
    let all = [&["search", "ix"], arguments, &["--json"]].concat();
    let ran = run(root, &all);
    let value = ran.json();
    assert_eq!(
        ran.code,
        i32::from(value["hits"].as_array().unwrap().is_empty()),
        "{ran:?}"
    );
    assert!(ran.err.is_empty(), "{ran:?}");
    value
}

#[test]
fn a_build_reports_what_the_contract_says() {
    let root = folder();
    let ran = run(
        &root,
        &["build", "in", "-o", "other", "--embedder", "none", "--json"],
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let built = ran.json();
    let fields = [
        "chunks",
        "documents",
        "files",
        "index_bytes",
        "peak_rss_bytes",
        "seconds",
        "skipped",
        "terms",
    ];
    assert_eq!(keys(&built), fields);
    assert_eq!(built["documents"], 6);
    for field in [
        "chunks",
        "terms",
        "index_bytes",
        "files",
        "seconds",
        "peak_rss_bytes",
    ] {
        assert!(built[field].as_f64().unwrap() > 0.0, "{field}");
    }
    assert_eq!(built["skipped"].as_array().unwrap().len(), 0);
    let text = run(&root, &["build", "in", "-o", "other", "--embedder", "none"]);
    assert_eq!(text.code, 0);
    assert!(text.out.starts_with("Indexed 6 documents"), "{}", text.out);
}

#[test]
fn a_search_reports_what_the_contract_says() {
    let root = folder();
    let result = search(&root, &["tide tables"]);
    let fields = [
        "fetched",
        "hits",
        "mode",
        "n_found",
        "notes",
        "query",
        "timings_ms",
        "work",
    ];
    assert_eq!(keys(&result), fields);
    assert_eq!(
        (&result["query"], &result["mode"]),
        (&"tide tables".into(), &"hybrid".into())
    );
    let hit = &result["hits"][0];
    assert_eq!(
        keys(hit),
        [
            "chunk", "document", "excerpt", "rank", "ranks", "score", "scores"
        ]
    );
    assert_eq!(keys(&hit["document"]), ["id", "meta", "title", "url"]);
    assert_eq!(
        keys(&hit["chunk"]),
        ["anchor", "end", "heading", "id", "start", "text"]
    );
    assert_eq!(keys(&hit["scores"]), ["dense", "lexical", "rerank"]);
    assert_eq!(keys(&hit["ranks"]), ["dense", "lexical"]);
    assert_eq!(
        keys(&result["fetched"]),
        ["bytes", "requests", "round_trips"]
    );
    assert_eq!(keys(&result["work"]), ["distances", "postings"]);
    assert_eq!(keys(&result["timings_ms"]), ["total"]);
    assert_eq!(hit["rank"], 1);
    assert_eq!(hit["document"]["id"], "tide.html");
    assert_eq!(hit["document"]["title"], "Tide tables");
    assert!(hit["scores"]["dense"].is_null() && hit["scores"]["rerank"].is_null());
    assert_eq!(
        (&hit["ranks"]["lexical"], &hit["scores"]["lexical"]),
        (&1.into(), &hit["score"])
    );
    assert!(hit["excerpt"].as_str().unwrap().contains("<mark>"), "{hit}");
    let chunk = &hit["chunk"];
    let length = chunk["end"].as_u64().unwrap() - chunk["start"].as_u64().unwrap();
    assert_eq!(length, chunk["text"].as_str().unwrap().len() as u64);
    for field in ["round_trips", "requests", "bytes"] {
        assert!(result["fetched"][field].as_u64().unwrap() > 0, "{field}");
    }
    assert!(result["work"]["postings"].as_u64().unwrap() > 0);
    assert!(result["timings_ms"]["total"].as_f64().unwrap() > 0.0);
    for note in result["notes"].as_array().unwrap() {
        assert!(keys(note).starts_with(&["code", "message"]), "{note}");
    }
    // That no vectors answered is said, and not said where none were asked.
    assert_eq!(result["notes"][0]["code"], "no-vectors");
    assert_eq!(
        search(&root, &["tide", "--mode", "lexical"])["notes"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn what_a_record_says_comes_back_with_its_hit() {
    let root = folder();
    let result = search(&root, &["distress"]);
    let document = &result["hits"][0]["document"];
    assert_eq!(document["id"], "r1");
    assert_eq!(document["url"], "/radio");
    assert_eq!(document["meta"]["author"], "Ada");
    // Text is escaped in an excerpt, and as it is in a chunk.
    assert!(
        result["hits"][0]["excerpt"]
            .as_str()
            .unwrap()
            .contains("&amp;")
    );
    assert!(
        result["hits"][0]["chunk"]["text"]
            .as_str()
            .unwrap()
            .contains("distress & calling")
    );
    let nested = search(&root, &["lower the anchor"]);
    assert_eq!(nested["hits"][0]["document"]["id"], "deep/anchor.html");
}

#[test]
fn queries_have_operators() {
    let root = folder();
    assert_eq!(ids(&search(&root, &["\"high water\""])), ["tide.html"]);
    assert!(ids(&search(&root, &["\"water high\""])).is_empty());
    let without = ids(&search(&root, &["tide -anchor"]));
    assert!(without.contains(&"crab.html".into()) && !without.contains(&"deep/anchor.html".into()));
    let leading = ids(&search(&root, &["-anchor tide"]));
    assert_eq!(
        leading.len(),
        without.len(),
        "a query may begin with its exclusion"
    );
    assert_eq!(ids(&search(&root, &["+crab tide"])), ["crab.html"]);
    assert_eq!(ids(&search(&root, &["title:tables"])), ["tide.html"]);
    assert_eq!(ids(&search(&root, &["tide", "-k", "1"])).len(), 1);
    let nothing = search(&root, &["xylophone"]);
    assert!(ids(&nothing).is_empty());
}

#[test]
fn a_typing_error_is_corrected_and_noted() {
    let root = folder();
    let result = search(&root, &["lighthuose"]);
    assert_eq!(ids(&result), ["note.txt"]);
    let notes = result["notes"].as_array().unwrap();
    let note = notes
        .iter()
        .find(|note| !note["suggestion"].is_null())
        .expect("a suggestion");
    assert!(
        note["suggestion"].as_str().unwrap().contains("lighthouse"),
        "{note}"
    );
    let typing = search(&root, &["lighth", "--as-you-type"]);
    assert_eq!(ids(&typing), ["note.txt"]);
}

#[test]
fn filters_facets_and_sorting_narrow_count_and_order() {
    let root = folder();
    let mut guides = ids(&search(&root, &["tide", "--filter", "section=guide"]));
    guides.sort();
    assert_eq!(guides, ["deep/anchor.html", "tide.html"]);
    let two = [
        "tide",
        "--filter",
        "section=guide",
        "--filter",
        "section=nature",
    ];
    assert_eq!(ids(&search(&root, &two)).len(), 3);
    assert!(ids(&search(&root, &["tide", "--filter", "section=none"])).is_empty());
    let sorted = search(&root, &["tide", "--sort", "date"]);
    assert_eq!(ids(&sorted), ["deep/anchor.html", "crab.html", "tide.html"]);
    let sorted = search(&root, &["tide", "--sort", "date:desc"]);
    assert_eq!(ids(&sorted), ["tide.html", "crab.html", "deep/anchor.html"]);
    let faceted = search(&root, &["tide", "--facet", "section"]);
    let expected = serde_json::json!([
        {"value": "guide", "count": 2}, {"value": "nature", "count": 1}, {"value": "reference", "count": 0}
    ]);
    assert_eq!(faceted["facets"]["section"], expected);
    for wrong in [
        ["--filter", "colour=red"],
        ["--sort", "colour"],
        ["--facet", "colour"],
    ] {
        let ran = run(
            &root,
            &[&["search", "ix", "tide", "--json"], &wrong[..]].concat(),
        );
        assert_eq!(
            (ran.code, ran.error_code().as_str()),
            (2, "unknown-field"),
            "{ran:?}"
        );
    }
    let ran = run(
        &root,
        &["search", "ix", "tide", "--filter", "section", "--json"],
    );
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "bad-filter"));
}

/// Every part of an explanation is the sum of its own.
fn adds_up(explanation: &Value) {
    let Some(parts) = explanation["parts"].as_array() else {
        return;
    };
    let sum: f64 = parts
        .iter()
        .map(|part| part["value"].as_f64().unwrap())
        .sum();
    assert!(
        (sum - explanation["value"].as_f64().unwrap()).abs() < 1e-6,
        "{explanation}"
    );
    parts.iter().for_each(adds_up);
}

#[test]
fn an_explanation_adds_up_to_the_score() {
    let root = folder();
    let result = search(&root, &["high tide", "--explain"]);
    for hit in result["hits"].as_array().unwrap() {
        let explanation = &hit["explain"];
        let difference = explanation["value"].as_f64().unwrap() - hit["score"].as_f64().unwrap();
        assert!(difference.abs() < 1e-6, "{hit}");
        adds_up(explanation);
    }
}

#[test]
fn a_search_prints_text_for_people() {
    let root = folder();
    let found = run(&root, &["search", "ix", "tide"]);
    assert_eq!((found.code, found.err.as_str()), (0, ""));
    assert!(
        found.out.contains(" 1. ") && found.out.contains(" found; "),
        "{}",
        found.out
    );
    assert!(
        !found.out.contains("<mark>") && !found.out.contains('\u{1b}'),
        "{}",
        found.out
    );
    let none = run(&root, &["search", "ix", "xylophone"]);
    assert_eq!(none.code, 1);
    assert!(none.out.contains("Nothing found"), "{}", none.out);
}

#[test]
fn errors_are_text_on_stderr_or_one_json_object() {
    let root = folder();
    let cases: [(&[&str], &str); 11] = [
        (&["search", "nowhere", "tide"], "not-found"),
        (&["inspect", "nowhere"], "not-found"),
        (&["check", "nowhere"], "not-found"),
        (&["update", "nowhere", "in"], "not-found"),
        (&["update", "ix"], "no-inputs"),
        (
            &["build", "nowhere", "-o", "x1", "--embedder", "none"],
            "no-such-input",
        ),
        (&["search", "ix", "tide", "--mode", "dense"], "unsupported"),
        (
            &["search", "ix", "tide", "--rerank", "any"],
            "model-not-found",
        ),
        (
            &["build", "in", "-o", "x2", "--embedder", "table"],
            "model-not-found",
        ),
        (
            &["build", "in", "-o", "in", "--embedder", "none"],
            "not-an-index",
        ),
        (&["eval", "--data", "nowhere"], ""),
    ];
    for (arguments, code) in cases {
        let text = run(&root, arguments);
        assert_eq!(
            (text.code, text.out.as_str()),
            (2, ""),
            "{arguments:?}: {text:?}"
        );
        assert!(text.err.starts_with("error: "), "{arguments:?}: {text:?}");
        let json = run(&root, &[arguments, &["--json"]].concat());
        assert_eq!(
            (json.code, json.err.as_str()),
            (2, ""),
            "{arguments:?}: {json:?}"
        );
        let found = json.error_code();
        assert!(code.is_empty() || found == code, "{arguments:?}: {found}");
    }
    assert_eq!(run(&root, &["search"]).code, 2);
    assert_eq!(run(&root, &["search", "ix", "tide", "-k", "0"]).code, 2);
    assert_eq!(run(&root, &["--version"]).code, 0);
    assert!(!root.path().join("x1").exists() && !root.path().join("x2").exists());
}

#[test]
fn bad_documents_are_skipped_with_their_reason_and_the_others_indexed() {
    let root = folder();
    let bad = root.path();
    write(bad, "in/broken.pdf", "%PDF-1.4 nothing of the kind");
    write(bad, "in/broken.docx", "PK nothing of the kind");
    write(bad, "in/empty.md", "\n\n");
    write(
        bad,
        "in/more.jsonl",
        "{\"_id\":\"m1\",\"text\":\"good\"}\nnot json\n{\"text\":\"no id\"}\n{\"_id\":\"r1\",\"text\":\"taken\"}\n{\"_id\":\"m2\"}\n{\"_id\":\"m3\",\"text\":\"good too\"}\n",
    );
    let ran = run(
        &root,
        &["build", "in", "-o", "ix2", "--embedder", "none", "--json"],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let built = ran.json();
    let mut codes = Vec::new();
    for skipped in built["skipped"].as_array().unwrap() {
        assert_eq!(keys(skipped), ["code", "message", "path"]);
        assert!(!skipped["message"].as_str().unwrap().is_empty());
        let path = skipped["path"].as_str().unwrap();
        assert!(
            path.starts_with("in/") || path.starts_with("in\\"),
            "{path}"
        );
        codes.push((
            path.replace('\\', "/"),
            skipped["code"].as_str().unwrap().to_owned(),
        ));
    }
    codes.sort();
    let code = |path: &str| {
        let found = codes.iter().find(|(p, _)| p == path);
        found.map_or("", |(_, code)| code.as_str())
    };
    assert_eq!(code("in/more.jsonl:2"), "bad-json", "{codes:?}");
    // Files come in the order of their names: `more` before `records`.
    assert_eq!(code("in/records.jsonl:1"), "duplicate-id", "{codes:?}");
    assert!(
        !code("in/broken.pdf").is_empty() && !code("in/broken.docx").is_empty(),
        "{codes:?}"
    );
    assert_eq!(code("in/empty.md"), "no-text", "{codes:?}");
    let ran = run(&root, &["search", "ix2", "good", "--json"]);
    assert_eq!(ids(&ran.json()).len(), 2);
    let text = run(&root, &["build", "in", "-o", "ix2", "--embedder", "none"]);
    assert!(text.out.contains("Skipped "), "{}", text.out);
}

#[test]
fn only_bad_documents_are_an_error_and_leave_nothing() {
    let root = folder();
    write(root.path(), "bad/a.jsonl", "not json\n");
    let ran = run(
        &root,
        &["build", "bad", "-o", "ix3", "--embedder", "none", "--json"],
    );
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "no-documents"));
    assert_eq!(run(&root, &["search", "ix3", "tide"]).code, 2);
    // Nor is an index replaced by nothing.
    let ran = run(
        &root,
        &["build", "bad", "-o", "ix", "--embedder", "none", "--json"],
    );
    assert_eq!(ran.code, 2);
    assert_eq!(ids(&search(&root, &["crab"])), ["crab.html"]);
}

#[test]
fn an_update_reports_what_it_did() {
    let root = folder();
    write(
        root.path(),
        "in/new.md",
        "# Kelp\n\nOtters sleep in kelp.\n",
    );
    write(root.path(), "in/note.txt", "The old lighthouse is dark.\n");
    fs::remove_file(root.path().join("in/crab.html")).unwrap();
    let ran = run(&root, &["update", "ix", "in", "--prune", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let updated = ran.json();
    let build = [
        "chunks",
        "documents",
        "files",
        "index_bytes",
        "peak_rss_bytes",
        "seconds",
        "skipped",
        "terms",
    ];
    for field in build {
        assert!(!updated[field].is_null(), "{field}");
    }
    assert_eq!(
        (&updated["unchanged"], &updated["deleted"]),
        (&4.into(), &2.into()),
        "{updated}"
    );
    assert_eq!(updated["documents"], 2);
    assert_eq!(ids(&search(&root, &["otters"])), ["new.md"]);
    assert_eq!(ids(&search(&root, &["dark lighthouse"])), ["note.txt"]);
    assert!(ids(&search(&root, &["crab"])).is_empty());
    let ran = run(&root, &["update", "ix", "--compact", "--json"]);
    assert_eq!(ran.json()["compacted"], true, "{ran:?}");
    let fresh = run(
        &root,
        &["build", "in", "-o", "fresh", "--embedder", "none", "--json"],
    );
    assert_eq!(fresh.code, 0);
    let entry = |name: &str| fs::read(root.path().join(name).join("littoral.json")).unwrap();
    assert!(entry("ix") == entry("fresh"));
}

#[test]
fn check_and_inspect_report_what_the_contract_says() {
    let root = folder();
    let ran = run(&root, &["check", "ix", "--json"]);
    let check = ran.json();
    assert_eq!(
        (ran.code, keys(&check)),
        (0, vec!["bytes", "files", "ok", "problems"])
    );
    assert_eq!(check["ok"], true);
    let inspect = run(&root, &["inspect", "ix", "--json"]);
    assert_eq!(inspect.code, 0);
    let inspect = inspect.json();
    assert_eq!(
        (&inspect["files"], &inspect["index_bytes"]),
        (&check["files"], &check["bytes"])
    );
    assert_eq!(
        (&inspect["documents"], &inspect["embedder"]),
        (&6.into(), &"none".into())
    );
    for (name, section) in inspect["sections"].as_object().unwrap() {
        assert_eq!(keys(section), ["bytes", "files", "largest"], "{name}");
    }
    let segment = &inspect["segments"][0];
    assert_eq!(segment["filters"], serde_json::json!(["section"]));
    assert_eq!(segment["sorts"], serde_json::json!(["date"]));
    assert_eq!(run(&root, &["inspect", "ix"]).code, 0);
    // Damage: one file flipped, one gone.
    let id = segment["id"].as_str().unwrap();
    let path = root.path().join("ix").join(id).join("l0.lit");
    let mut bytes = fs::read(&path).unwrap();
    bytes[30] ^= 4;
    fs::write(&path, bytes).unwrap();
    fs::remove_file(root.path().join("ix").join(id).join("t0.lit")).unwrap();
    let ran = run(&root, &["check", "ix", "--json"]);
    let check = ran.json();
    assert_eq!((ran.code, &check["ok"]), (1, &false.into()));
    let problems = check["problems"].as_array().unwrap();
    for problem in problems {
        assert_eq!(
            keys(problem),
            ["code", "file", "message", "offset", "section"]
        );
    }
    let of = |name: &str| {
        problems
            .iter()
            .find(|p| p["file"] == format!("{id}/{name}"))
            .expect(name)
    };
    assert_eq!(of("l0.lit")["code"], "index-corrupt");
    assert_eq!(of("l0.lit")["section"], "lexicon");
    assert_eq!(of("t0.lit")["code"], "missing");
    assert_eq!(run(&root, &["check", "ix"]).code, 1);
    let ran = run(&root, &["search", "ix", "tide", "--json"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "index-corrupt"));
    fs::write(root.path().join("ix/littoral.json"), "{}").unwrap();
    let ran = run(&root, &["check", "ix", "--json"]);
    assert_eq!(
        (ran.code, &ran.json()["problems"][0]["file"]),
        (1, &"littoral.json".into())
    );
}

#[test]
fn an_evaluation_reports_what_the_contract_says() {
    let root = folder();
    let to = root.path();
    write(
        to,
        "beir/corpus.jsonl",
        "{\"_id\":\"1\",\"title\":\"Tide\",\"text\":\"high water\"}\n{\"_id\":\"2\",\"title\":\"\",\"text\":\"crabs\"}\n",
    );
    write(
        to,
        "beir/queries.jsonl",
        "{\"_id\":\"q\",\"text\":\"water\"}\n{\"_id\":\"u\",\"text\":\"unjudged\"}\n",
    );
    write(
        to,
        "beir/qrels/test.tsv",
        "query-id\tcorpus-id\tscore\nq\t1\t1\n",
    );
    let ran = run(
        &root,
        &["eval", "--data", "beir", "--embedder", "none", "--json"],
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let report = ran.json();
    let fields = [
        "build",
        "data",
        "embedder",
        "n_chunks",
        "n_documents",
        "n_queries",
        "runs",
        "split",
    ];
    assert_eq!(keys(&report), fields);
    assert_eq!(
        keys(&report["build"]),
        ["index_bytes", "peak_rss_bytes", "seconds"]
    );
    let of_run = &report["runs"][0];
    assert_eq!(
        keys(of_run),
        ["cold", "latency_ms", "metrics", "name", "per_query"]
    );
    let metrics = ["map@100", "mrr@10", "ndcg@10", "recall@10", "recall@100"];
    assert_eq!(keys(&of_run["metrics"]), metrics);
    assert_eq!(keys(&of_run["latency_ms"]), ["p50", "p99"]);
    assert_eq!(keys(&of_run["cold"]), ["bytes", "requests", "round_trips"]);
    assert_eq!(
        (&of_run["metrics"]["ndcg@10"], &report["n_queries"]),
        (&1.0.into(), &1.into())
    );
    assert_eq!(
        run(&root, &["eval", "--data", "beir", "--embedder", "none"]).code,
        0
    );
    write(
        to,
        "queries.jsonl",
        "{\"_id\":\"q\",\"text\":\"shore crab\"}\n",
    );
    write(to, "qrels.tsv", "q\tcrab.html\t1\n");
    let arguments = [
        "eval",
        "ix",
        "--queries",
        "queries.jsonl",
        "--qrels",
        "qrels.tsv",
        "--json",
    ];
    let report = run(&root, &arguments).json();
    assert_eq!(report["runs"][0]["metrics"]["mrr@10"], 1.0);
}

#[test]
fn the_demo_shows_a_search() {
    let root = tempfile::tempdir().unwrap();
    let ran = run(&root, &["demo", "--no-serve"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(" 1. "), "{}", ran.out);
    assert_eq!(run(&root, &["demo", "xylophone", "--no-serve"]).code, 1);
}

#[test]
fn the_demo_searches_by_meaning_without_a_model() {
    let root = tempfile::tempdir().unwrap();
    let demo = [
        "demo",
        "how do I remove a document",
        "--no-serve",
        "-o",
        "ix",
    ];
    // Twice: what an earlier demo left is replaced.
    for _ in 0..2 {
        assert_eq!(run(&root, &demo).code, 0);
    }
    let found = run(
        &root,
        &["search", "ix", demo[1], "--mode", "dense", "--json"],
    )
    .json();
    assert_eq!(found["notes"], json!([]));
    assert!(found["hits"][0]["ranks"]["dense"] == 1, "{found}");
    let checked = run(&root, &["check", "ix"]);
    assert_eq!(checked.code, 0, "{checked:?}");
}
