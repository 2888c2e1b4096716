//! The engine in its sandbox: it answers as the native engine does, to the bit, and what goes wrong
//! inside stays inside and has a name.
#![expect(clippy::unwrap_used, reason = "a failing test says where")]

use littoral_guest::engine::Mode;
use littoral_guest::{Host, HostError, Index, SearchOptions};
use littoral_indexes::envelope::BlockId;
use littoral_runtime::build::TABLE;
use littoral_runtime::host::IndexHost;
use littoral_runtime::sandbox::{Limits, Sandbox, SandboxError};
use littoral_tests::cases::{build_with, reranked};
use littoral_tests::encoder::ToyEncoder;
use littoral_tests::memory::{Place, Stored};
use littoral_tests::sandboxes::{Memory, misbehaving, opened, reply};
use littoral_tests::{program, sample};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The sandbox of most tests: compiled once.
fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let limits = Limits {
            instances: 8,
            time: Duration::from_secs(600),
            ..Limits::default()
        };
        Sandbox::new(limits).unwrap()
    })
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora/coast")
}

/// A host over a folder that encodes, and reranks by a hash of what it reads.
#[derive(Clone)]
struct Encoding(IndexHost);

const READER: [u8; 8] = *b"reader 1";

impl Host for Encoding {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.0.entry().await
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        self.0.read(blocks).await
    }

    async fn embed(&self, model: [u8; 8], text: &str) -> Option<Vec<f32>> {
        self.0.embed(model, text).await
    }

    async fn rerank(
        &self,
        model: [u8; 8],
        query: &str,
        texts: &[&str],
        _: usize,
    ) -> Option<Vec<f64>> {
        let relevance = |text: &&str| {
            let hash = blake3::hash([query, text].concat().as_bytes());
            f64::from(u32::from_le_bytes(*hash.as_bytes().first_chunk().unwrap())) / 4_294_967_296.0
        };
        (model == READER).then(|| texts.iter().map(relevance).collect())
    }
}

#[test]
fn the_sandbox_answers_as_the_native_engine_does_to_the_bit() {
    let (mut n_queries, mut n_hits, mut n_errors) = (0, 0, 0);
    for (rescore, embedder) in [(0, TABLE), (7, TABLE), (0, "toy")] {
        let folder = tempfile::tempdir().unwrap();
        build_with(&corpus(), folder.path(), rescore, embedder);
        let host = IndexHost::new(folder.path()).with_encoder(Arc::new(ToyEncoder));
        let host = Encoding(host);
        let native = pollster::block_on(Index::open(host.clone())).unwrap();
        let mut sandboxed = sandbox().open(host).unwrap();
        assert_eq!(sandboxed.opened().build, native.build());
        assert_eq!(sandboxed.opened().documents, native.n_documents());
        for (query, options) in reranked(&corpus(), READER) {
            let expected = pollster::block_on(native.search(&query, &options));
            let found = sandboxed.search(&query, &options);
            match (expected, found) {
                (Ok(expected), Ok(found)) => {
                    n_hits += found.hits.len();
                    let [expected, found] =
                        [expected, found].map(|result| serde_json::to_string(&result).unwrap());
                    assert_eq!(found, expected, "{query:?} {options:?}");
                }
                (Err(expected), Err(SandboxError::Engine(found))) => {
                    n_errors += 1;
                    assert_eq!(found.code, expected.code(), "{query:?} {options:?}");
                    assert_eq!(found.message, expected.to_string());
                    assert_eq!(found.hint, expected.hint());
                }
                (expected, found) => panic!("{query:?} {options:?}: {expected:?}, {found:?}"),
            }
            n_queries += 1;
        }
        assert!(!sandboxed.is_broken());
    }
    println!("{n_queries} queries, {n_hits} hits, {n_errors} errors");
    assert!(n_queries >= 500 && n_hits > 2000 && n_errors > 5);
}

#[test]
fn the_program_prints_the_same_from_both_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(
        root.join("tides.md"),
        "# Tides\n\nHigh water follows the moon.\n",
    )
    .unwrap();
    let built = program::run(
        root,
        &["build", "tides.md", "-o", "index", "--embedder", "none"],
    );
    assert_eq!(built.code, 0, "{built:?}");
    let ask = |host: &str, more: &[&str]| {
        let mut arguments = vec!["search", "index", "high water", "--json", "--host", host];
        arguments.extend_from_slice(more);
        let ran = program::run(root, &arguments);
        let mut value = ran.json();
        if let Some(timings) = value.get_mut("timings_ms") {
            assert!(timings["total"].as_f64().unwrap() > 0.0);
            *timings = Value::Null;
        }
        (ran.code, value.to_string())
    };
    for more in [
        &[][..],
        &["--mode", "dense"],
        &["--filter", "colour=blue"],
        &["--explain"],
    ] {
        assert_eq!(ask("sandbox", more), ask("native", more), "{more:?}");
    }
}

