//! The same documents give the same bytes: for any number of threads, any order of arrival, and any
//! history of updates that ends in a compaction.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_guest::Document;
use littoral_runtime::build::Tools;
use littoral_runtime::build::{build_documents, default_settings};
use littoral_runtime::ingest::{IngestOptions, discover};
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;
use littoral_runtime::update::{self, Control, Inputs, Outcome};
use littoral_tests::random::Random;
use littoral_tests::sample;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Histories in one run.
const SCRIPTS: u64 = 40;

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            all.extend(
                files(&entry.path())
                    .into_iter()
                    .map(|(n, b)| (format!("{name}/{n}"), b)),
            );
        } else if name != ".littoral.lock" {
            all.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    all
}

fn many_documents() -> Vec<Document> {
    let mut random = Random::new(7);
    let mut documents = sample::documents();
    let words: Vec<String> = documents
        .iter()
        .flat_map(|document| document.text.split_whitespace().map(str::to_owned))
        .collect();
    for i in 0..150 {
        let n = 5 + random.below(400);
        let text: Vec<&str> = (0..n).map(|_| random.pick(&words).as_str()).collect();
        let mut document = Document::plain(format!("d{i}"), format!("Drawn {i}"), text.join(" "));
        document
            .filters
            .insert("part".into(), vec![format!("{}", i % 7), "all".into()]);
        document
            .sort
            .insert("n".into(), format!("{}", random.below(1000)));
        documents.push(document);
    }
    documents
}

#[test]
fn threads_and_the_order_of_arrival_change_no_byte() {
    let mut expected = None;
    let mut documents = many_documents();
    let mut random = Random::new(1);
    for threads in [1, 2, 5] {
        for _ in 0..2 {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Folder::open(folder.path()).unwrap();
            let pool = Tools::from(Pool::new(threads).unwrap());
            let all = documents.clone().into_iter();
            build_documents(all, &default_settings(), &mut store, &pool).unwrap();
            let found = files(folder.path());
            match &expected {
                None => expected = Some(found),
                Some(expected) => assert!(*expected == found, "{threads} threads, shuffled"),
            }
            random.shuffle(&mut documents);
        }
    }
}

fn bring(folder: &Path, inputs: &Path, is_new: bool, prune: bool, compact: bool) -> Outcome {
    let (found, _) = discover(&[inputs.to_owned()], &IngestOptions::default()).unwrap();
    let inputs = Inputs::new(&found, IngestOptions::default());
    let mut store = Folder::open(folder).unwrap();
    let pool = Tools::from(Pool::new(2).unwrap());
    let control = Control {
        stop: &AtomicBool::new(false),
        progress: &|| {},
    };
    if is_new {
        update::build(&inputs, &default_settings(), &mut store, &pool, &control).unwrap()
    } else {
        update::update(&inputs, &mut store, &pool, &control, prune, compact).unwrap()
    }
}

/// Changes a folder of inputs as their author would, so that at least one document stays.
fn edit(folder: &Path, random: &mut Random) {
    let text = |random: &mut Random| -> String {
        let n = 1 + random.below(60);
        (0..n)
            .map(|_| format!("w{} ", random.below(80) * random.below(30)))
            .collect()
    };
    for _ in 0..=random.below(6) {
        let page = folder.join(format!("page{}.md", random.below(12)));
        match random.below(8) {
            0 | 1 => drop(fs::remove_file(&page)),
            2..=4 => fs::write(
                &page,
                format!("# T{}\n\n{}\n", random.below(9), text(random)),
            )
            .unwrap(),
            5 => {
                let page = folder.join(format!("page{}.txt", random.below(4)));
                fs::write(page, text(random)).unwrap();
            }
            _ => {
                let lines: String = (0..random.below(6))
                    .map(|i| {
                        format!(
                            "{{\"_id\":\"r{i}\",\"title\":\"{}\",\"text\":\"{}\",\"filters\":{{\"f\":\"{}\"}}}}\n",
                            text(random).trim(),
                            text(random).trim(),
                            random.below(3)
                        )
                    })
                    .collect();
                fs::write(folder.join("records.jsonl"), lines).unwrap();
            }
        }
    }
    fs::write(
        folder.join("always.md"),
        "# Always\n\nthere is one document w1 w2\n",
    )
    .unwrap();
}

#[test]
fn any_history_that_ends_in_a_compaction_is_byte_for_byte_a_fresh_build() {
    for seed in 0..SCRIPTS {
        let mut random = Random::new(seed);
        let root = tempfile::tempdir().unwrap();
        let (inputs, index) = (root.path().join("in"), root.path().join("index"));
        fs::create_dir(&inputs).unwrap();
        edit(&inputs, &mut random);
        bring(&index, &inputs, true, false, false);
        for _ in 0..=random.below(9) {
            edit(&inputs, &mut random);
            let compact = random.once_in(6);
            bring(&index, &inputs, false, true, compact);
        }
        let last = bring(&index, &inputs, false, true, true);
        assert!(
            last.compacted && last.skipped.is_empty(),
            "script {seed}: {last:?}"
        );
        let fresh = root.path().join("fresh");
        bring(&fresh, &inputs, true, false, false);
        let (found, expected) = (files(&index), files(&fresh));
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&expected), "script {seed}");
        assert!(
            found == expected,
            "script {seed}: the same names with other bytes"
        );
    }
}

#[test]
fn an_update_of_unchanged_documents_writes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (inputs, index) = (root.path().join("in"), root.path().join("index"));
    fs::create_dir(&inputs).unwrap();
    edit(&inputs, &mut Random::new(3));
    bring(&index, &inputs, true, false, false);
    let before = files(&index);
    let outcome = bring(&index, &inputs, false, true, false);
    assert_eq!((outcome.deleted, outcome.built.documents), (0, 0));
    assert!(files(&index) == before);
}

#[test]
fn an_id_that_an_unchanged_document_has_is_refused_by_an_update_as_by_a_build() {
    let root = tempfile::tempdir().unwrap();
    let (inputs, index) = (root.path().join("in"), root.path().join("index"));
    fs::create_dir(&inputs).unwrap();
    fs::write(inputs.join("a.md"), "# A\n\nfirst of the name\n").unwrap();
    fs::write(inputs.join("b.md"), "# B\n\nanother\n").unwrap();
    bring(&index, &inputs, true, false, false);
    let thief = "{\"_id\":\"a.md\",\"text\":\"second of the name\"}\n";
    fs::write(inputs.join("z.jsonl"), thief).unwrap();
    let outcome = bring(&index, &inputs, false, true, true);
    let codes: Vec<&str> = outcome.skipped.iter().map(|skipped| skipped.code).collect();
    assert_eq!(codes, ["duplicate-id"]);
    let fresh = root.path().join("fresh");
    let expected = bring(&fresh, &inputs, true, false, false);
    assert_eq!(expected.skipped.len(), 1);
    assert!(files(&index) == files(&fresh));
}
