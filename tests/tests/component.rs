//! The engine as a component, through wasmtime: it answers as the native engine does, to the bit, and
//! it asks for nothing but its host.
#![expect(clippy::unwrap_used, reason = "a failing test says where")]

use littoral_guest::answer::AnswerOptions;
use littoral_guest::{Index, SearchOptions, context};
use littoral_runtime::build::TABLE;
use littoral_tests::cases::{build_with, reranked};
use littoral_tests::component::{
    Files, Opened, as_json, asked, assert_same_error, cargo_home, compiled, component, map, native,
    wit,
};
use littoral_tests::encoder::{TOY, embed};
use littoral_tests::sample;
use std::fs;
use std::path::{Path, PathBuf};
use wasmtime::component::Component;

/// The host that bundles carry.
#[path = "../../web/templates/component/src/host.rs"]
mod example;

/// What it calls the world of `wit/`.
mod bindings {
    wasmtime::component::bindgen!({ path: "../guest/component/wit", world: "retrieval" });
}

/// The index of `files`, open in an instance.
fn open(files: Files) -> Opened {
    compiled().open(files).unwrap().unwrap()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/coast")
}

const READER: [u8; 8] = *b"reader 1";

/// A relevance that is only the same for the same texts.
fn relevance(query: &str, text: &str) -> f64 {
    let hash = blake3::hash([query, text].concat().as_bytes());
    f64::from(u32::from_le_bytes(*hash.as_bytes().first_chunk().unwrap())) / 4_294_967_296.0
}

#[test]
fn the_component_answers_as_the_native_engine_does_to_the_bit() {
    let (mut n_queries, mut n_hits, mut n_errors) = (0, 0, 0);
    for (rescore, embedder) in [(0, TABLE), (7, TABLE), (0, "toy")] {
        let folder = tempfile::tempdir().unwrap();
        build_with(&corpus(), folder.path(), rescore, embedder);
        let files = Files {
            encoder: Some((TOY, embed)),
            reader: Some((READER, relevance)),
            ..Files::read(folder.path())
        };
        let native_index = pollster::block_on(Index::open(files.clone())).unwrap();
        let mut hosted = open(files);
        for (query, options) in reranked(&corpus(), READER) {
            let expected = pollster::block_on(native_index.search(&query, &options));
            let found = hosted.search(&query, &asked(&options)).unwrap();
            let what = format!("{query:?} {options:?}");
            match (expected, found) {
                (Ok(expected), Ok(found)) => {
                    n_hits += found.hits.len();
                    // As text: every digit of a score.
                    let found = as_json(&found).to_string();
                    assert_eq!(found, native(&expected).to_string(), "{what}");
                }
                (Err(expected), Err(found)) => {
                    n_errors += 1;
                    assert_same_error(&found, &expected, &what);
                }
                (expected, found) => panic!("{what}: {expected:?}, {found:?}"),
            }
            n_queries += 1;
        }
    }
    println!("{n_queries} queries, {n_hits} hits, {n_errors} errors");
    assert!(n_queries >= 500 && n_hits > 2000 && n_errors > 5);
}