#[test]
fn a_damaged_index_ends_with_the_same_error_as_natively() {
    let whole = Stored::build(&sample::documents(), &sample::settings());
    let options = SearchOptions::default();
    let query = "tide table for a harbour";
    let mut n_refused = 0;
    for (n, place) in whole.files.keys().enumerate() {
        for gone in [false, true] {
            let mut stored = whole.clone();
            if gone {
                stored.files.remove(place);
            } else {
                let mut file = stored.files[place].to_vec();
                let at = (n * 7919) % file.len();
                file[at] ^= 1 << (n % 8);
                stored.files.insert(*place, file.into());
            }
            let host = Memory(Arc::new(stored));
            let native = pollster::block_on(async {
                Index::open(host.clone())
                    .await?
                    .search(query, &options)
                    .await
            });
            let sandboxed = sandbox()
                .open(host)
                .and_then(|mut index| index.search(query, &options));
            match (native, sandboxed) {
                (Ok(native), Ok(sandboxed)) => assert_eq!(native.hits, sandboxed.hits),
                (Err(native), Err(SandboxError::Engine(sandboxed))) => {
                    n_refused += 1;
                    assert_eq!(native.code(), sandboxed.code, "{place:?}");
                    assert_eq!(native.to_string(), sandboxed.message);
                }
                other => panic!("{place:?}: {other:?}"),
            }
        }
    }
    assert!(n_refused > 10, "{n_refused}");
}

#[test]
fn too_little_memory_is_a_typed_error_and_never_a_wrong_answer() {
    let stored = Arc::new(Stored::build(&sample::documents(), &sample::settings()));
    let options = SearchOptions {
        k: 50,
        mode: Mode::Hybrid,
        ..SearchOptions::default()
    };
    let query = "tide table for a harbour";
    let expected = pollster::block_on(async {
        let index = Index::open(Memory(Arc::clone(&stored))).await.unwrap();
        index.search(query, &options).await.unwrap()
    });
    let (mut denied, mut answered) = (0, 0);
    // From less than the module begins with to more than it needs.
    for pages in [1, 8, 16, 24, 32, 40, 48, 56, 64, 128, 512] {
        let found = sandbox()
            .clone()
            .with_memory(pages << 16)
            .open(Memory(Arc::clone(&stored)))
            .and_then(|mut index| index.search(query, &options));
        match found {
            Ok(found) => {
                assert_eq!(found.hits, expected.hits);
                answered += 1;
            }
            Err(SandboxError::OutOfMemory { limit_bytes }) => {
                assert_eq!(limit_bytes, pages << 16);
                denied += 1;
            }
            Err(error) => panic!("{pages} pages: {error:?}"),
        }
    }
    println!("{denied} denied, {answered} answered");
    assert!(denied > 1 && answered > 1);
}

/// What a search in such a module ends with.
fn what_became_of(body: &str, time: Duration) -> Result<Value, SandboxError> {
    let limits = Limits {
        memory_bytes: 1 << 20,
        time,
        ..Limits::default()
    };
    let sandbox = Sandbox::of_module(&misbehaving(body), limits)?;
    let place = Place::Entry;
    let entry: Arc<[u8]> = Arc::new([1, 2, 3]);
    let stored = Stored {
        files: [(place, entry)].into(),
    };
    let mut index = sandbox.open(Memory(Arc::new(stored)))?;
    let result = index.search("tide", &SearchOptions::default());
    if !matches!(result, Err(SandboxError::Engine(_)) | Ok(_)) {
        assert!(index.is_broken());
        let again = index.search("tide", &SearchOptions::default());
        assert!(
            matches!(again, Err(SandboxError::Trapped { .. })),
            "{again:?}"
        );
    }
    result.map(|found| serde_json::to_value(found).unwrap())
}

