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
use littoral_indexes::manifest::Settings;
use littoral_runtime::build::{TABLE, Tools, build_documents, default_settings};
use littoral_runtime::embed::{Embedder, Processor, VectorCache};
use littoral_runtime::expand::{Expander, ExpansionFile, FILE};
use littoral_runtime::ingest::{IngestOptions, discover};
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;
use littoral_runtime::update::{self, Control, Inputs, Outcome};
use littoral_tests::encoder::{self, TOY, ToyEncoder};
use littoral_tests::random::Random;
use littoral_tests::sample;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Histories in one run, without vectors and with them.
const SCRIPTS: u64 = 40;
const SCRIPTS_WITH_VECTORS: u64 = 12;
const SCRIPTS_WITH_EXPANSIONS: u64 = 30;

/// The file of expansions beside a folder of inputs, where a history has one.
const EXPANSIONS: &str = "expansions.jsonl";

/// Embedders that indexes are built with: none, a table fitted to the documents, the encoder itself.
const NONE: &str = "";
const ENCODER: &str = "toy";

/// Settings of an index with `embedder`.
fn settings(embedder: &str) -> Settings {
    let mut settings = default_settings();
    if !embedder.is_empty() {
        settings.embedding.embedder = embedder.into();
        settings.embedding.model = TOY;
        settings.embedding.rescore = 8;
    }
    settings
}

/// What an index with `embedder` is built with.
fn tools(embedder: &str, threads: usize) -> Tools {
    let vectors = || Embedder::new(Arc::new(ToyEncoder), None);
    Tools {
        pool: Pool::new(threads).unwrap(),
        embedder: (!embedder.is_empty()).then(vectors),
        expander: None,
    }
}

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
    for embedder in [NONE, TABLE, ENCODER] {
        let settings = settings(embedder);
        let mut expected = None;
        let mut documents = many_documents();
        let mut random = Random::new(1);
        for threads in [1, 2, 5] {
            for _ in 0..2 {
                let folder = tempfile::tempdir().unwrap();
                let mut store = Folder::open(folder.path()).unwrap();
                let all = documents.clone().into_iter();
                let tools = tools(embedder, threads);
                build_documents(all, &settings, &mut store, &tools).unwrap();
                let found = files(folder.path());
                match &expected {
                    None => expected = Some(found),
                    Some(expected) => assert!(
                        *expected == found,
                        "embedder {embedder:?}, {threads} threads, shuffled"
                    ),
                }
                random.shuffle(&mut documents);
            }
        }
        let cells = expected.unwrap();
        let n_cells = cells.keys().filter(|name| name.contains("/v")).count();
        assert_eq!(n_cells > 1, !embedder.is_empty(), "{n_cells} cells");
    }
}

/// Documents of drawn words: they stay what they are when the sample documents change.
fn drawn_documents() -> Vec<Document> {
    let mut random = Random::new(11);
    let words: Vec<String> = (0..300).map(|i| format!("word{i}")).collect();
    let mut document = |i: usize| {
        let sentences = (0..12).map(|_| {
            let words = (0..4 + random.below(8)).map(|_| random.pick(&words).as_str());
            words.collect::<Vec<_>>().join(" ") + "."
        });
        let text = sentences.collect::<Vec<_>>().join(" ");
        Document::plain(format!("d{i}"), format!("Drawn {i}"), text)
    };
    (0..60).map(&mut document).collect()
}

/// The files of an index of the drawn documents with a table, built with what `cache` remembers.
fn built_with(cache: &Path) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Folder::open(folder.path()).unwrap();
    let remembered = VectorCache::open(cache, TOY, encoder::DIMS, Processor::Cpu).unwrap();
    let tools = Tools {
        embedder: Some(Embedder::new(Arc::new(ToyEncoder), Some(remembered))),
        ..tools(NONE, 2)
    };
    build_documents(
        drawn_documents().into_iter(),
        &settings(TABLE),
        &mut store,
        &tools,
    )
    .unwrap();
    files(folder.path())
}

