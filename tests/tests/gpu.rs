//! Documents embedded by a GPU: what an index says of it, that the CPU goes on where the GPU is lost,
//! and that a GPU is taken only where it is asked for and pays.
//!
//! An adapter that the CPU emulates does (Debian's `mesa-vulkan-drivers`): it computes as the CPU in
//! every bit. Without any the tests say so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_gpu::{Adapters, Gpu, GpuError};
use littoral_guest::{Document, Encoder, Index, SearchOptions};
use littoral_runtime::build::{Tools, build_documents, default_settings};
use littoral_runtime::embed::{Embedder, GpuTexts, Processor, VectorCache};
use littoral_runtime::host::IndexHost;
use littoral_runtime::models;
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;
use littoral_tests::models::WORDS;
use littoral_tests::models::family::MINILM;
use littoral_tests::program::{self, Ran};
use littoral_tests::random::Random;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A folder with a model, `m.litmodel`, and records, `in.jsonl`.
fn folder() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    MINILM.write(&root.path().join("m"), 7);
    let ran = program::run(root.path(), &["model", "quantize", "m", "-o", "m.litmodel"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    records(root.path(), 60);
    root
}

fn records(root: &Path, n: usize) {
    let lines = documents(n).map(|document| {
        json!({"_id": document.id, "title": document.title, "text": document.text}).to_string()
            + "\n"
    });
    fs::write(root.join("in.jsonl"), lines.collect::<String>()).unwrap();
}

fn documents(n: usize) -> impl Iterator<Item = Document> + Send {
    let mut random = Random::new(5);
    (0..n).map(move |i| {
        let n_words = 3 + random.below(60);
        let words: Vec<&str> = (0..n_words).map(|_| *random.pick(&WORDS)).collect();
        Document::plain(i.to_string(), words[0].to_owned(), words.join(" "))
    })
}

/// Whether there is no adapter at all, which is said.
fn has_no_adapter() -> bool {
    match Gpu::open(Adapters::Any) {
        Ok(_) => false,
        Err(error) => {
            println!("skipped: {error}");
            true
        }
    }
}

fn build(root: &Path, out: &str, more: &[&str]) -> Ran {
    let arguments = [
        "build",
        "in.jsonl",
        "-o",
        out,
        "--embedder",
        "m.litmodel",
        "--lang",
        "en",
        "--json",
    ];
    program::run(root, &[&arguments[..], more].concat())
}

fn inspect(root: &Path, index: &str) -> Value {
    program::run(root, &["inspect", index, "--json"]).json()
}

fn hits(root: &Path, index: &str) -> Vec<Value> {
    let search = |query: &str| {
        let ran = program::run(root, &["search", index, query, "--mode", "dense", "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()["hits"].clone()
    };
    ["tide moon", "fog", "a rope and a mast in the storm"]
        .map(search)
        .into()
}

#[test]
fn an_index_says_that_a_gpu_made_its_vectors_until_the_cpu_made_them_again() {
    if has_no_adapter() {
        return;
    }
    let root = folder();
    let root = root.path();
    let software = ["--gpu", "require", "--gpu-software"];

    // The GPU first, so that the CPU could take over what was remembered, were that allowed.
    let ran = build(root, "by-gpu", &software);
    assert_eq!(ran.code, 0, "{ran:?}");
    let gpu = &ran.json()["gpu"];
    assert_eq!(gpu["used"], true);
    assert_eq!(gpu["cpu_texts"], 0);
    assert!(gpu["gpu_texts"].as_u64().unwrap() >= 60, "{gpu}");
    assert!(gpu["adapter"].is_string() && gpu["failure"].is_null());
    assert!(
        root.join("cache")
            .read_dir()
            .unwrap()
            .flatten()
            .any(|file| {
                let name = file.file_name();
                name.to_string_lossy().ends_with("-gpu.vectors")
            })
    );
    let by_gpu = inspect(root, "by-gpu");
    let created_by = by_gpu["created_by"].as_str().unwrap();
    let adapter = gpu["adapter"].as_str().unwrap();
    assert!(
        created_by.contains(&format!(", vectors by {adapter} (")),
        "{created_by}"
    );

    let ran = build(root, "by-cpu", &[]);
    assert!(ran.json().get("gpu").is_none());
    let by_cpu = inspect(root, "by-cpu");
    assert!(
        !by_cpu["created_by"]
            .as_str()
            .unwrap()
            .contains("vectors by")
    );
    assert_eq!(hits(root, "by-gpu"), hits(root, "by-cpu"));

    // Another build by a GPU is another index; all its vectors are remembered ones.
    let ran = build(root, "again", &software);
    assert_eq!(ran.json()["gpu"]["gpu_texts"], 0);
    assert_ne!(inspect(root, "again")["build"], by_gpu["build"]);
    assert_eq!(build(root, "cpu-again", &[]).code, 0);
    assert_eq!(inspect(root, "cpu-again")["build"], by_cpu["build"]);

    // An update by the CPU leaves what the GPU made, and says so; a compaction makes all anew.
    records(root, 64);
    let update = |more: &[&str]| {
        let ran = program::run(
            root,
            &[&["update", "by-gpu", "in.jsonl", "--json"], more].concat(),
        );
        assert_eq!(ran.code, 0, "{ran:?}");
        inspect(root, "by-gpu")
    };
    let mark = &created_by[created_by.find(", vectors").unwrap()..];
    let updated = update(&[]);
    assert!(updated["created_by"].as_str().unwrap().ends_with(mark));
    let compacted = update(&["--compact"]);
    assert_eq!(build(root, "fresh", &[]).code, 0);
    assert_eq!(compacted["build"], inspect(root, "fresh")["build"]);
    let updated = program::run(
        root,
        &[&["update", "by-gpu", "--compact", "--json"], &software[..]].concat(),
    );
    assert_eq!(updated.json()["gpu"]["used"], true);
}

#[test]
fn a_gpu_that_encodes_assigns_many_vectors_to_cells_as_the_cpu_does() {
    if has_no_adapter() {
        return;
    }
    let root = folder();
    let root = root.path();
    let mut random = Random::new(8);
    let line = |i: u32| {
        let words: Vec<&str> = (0..4).map(|_| *random.pick(&WORDS)).collect();
        json!({"_id": i.to_string(), "text": words.join(" ")}).to_string() + "\n"
    };
    fs::write(
        root.join("in.jsonl"),
        (0..12_000).map(line).collect::<String>(),
    )
    .unwrap();
    let ran = build(root, "by-gpu", &["--gpu", "require", "--gpu-software"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let gpu = &ran.json()["gpu"];
    // Every vector in a few rounds at least.
    assert!(gpu["assigned_vectors"].as_u64().unwrap() >= 24_000, "{gpu}");
    assert!(gpu["failure"].is_null());
    assert_eq!(build(root, "by-cpu", &[]).code, 0);
    // Of so many vectors a few differ in their last bits, and then cells do.
    let best = |index| {
        hits(root, index)
            .iter()
            .map(|hits| hits[0]["document"]["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(best("by-gpu"), best("by-cpu"));
}

/// The program where the only driver is the one that `file` describes.
fn with_driver(root: &Path, file: &Path, more: &[&str]) -> Ran {
    let arguments = ["build", "in.jsonl", "-o", "ix", "--embedder", "m.litmodel"];
    let mut command = program::command(root, &[&arguments[..], more].concat());
    command.env("VK_DRIVER_FILES", file);
    command.env("VK_ICD_FILENAMES", file);
    command.output().unwrap().into()
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_gpu_the_cpu_builds_unless_one_is_required() {
    let root = folder();
    let root = root.path();
    let none = root.join("none.json");
    let ran = with_driver(root, &none, &["--gpu", "require", "--json"]);
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "gpu-absent"));
    let ran = with_driver(root, &none, &["--gpu", "auto", "--json"]);
    let gpu = &ran.json()["gpu"];
    assert_eq!(
        (&gpu["used"], &gpu["adapter"]),
        (&json!(false), &Value::Null)
    );
    assert!(
        gpu["reason"].as_str().unwrap().contains("no driver"),
        "{gpu}"
    );
    let ran = with_driver(root, &none, &["--gpu", "auto"]);
    assert!(ran.out.contains("GPU: none, not used: "), "{}", ran.out);
    let ran = with_driver(root, &none, &["--gpu", "off", "--json"]);
    assert!(ran.json().get("gpu").is_none());

    let words = [
        "build",
        "in.jsonl",
        "-o",
        "words",
        "--embedder",
        "none",
        "--json",
        "--gpu",
    ];
    let ran = program::run(root, &[&words[..], &["require"]].concat());
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "no-vectors"));
    let ran = program::run(root, &[&words[..], &["auto"]].concat());
    assert_eq!(ran.json()["gpu"]["used"], false);
}

#[cfg(target_os = "linux")]
#[test]
fn an_emulated_gpu_is_not_taken_by_itself_and_where_it_may_be_the_faster_wins() {
    let drivers = fs::read_dir("/usr/share/vulkan/icd.d")
        .into_iter()
        .flatten();
    let mut drivers = drivers.flatten().map(|file| file.path());
    let is_emulated = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("lvp_icd")
    };
    let Some(lavapipe) = drivers.find(is_emulated) else {
        println!("skipped: there is no emulated adapter of Mesa");
        return;
    };
    let root = folder();
    let root = root.path();
    let ran = with_driver(root, &lavapipe, &["--gpu", "auto", "--json"]);
    let gpu = &ran.json()["gpu"];
    assert_eq!(gpu["used"], false);
    assert!(
        gpu["reason"].as_str().unwrap().contains("emulated"),
        "{gpu}"
    );
    let ran = with_driver(root, &lavapipe, &["--gpu", "require", "--json"]);
    assert_eq!(ran.error_code(), "gpu-absent");

    let ran = with_driver(
        root,
        &lavapipe,
        &["--gpu", "auto", "--gpu-software", "--json"],
    );
    let gpu = &ran.json()["gpu"];
    let speed = |by: &str| gpu["texts_per_second"][by].as_f64().unwrap();
    assert!(speed("gpu") > 0.0 && speed("cpu") > 0.0, "{gpu}");
    assert_eq!(gpu["used"], speed("gpu") > speed("cpu"), "{gpu}");
    assert_eq!(gpu["reason"].is_null(), gpu["used"] == true, "{gpu}");
}

/// The encoder, and an index of 80 documents built with `gpu` in front of it; `lost_at` is the document
/// that the device is lost at.
fn built(encoder: &Arc<Encoder>, gpu: Option<(&Arc<GpuTexts>, usize)>, cache: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = default_settings();
    settings.embedding.embedder = "m".into();
    settings.embedding.model = encoder.id();
    let open = |processor| VectorCache::open(cache, encoder.id(), encoder.dims(), processor);
    let mut embedder = Embedder::new(
        Arc::clone(encoder) as _,
        Some(open(Processor::Cpu).unwrap()),
    );
    if let Some((gpu, _)) = gpu {
        embedder = embedder.with_gpu(Arc::clone(gpu), Some(open(Processor::Gpu).unwrap()));
    }
    let tools = Tools {
        pool: Pool::new(2).unwrap(),
        embedder: Some(embedder),
        expander: None,
    };
    let documents = documents(80).enumerate().map(|(i, document)| {
        if let Some((gpu, lost_at)) = gpu
            && lost_at == i
        {
            gpu.gpu().lose();
        }
        document
    });
    let mut store = Folder::open(folder.path()).unwrap();
    build_documents(documents, &settings, &mut store, &tools).unwrap();
    folder
}

/// What dense queries find.
fn found(index: &Path, encoder: &Arc<Encoder>) -> Vec<String> {
    let host = IndexHost::new(index).with_encoder(Arc::clone(encoder) as _);
    let index = pollster::block_on(Index::open(host)).unwrap();
    let options = SearchOptions::default();
    let search = |query: &str| pollster::block_on(index.search(query, &options)).unwrap();
    let shown = |query: &str| serde_json::to_string(&search(query).hits).unwrap();
    ["tide moon", "gull", "ferry in the fog"].map(shown).into()
}

#[test]
fn a_gpu_lost_in_the_middle_of_a_build_leaves_no_document_without_its_vectors() {
    if has_no_adapter() {
        return;
    }
    let root = folder();
    let encoder = Arc::new(models::load(&root.path().join("m.litmodel")).unwrap());
    let cache = tempfile::tempdir().unwrap();
    let plain = built(&encoder, None, cache.path());
    let expected = found(plain.path(), &encoder);
    for lost_at in [0, 1, 7, 20, 33, 46, 60, 79] {
        let gpu = Arc::new(GpuTexts::open(Adapters::Any, Arc::clone(&encoder)).unwrap());
        let cache = tempfile::tempdir().unwrap();
        let index = built(&encoder, Some((&gpu, lost_at)), cache.path());
        assert_eq!(found(index.path(), &encoder), expected, "lost at {lost_at}");
        let tally = gpu.tally();
        assert!(
            matches!(tally.failure, Some(GpuError::Lost { .. })),
            "{tally:?}"
        );
        assert!(tally.cpu_texts > 0, "{tally:?}");
        // What each of both computed is remembered as its own.
        let again = built(&encoder, None, cache.path());
        assert_eq!(found(again.path(), &encoder), expected);
        let id = |folder: &TempDir| {
            let index = Index::open(IndexHost::new(folder.path()));
            pollster::block_on(index).unwrap().build().to_owned()
        };
        assert_eq!(id(&again), id(&plain));
    }
}