#[test]
fn a_sandbox_that_misbehaves_is_ended_with_a_name_for_what_it_did() {
    let ended = |body: &str, time| what_became_of(body, time).unwrap_err().code().to_owned();
    let soon = |body: &str| ended(body, Duration::from_millis(50));
    let code = |body: &str| ended(body, Duration::from_secs(600));
    let forever = "(loop $again (br $again)) i64.const 0";
    assert_eq!(soon(forever), "out-of-time");
    let fill = "(loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $again)) i64.const 0";
    assert_eq!(soon(fill), "out-of-time");
    let finds =
        "(loop $again (drop (call $find (i32.const 0) (i32.const 0))) (br $again)) i64.const 0";
    assert_eq!(soon(finds), "out-of-time");
    let grow = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    assert_eq!(code(grow), "out-of-memory");
    let table = "(drop (table.grow $table (ref.null func) (i32.const 30000))) unreachable";
    assert_eq!(code(table), "out-of-memory");
    for body in [
        "unreachable",
        "(drop (i32.div_u (i32.const 1) (i32.const 0))) i64.const 0",
        "(drop (i32.load (i32.const -4))) i64.const 0",
        "(call_indirect $table (result i64) (i32.const 0))",
        "(call $deep (i64.const 0))",
        // What an import is asked with: outside the memory, no key, no text, too often.
        "(call $find (i32.const -16) (i32.const 13))",
        "(call $find (i32.const 0) (i32.const -1))",
        "(call $find (i32.const 0) (i32.const 12))",
        "(call $find (i32.const 0) (i32.const 13))",
        "(call $take (i32.const 0) (i32.const 1)) i64.const 0",
        "(drop (call $find (i32.const 0) (i32.const 0))) (call $take (i32.const 65530) (i32.const 100)) i64.const 0",
        "(i32.store8 (i32.const 0) (i32.const 255)) (call $embed (i32.const 8) (i32.const 0) (i32.const 1))",
        "(call $embed (i32.const 65534) (i32.const 0) (i32.const 1))",
        "(i32.store (i32.const 0) (i32.const 99)) (call $rerank (i32.const 8) (i32.const 8) (i32.const 1) (i32.const 0) (i32.const 8) (i32.const 1))",
        "(loop $again (drop (call $embed (i32.const 8) (i32.const 8) (i32.const 1))) (br $again)) i64.const 0",
    ] {
        assert_eq!(code(body), "trapped", "{body}");
    }
    for (address, length) in [
        (0, 0),
        (0, 70_000),
        (0xffff_fff0, 0x20),
        (1024, 3),
        (1024, 7),
    ] {
        assert_eq!(
            code(&reply(address, length)),
            "bad-reply",
            "{address} {length}"
        );
    }
    // A reply of the wrong kind.
    let other = reply(1024, opened().len() as u64);
    assert_eq!(code(&other), "bad-reply");
}

#[test]
fn there_are_as_many_instances_as_allowed() {
    let limits = Limits {
        instances: 2,
        ..Limits::default()
    };
    let sandbox = Sandbox::of_module(&misbehaving("unreachable"), limits).unwrap();
    let stored = Arc::new(Stored::default());
    let open = || sandbox.open(Memory(Arc::clone(&stored)));
    let (first, second) = (open().unwrap(), open().unwrap());
    let third = open().map(|_| ()).unwrap_err();
    assert_eq!(third, SandboxError::Busy { instances: 2 });
    drop(first);
    let third = open();
    assert!(third.is_ok());
    drop((second, third));
}

#[test]
fn a_module_with_other_imports_or_without_exports_is_refused() {
    for text in [
        "(module)",
        r#"(module (memory (export "memory") 1))"#,
        r#"(module (import "wasi_snapshot_preview1" "fd_write"
            (func (param i32 i32 i32 i32) (result i32))))"#,
        r#"(module (memory (export "memory") 70))"#,
        r#"(module (memory 1) (memory 1))"#,
    ] {
        let module = wat::parse_str(text).unwrap();
        let limits = Limits {
            memory_bytes: 4 << 20,
            ..Limits::default()
        };
        let stored = Arc::new(Stored::default());
        let result = Sandbox::of_module(&module, limits).and_then(|s| s.open(Memory(stored)));
        let error = result.unwrap_err();
        assert!(
            matches!(error, SandboxError::Unavailable { .. }),
            "{text}: {error:?}"
        );
    }
    let error = Sandbox::of_module(b"no module", Limits::default()).unwrap_err();
    assert_eq!(error.code(), "host-unavailable");
}