/// The name that the table of the drawn documents is remembered by, and the hash of what is: the
/// starts of both.
const REMEMBERED: (&str, &str) = ("110d426fca3e5160", "3f79dedc683a4f0e");

#[test]
fn a_table_is_fitted_once_and_what_is_remembered_is_what_a_fit_gives() {
    let cache = tempfile::tempdir().unwrap();
    let first = built_with(cache.path());
    let remembered = || -> Vec<_> {
        let all = fs::read_dir(cache.path()).unwrap().flatten();
        let folder = all.map(|entry| entry.path()).find(|path| path.is_dir());
        let tables = fs::read_dir(folder.expect("tables are remembered")).unwrap();
        tables.map(|entry| entry.unwrap().path()).collect()
    };
    let [table] = &remembered()[..] else {
        panic!("one table was fitted, and {:?} remembered", remembered());
    };
    let whole = fs::read(table).unwrap();
    let name = table.file_name().unwrap().to_string_lossy().into_owned();
    let hash = blake3::hash(&whole).to_hex();
    let found = (&name[..16], &hash[..16]);
    assert!(
        found == REMEMBERED || found.0 != REMEMBERED.0,
        "a fit gives another table than REVISION stands for: raise it, in the guest's build of \
         vectors, or a program takes what an older one remembered for its own"
    );
    assert_eq!(found, REMEMBERED, "pin what is remembered now");

    // What is remembered is taken: a change to it, with the check that goes with it, comes through.
    let body = whole.len() - 8;
    let mut changed = whole.clone();
    changed[body - 1] ^= 1;
    let check = blake3::hash(&changed[..body]);
    changed[body..].copy_from_slice(&check.as_bytes()[..8]);
    fs::write(table, &changed).unwrap();
    assert!(built_with(cache.path()) != first);
    // Without the check it is damage, and the table is fitted again.
    changed[body..].copy_from_slice(&whole[body..]);
    fs::write(table, &changed).unwrap();
    assert!(built_with(cache.path()) == first);
    assert_eq!(fs::read(table).unwrap(), whole);
    assert!(built_with(cache.path()) == first);
}

/// What is done with an index.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Build,
    Update,
    Compact,
}

/// Brings the index in `folder` to what `inputs` holds.
fn bring(folder: &Path, root: &Path, embedder: &str, step: Step) -> Outcome {
    let (found, _) = discover(&[root.to_owned()], &IngestOptions::default()).unwrap();
    let inputs = Inputs::new(&found, IngestOptions::default());
    let mut store = Folder::open(folder).unwrap();
    let mut tools = tools(embedder, 2);
    let mut settings = settings(embedder);
    let expansions = root.with_file_name(EXPANSIONS);
    if expansions.exists() {
        let file = ExpansionFile::open(&expansions).unwrap();
        tools.expander = Some(Arc::new(Expander::File(file)));
        settings.expansions.source = FILE.into();
    }
    let control = Control {
        stop: &AtomicBool::new(false),
        progress: &|| {},
    };
    if step == Step::Build {
        update::build(&inputs, &settings, &mut store, &tools, &control).unwrap()
    } else {
        let compact = step == Step::Compact;
        update::update(&inputs, &mut store, &tools, &control, true, compact).unwrap()
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

/// Writes expansions of some documents, as the model of their author gives them today.
fn expand(file: &Path, random: &mut Random) {
    let mut lines = String::new();
    let pages = (0..12).map(|i| format!("page{i}.md"));
    let records = (0..6).map(|i| format!("r{i}"));
    for id in pages.chain(records).chain(["always.md".into()]) {
        if random.once_in(3) {
            continue;
        }
        let terms: BTreeMap<String, f64> = (0..random.below(30))
            .map(|_| {
                let weight = (1 + random.below(40)) as f64 / 10.0;
                (format!("w{}", random.below(90) * random.below(30)), weight)
            })
            .collect();
        lines += &format!("{}\n", serde_json::json!({"id": id, "terms": terms}));
    }
    fs::write(file, lines).unwrap();
}

/// Runs the history that `seed` draws, with `expanded` documents or not.
fn history(seed: u64, embedder: &str, expanded: bool) {
    let mut random = Random::new(seed);
    let root = tempfile::tempdir().unwrap();
    let (inputs, index) = (root.path().join("in"), root.path().join("index"));
    fs::create_dir(&inputs).unwrap();
    let file = root.path().join(EXPANSIONS);
    edit(&inputs, &mut random);
    if expanded {
        expand(&file, &mut random);
    }
    bring(&index, &inputs, embedder, Step::Build);
    for _ in 0..=random.below(9) {
        edit(&inputs, &mut random);
        if expanded && random.once_in(2) {
            expand(&file, &mut random);
        }
        let step = if random.once_in(6) {
            Step::Compact
        } else {
            Step::Update
        };
        bring(&index, &inputs, embedder, step);
    }
    let last = bring(&index, &inputs, embedder, Step::Compact);
    assert!(
        last.compacted && last.skipped.is_empty(),
        "script {seed}: {last:?}"
    );
    let fresh = root.path().join("fresh");
    bring(&fresh, &inputs, embedder, Step::Build);
    let (found, expected) = (files(&index), files(&fresh));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected), "script {seed}");
    assert!(
        found == expected,
        "script {seed}: the same names with other bytes"
    );
}