#[test]
fn answers_contexts_and_passages_are_the_native_ones() {
    let folder = tempfile::tempdir().unwrap();
    build_with(&corpus(), folder.path(), 0, TABLE);
    let files = Files::read(folder.path());
    let expected = pollster::block_on(Index::open(files.clone())).unwrap();
    let mut hosted = open(files);

    let stats = hosted.stats().unwrap();
    assert_eq!(stats.build, expected.build());
    assert_eq!(stats.documents, expected.n_documents());
    assert_eq!(stats.chunks, expected.n_chunks());
    assert_eq!(
        (stats.embedder.as_str(), stats.needs_encoder),
        (TABLE, false)
    );
    assert_eq!(stats.model, TOY);
    let defaults = hosted.instance.defaults().unwrap();
    let options = SearchOptions::default();
    assert_eq!(as_json(&defaults), as_json(&asked(&options)));
    let filters = as_json(&hosted.filters().unwrap().unwrap());
    let filters = map(&filters, "key", "values");
    assert_eq!(
        filters,
        native(&pollster::block_on(expected.filters()).unwrap())
    );

    let mut n_answers = 0;
    for question in [
        "when is high water?",
        "what follows a spring tide",
        "who won the cup final",
        "",
    ] {
        for sentences in [1, 3] {
            let wanted = AnswerOptions {
                sentences,
                threshold: (sentences == 1).then_some(0.1),
            };
            let answer = pollster::block_on(expected.answer(question, &options, &wanted)).unwrap();
            let wanted = wit::AnswerOptions {
                sentences: sentences as u32,
                threshold: wanted.threshold,
            };
            let found = hosted.answer(question, &defaults, wanted).unwrap().unwrap();
            n_answers += usize::from(!found.abstained);
            assert_eq!(as_json(&found).to_string(), native(&answer).to_string());
        }
        for max_tokens in [0, 60, 2048, u32::MAX] {
            let searched = context::options(options.clone());
            let found = pollster::block_on(expected.search(question, &searched)).unwrap();
            let packed = context::pack(found, max_tokens.min(context::MAX_TOKENS));
            let context = hosted
                .context(question, &defaults, max_tokens)
                .unwrap()
                .unwrap();
            assert_eq!(as_json(&context).to_string(), native(&packed).to_string());
        }
    }
    assert!(n_answers > 2, "{n_answers} answers");

    let hits = pollster::block_on(expected.search("tide", &options))
        .unwrap()
        .hits;
    for (hit, (first, count)) in hits
        .iter()
        .zip([(0, 1), (1, 5), (0, 0), (9, 9), (0, u32::MAX)])
    {
        let id = &hit.document.id;
        let passages = pollster::block_on(expected.read(id, first, count))
            .unwrap()
            .unwrap();
        let found = hosted.read(id, first, count).unwrap().unwrap().unwrap();
        assert_eq!(as_json(&found), native(&passages));
    }
    assert!(hosted.read("nothing", 0, 1).unwrap().unwrap().is_none());
}

#[test]
fn the_component_asks_for_its_host_and_nothing_else() {
    let compiled = compiled();
    let kind = compiled.component.component_type();
    let names = |(name, _): (&str, _)| name.to_owned();
    let imports: Vec<String> = kind.imports(&compiled.engine).map(names).collect();
    let exports: Vec<String> = kind.exports(&compiled.engine).map(names).collect();
    assert_eq!(imports, ["littoral:retrieval/host@0.1.0"]);
    assert_eq!(exports, ["littoral:retrieval/index@0.1.0"]);
    // Nothing of the machine that compiled it is in it, so that every machine's is the same.
    let bytes = fs::read(component()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for path in [root, &cargo_home()] {
        let path = path.to_str().unwrap().as_bytes();
        assert!(!bytes.windows(path.len()).any(|window| window == path));
    }
}

#[test]
fn what_is_asked_of_the_host_is_asked_in_rounds() {
    let mut index = open(Files {
        encoder: Some((TOY, embed)),
        ..Files::of(&sample::large())
    });
    let options = index.instance.defaults().unwrap();
    let found = index
        .search("tide table harbour", &options)
        .unwrap()
        .unwrap();
    // The entry is asked for by itself, when the index is opened.
    let fetched = &found.fetched;
    let rounds = index.instance.store.data().rounds;
    assert_eq!(rounds, fetched.round_trips - 1);
    assert!(fetched.requests > 4 * rounds, "{fetched:?}");
}

#[test]
fn the_host_of_a_bundle_searches_the_index_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    build_with(&corpus(), &path, 0, TABLE);
    let engine = example::engine().unwrap();
    let component = Component::from_file(&engine, component()).unwrap();
    let mut index = example::Index::open(&engine, &component, &path).unwrap();
    let text = index.search("spring tide").unwrap();
    assert!(text.starts_with("1. ") && text.contains("<mark>"), "{text}");
    let nothing = index.search("zzzzqqqq").unwrap();
    assert!(nothing.starts_with("note: "), "{nothing}");
    fs::remove_file(path.join("littoral.json")).unwrap();
    let error = example::Index::open(&engine, &component, &path)
        .err()
        .unwrap();
    assert!(error.to_string().contains("NotFound"), "{error}");
}
