//! Candidates reranked by a GPU: answers are the CPU's, also where it is lost on the way.
//!
//! An adapter that the CPU emulates does (Debian's `mesa-vulkan-drivers`). Without any the tests say so
//! and pass.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_gpu::{Adapters, BulkEncoder, Gpu};
use littoral_guest::Encoder;
use littoral_runtime::models;
use littoral_runtime::rerank::CrossEncoder;
use littoral_tests::models::{WORDS, overlap_reranker};
use littoral_tests::program;
use littoral_tests::random::Random;
use littoral_tests::server::{Server, index};
use std::sync::Arc;
use tempfile::TempDir;

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

/// A folder with a cross-encoder, `o.litmodel`; that model, and texts of many lengths.
fn reranking() -> (TempDir, Arc<Encoder>, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    overlap_reranker(&root.path().join("overlap"));
    let pack = ["model", "quantize", "overlap", "-o", "o.litmodel"];
    let ran = program::run(root.path(), &pack);
    assert_eq!(ran.code, 0, "{ran:?}");
    let encoder = Arc::new(models::load(&root.path().join("o.litmodel")).unwrap());
    let mut random = Random::new(5);
    let mut text = || {
        let n_words = 3 + random.below(60);
        let words: Vec<&str> = (0..n_words).map(|_| *random.pick(&WORDS)).collect();
        words.join(" ")
    };
    let texts = (0..60).map(|_| text()).collect();
    (root, encoder, texts)
}

#[test]
fn the_best_of_a_reranking_on_a_gpu_are_those_of_the_cpu_also_where_it_is_lost() {
    if has_no_adapter() {
        return;
    }
    let (_root, encoder, texts) = reranking();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let query = "anchor moon tide";
    let expected = encoder.rerank(query, &texts).unwrap();
    let best = |relevance: &[f64], n: usize| {
        let mut order: Vec<usize> = (0..relevance.len()).collect();
        order.sort_by(|&a, &b| relevance[b].total_cmp(&relevance[a]).then(a.cmp(&b)));
        order.truncate(n);
        order
            .into_iter()
            .map(|i| (i, relevance[i].to_bits()))
            .collect::<Vec<_>>()
    };
    let open = || {
        let gpu = Gpu::open(Adapters::Any).unwrap();
        let bulk = BulkEncoder::new(&gpu, Arc::clone(&encoder)).unwrap();
        (gpu, CrossEncoder::on_gpu(bulk))
    };
    let (_, on_gpu) = open();
    for wanted in [1, 3, 10, 59] {
        let found = on_gpu.rerank(query, &texts, wanted).unwrap();
        assert_eq!(best(&found, wanted), best(&expected, wanted));
    }
    let state = on_gpu.gpu().unwrap();
    assert_eq!((state.pairs, state.trouble), (240, None));
    assert!(on_gpu.cpu_pairs() < 240, "{}", on_gpu.cpu_pairs());
    // What is wanted whole is read by the CPU alone.
    assert_eq!(on_gpu.rerank(query, &texts, 60).unwrap(), expected);
    assert_eq!(on_gpu.gpu().unwrap().pairs, 240);

    for lost_after in [0, 1, 3, 5, 7, 9] {
        let (gpu, on_gpu) = open();
        let found = std::thread::scope(|scope| {
            let all = scope.spawn(|| {
                let ask = |_| on_gpu.rerank(query, &texts, 5).unwrap();
                (0..4).map(ask).collect::<Vec<_>>()
            });
            while on_gpu.gpu().unwrap().pairs < lost_after * 24 {
                std::thread::yield_now();
            }
            gpu.lose();
            all.join().unwrap()
        });
        for found in found {
            assert_eq!(
                best(&found, 5),
                best(&expected, 5),
                "lost after {lost_after}"
            );
        }
        on_gpu.rerank(query, &texts, 5).unwrap();
        assert!(on_gpu.gpu().unwrap().trouble.unwrap().contains("lost"));
    }
}

#[test]
fn a_server_with_a_gpu_answers_as_one_without() {
    if has_no_adapter() {
        return;
    }
    let (root, _, texts) = reranking();
    let root = root.path();
    let ids: Vec<String> = (0..texts.len()).map(|i| format!("d{i}")).collect();
    let records = ids
        .iter()
        .zip(&texts)
        .map(|(id, text)| (&id[..], &text[..]));
    index(root, "ix", &records.collect::<Vec<_>>());
    let found = |server: &Server| {
        let get = |query: &str| {
            let answer = server.get(&format!("/search?q={query}&k=3&rerank=true"));
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.json()["hits"].clone()
        };
        let body =
            r#"{"query": "fog", "documents": ["fog bell", "net", "rope fog", "gull"], "top_n": 2}"#;
        let reranked = server.post("/v1/rerank", body);
        assert_eq!(reranked.status, 200, "{reranked:?}");
        (get("anchor+moon"), get("fog+tide+gull"), reranked.json())
    };
    let plain = Server::start(root, &["ix", "--rerank", "o.litmodel", "--gpu", "off"]);
    assert!(plain.said.join("\n").contains("GPU: off"));
    let expected = found(&plain);
    let software = ["--gpu", "require", "--gpu-software"];
    for host in ["sandbox", "native"] {
        let arguments = ["ix", "--rerank", "o.litmodel", "--host", host];
        let server = Server::start(root, &[&arguments[..], &software].concat());
        assert_eq!(found(&server), expected);
        let health = server.get("/healthz").json();
        assert!(
            health["gpu"].as_str().unwrap().ends_with(" reranks"),
            "{health}"
        );
        let metrics = server.get("/metrics").body;
        let value = |name: &str| -> u64 {
            let line = metrics
                .lines()
                .find(|line| line.starts_with(&format!("{name} ")));
            line.and_then(|line| line.split(' ').nth(1)?.parse().ok())
                .unwrap()
        };
        assert_eq!(value("littoral_gpu"), 1);
        assert!(
            value("littoral_reranked_gpu") > value("littoral_reranked_cpu"),
            "{metrics}"
        );
    }
    let measured = ["ix", "--rerank", "o.litmodel", "--gpu-software"];
    let server = Server::start(root, &measured);
    let said = server.said.join("\n");
    assert!(said.contains("pairs a second by it"), "{said}");

    let none = ["serve", "ix", "--addr", "127.0.0.1:0", "--gpu", "require"];
    let ran = program::run(root, &none);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("has nothing for a GPU to do"),
        "{}",
        ran.err
    );
}
