//! Ingest from folders to documents.

use std::ops::ControlFlow;

use super::*;
use littoral_indexes::inventory::hash_id;

fn ingest(files: &[(&str, &str)]) -> (Vec<Document>, Vec<&'static str>) {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(root.path().join(name), text).unwrap();
    }
    let options = IngestOptions::default();
    let (files, _) = discover(&[root.path().to_owned()], &options).unwrap();
    let mut ids = Ids::default();
    let mut documents = Vec::new();
    let mut skipped = Vec::new();
    for file in &files {
        let _ = units(file, &options, &mut |unit| {
            let result = unit.and_then(|unit| {
                let document = parse(&unit, &options)?;
                ids.admit(hash_id(&document.id), unit.place())?;
                Ok(document)
            });
            match result {
                Ok(document) => documents.push(document),
                Err(skip) => skipped.push(skip.code),
            }
            ControlFlow::Continue(())
        });
    }
    (documents, skipped)
}

#[test]
fn one_bad_record_is_skipped_and_the_rest_is_read() {
    let deep = "[".repeat(1_000_000);
    let lines = [
        r#"{"_id":"a","title":"A","text":"one\n\ntwo","meta":{"k":1},"filters":{"f":["x",2]}}"#,
        r#"{"_id":7,"text":"seven","lang":"pt_BR","url":"https://x.org/7"}"#,
        r#"{"text":"no id"}"#,
        "{broken",
        "[1]",
        r#"{"_id":"a","text":"again"}"#,
        r#"{"_id":"../b","text":"up","url":"javascript:x"}"#,
        r#"{"_id":"e","text":" "}"#,
        &deep,
    ];
    let (documents, skipped) = ingest(&[("d.jsonl", &lines.join("\n"))]);
    let codes = [
        "missing-id",
        "bad-json",
        "bad-json",
        "duplicate-id",
        "no-text",
        "bad-json",
    ];
    assert_eq!(skipped, codes);
    let ids: Vec<_> = documents.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(ids, ["a", "7", "../b"]);
    assert_eq!(documents[0].text, "one\n\ntwo");
    assert_eq!(documents[0].meta["k"], "1");
    assert_eq!(documents[0].filters["f"], ["x", "2"]);
    assert_eq!(documents[1].lang.as_deref(), Some("pt-BR"));
    assert_eq!(documents[1].url, "https://x.org/7");
    assert!(!documents[2].url.contains(".."));
}

#[test]
fn csv_columns_are_fields() {
    let text =
        "\u{feff}_id,title,text,filters.tag,year\n1,A,\"two\n\nparts\",x|y,1999\n2,,b\n,t,u\n";
    let (documents, skipped) = ingest(&[("d.csv", text)]);
    assert_eq!(skipped, ["missing-id"]);
    assert_eq!(documents[0].parts.len(), 2);
    assert_eq!(documents[0].filters["tag"], ["x", "y"]);
    assert_eq!(documents[0].meta["year"], "1999");
    assert_eq!(documents[1].text, "b");
    assert_eq!(ingest(&[("d.csv", "a,b\n1,2\n")]).1, ["missing-text"]);
}

#[test]
fn files_that_are_not_what_they_seem_are_skipped() {
    let (documents, skipped) = ingest(&[("a.md", ""), ("b.txt", "x\0y"), ("c.html", "fine")]);
    assert_eq!(documents.len(), 1);
    assert_eq!(skipped, ["no-text", "binary"]);
}

#[test]
fn parts_keep_the_invariant_of_documents() {
    let page = "<p>ü</p><pre>\n\n a\u{e0041}\n</pre><h2>\u{200b}</h2><td>x<li>y<h3>z<p>&nbsp;";
    for name in ["a.html", "a.md", "a.txt"] {
        let (documents, _) = ingest(&[(name, page)]);
        let document = &documents[0];
        let mut last = 0;
        for part in &document.parts {
            assert!(document.text[last..part.start].trim().is_empty());
            assert!(!document.text[part.start..part.end].trim().is_empty());
            last = part.end;
        }
        assert!(document.text[last..].is_empty());
        assert!(!document.text.contains(['\u{e0041}', '\u{200b}']));
    }
}