#[test]
fn any_history_that_ends_in_a_compaction_is_byte_for_byte_a_fresh_build() {
    for seed in 0..SCRIPTS {
        history(seed, NONE, false);
    }
}

#[test]
fn any_history_with_vectors_that_ends_in_a_compaction_is_a_fresh_build_too() {
    for seed in 0..SCRIPTS_WITH_VECTORS {
        history(seed, if seed % 3 == 2 { ENCODER } else { TABLE }, false);
    }
}

#[test]
fn any_history_with_expansions_that_ends_in_a_compaction_is_a_fresh_build_too() {
    for seed in 0..SCRIPTS_WITH_EXPANSIONS {
        history(seed, if seed % 6 == 5 { TABLE } else { NONE }, true);
    }
}

#[test]
fn a_compaction_finds_the_expansions_in_the_index() {
    let root = tempfile::tempdir().unwrap();
    let (inputs, index) = (root.path().join("in"), root.path().join("index"));
    fs::create_dir(&inputs).unwrap();
    let mut random = Random::new(5);
    edit(&inputs, &mut random);
    expand(&root.path().join(EXPANSIONS), &mut random);
    bring(&index, &inputs, NONE, Step::Build);
    let before = files(&index);
    fs::remove_file(root.path().join(EXPANSIONS)).unwrap();
    let nothing = Inputs::new(&[], IngestOptions::default());
    let control = Control {
        stop: &AtomicBool::new(false),
        progress: &|| {},
    };
    let mut store = Folder::open(&index).unwrap();
    let outcome = update::update(&nothing, &mut store, &tools(NONE, 2), &control, false, true);
    assert!(outcome.unwrap().compacted);
    assert!(files(&index) == before);
}

#[test]
fn an_update_of_unchanged_documents_writes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (inputs, index) = (root.path().join("in"), root.path().join("index"));
    fs::create_dir(&inputs).unwrap();
    edit(&inputs, &mut Random::new(3));
    bring(&index, &inputs, NONE, Step::Build);
    let before = files(&index);
    let outcome = bring(&index, &inputs, NONE, Step::Update);
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
    bring(&index, &inputs, NONE, Step::Build);
    let thief = "{\"_id\":\"a.md\",\"text\":\"second of the name\"}\n";
    fs::write(inputs.join("z.jsonl"), thief).unwrap();
    let outcome = bring(&index, &inputs, NONE, Step::Compact);
    let codes: Vec<&str> = outcome.skipped.iter().map(|skipped| skipped.code).collect();
    assert_eq!(codes, ["duplicate-id"]);
    let fresh = root.path().join("fresh");
    let expected = bring(&fresh, &inputs, NONE, Step::Build);
    assert_eq!(expected.skipped.len(), 1);
    assert!(files(&index) == files(&fresh));
}
