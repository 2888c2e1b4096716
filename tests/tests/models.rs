//! Packing of the structures that published models have, and getting them from a hub.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_guest::Encoder;
use littoral_runtime::models::folder::Weights;
use littoral_runtime::models::pack::{FAST, FINE, pack};
use littoral_runtime::models::reference;
use littoral_tests::hub::{Answer, Hub};
use littoral_tests::models::WORDS;
use littoral_tests::models::family::{ALL, ARCTIC, BGE, CROSS_ENCODER, LEAF, MINILM};
use littoral_tests::program;
use littoral_tests::random::Random;
use serde_json::json;
use std::fs;
use std::path::Path;

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn packed_models_of_every_structure_come_near_the_forward_pass_in_32_bits() {
    let mut random = Random::new(3);
    let texts: Vec<String> = (0..40)
        .map(|_| {
            let n = 1 + random.below(30);
            let words = (0..n).map(|_| *random.pick(&WORDS));
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    for (name, family) in ALL {
        let folder = tempfile::tempdir().unwrap();
        family.write(folder.path(), 11);
        let weights = Weights::read(folder.path(), name).unwrap();
        for (max, least) in [(FAST, 0.98), (FINE, 0.998)] {
            let encoder = Encoder::load(&pack(&weights, max).write()).unwrap();
            if family.labels > 0 {
                for pair in texts.windows(2) {
                    let tokenizer = encoder.tokenizer();
                    let (tokens, n_first) = tokenizer.encode_pair(&pair[0], &pair[1], 64);
                    let exact = reference::score(&weights, &tokens, n_first).unwrap()[0];
                    let found = encoder.score_pairs(&[(tokens, n_first)]).unwrap()[0];
                    assert!((exact - found).abs() < 0.2, "{name}: {found}, not {exact}");
                }
                continue;
            }
            for text in &texts {
                let tokens = encoder.tokenizer().encode(text, encoder.max_tokens());
                let exact = reference::encode(&weights, &tokens);
                let near = encoder.encode(&[tokens]);
                let cosine = cosine(&exact, &near);
                assert!(cosine > least, "{name} {max}: {cosine} on {text:?}");
            }
        }
    }
}

#[test]
fn what_a_folder_says_of_its_use_is_kept() {
    let read = |family: littoral_tests::models::family::Family| {
        let folder = tempfile::tempdir().unwrap();
        family.write(folder.path(), 1);
        let weights = Weights::read(folder.path(), "m").unwrap();
        Encoder::load(&pack(&weights, FAST).write()).unwrap()
    };
    let texts = ["tide moon rock"];
    // The first token's vector is not the mean of all.
    let minilm = read(MINILM);
    assert!(cosine(&minilm.embed(&texts), &read(BGE).embed(&texts)) < 0.99);
    assert_eq!(minilm.embed_query(texts[0]), minilm.embed(&texts));
    // A prompt is put before queries alone.
    let arctic = read(ARCTIC);
    let prompted = [ARCTIC.query_prompt, texts[0]].concat();
    assert_eq!(arctic.embed_query(texts[0]), arctic.embed(&[&prompted]));
    assert_eq!(arctic.embed_documents(&texts), arctic.embed(&texts));
    assert_ne!(arctic.embed_query(texts[0]), arctic.embed(&texts));
    assert_eq!(read(LEAF).dims(), LEAF.dense);
    assert!(read(CROSS_ENCODER).is_reranker());
    assert!(!minilm.is_reranker());
}

#[test]
fn quantize_prints_what_packing_costs() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    LEAF.write(&root.join("leaf"), 4);
    CROSS_ENCODER.write(&root.join("cross"), 4);
    let data = root.join("data");
    fs::create_dir_all(data.join("qrels")).unwrap();
    let mut random = Random::new(9);
    let mut sentence = |n: usize| {
        let words = (0..n).map(|_| *random.pick(&WORDS));
        words.collect::<Vec<_>>().join(" ")
    };
    let texts: Vec<String> = (0..30).map(|_| sentence(9)).collect();
    let line = |id: usize, text: &str| json!({"_id": id.to_string(), "text": text}).to_string();
    let corpus = texts.iter().enumerate().map(|(i, text)| line(i, text));
    fs::write(
        data.join("corpus.jsonl"),
        corpus.collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    // The first words of a document ask for it.
    let queries = (0..8).map(|i| line(i, &texts[i][..texts[i].len() / 2]));
    fs::write(
        data.join("queries.jsonl"),
        queries.collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    let qrels: String = (0..8).map(|i| format!("{i}\t{i}\t1\n")).collect();
    let qrels = format!("query-id\tcorpus-id\tscore\n{qrels}");
    fs::write(data.join("qrels/test.tsv"), qrels).unwrap();

    let quantize = |folder: &str, more: &[&str]| {
        let arguments = [&["model", "quantize", folder, "--json"], more].concat();
        program::run(root, &arguments)
    };
    let report = quantize("leaf", &["--data", "data", "--documents", "20"]).json();
    assert!(report["fidelity"]["mean_cosine"].as_f64().unwrap() > 0.98);
    let loss = &report["loss"];
    assert_eq!(
        (&loss["queries"], &loss["documents"]),
        (&json!(8), &json!(20))
    );
    let ndcg = |name: &str| loss[name].as_f64().unwrap();
    assert!(ndcg("exact_ndcg_10") > 0.2);
    assert!((ndcg("exact_ndcg_10") - ndcg("packed_ndcg_10")).abs() < 0.1);
    assert!(quantize("cross", &["--data", "data"]).json()["loss"].is_null());
    assert_eq!(
        quantize("leaf", &["--data", "nowhere"]).code,
        2,
        "a collection that is not there"
    );
    let shown = program::run(root, &["model", "quantize", "leaf", "--data", "data"]);
    assert!(shown.out.contains("nDCG@10: "), "{}", shown.out);
}

/// Pulls `owner/tiny` from `hub`.
fn pull(root: &Path, hub: &Hub, more: &[&str]) -> program::Ran {
    let arguments = [
        &["model", "pull", "owner/tiny", "--from", "hub", "--json"],
        more,
    ];
    let mut command = program::command(root, &arguments.concat());
    command.env("HF_ENDPOINT", hub.url());
    command.output().unwrap().into()
}

#[test]
fn a_model_is_pulled_from_a_hub_and_damage_on_the_way_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    LEAF.write(&root.join("leaf"), 4);
    let files = root.join("leaf");
    let base = "/owner/tiny/resolve/main/";
    let stored = || root.join("models/tiny.litmodel").is_file();

    // A redirect, as the Hub makes for large files, is followed.
    let hub = Hub::start(files.clone(), move |path| match path {
        "/elsewhere/weights" => Answer::File("model.safetensors".into()),
        _ if path.ends_with("main/model.safetensors") => {
            Answer::Redirect("/elsewhere/weights".into())
        }
        _ => Answer::File(path.strip_prefix(base).unwrap_or("nothing").into()),
    });
    let wrong = "0".repeat(64);
    let refused = pull(root, &hub, &["--sha256", &wrong]);
    assert_eq!(refused.error_code(), "model-hash");
    assert!(!stored());
    let pulled = pull(root, &hub, &[]);
    assert_eq!(pulled.code, 0, "{}", pulled.out);
    assert_eq!(pulled.json()["dims"], json!(LEAF.dense));
    let hash = pulled.json()["sha256"].as_str().unwrap().to_owned();
    assert_eq!(pull(root, &hub, &["--sha256", &hash]).code, 0);
    assert!(stored());
    fs::remove_file(root.join("models/tiny.litmodel")).unwrap();

    // Half a file, no such repository, an answer in a loop, weights that are none.
    for (damage, code) in [
        (Answer::Half("model.safetensors".into()), "model-fetch"),
        (Answer::Missing, "model-fetch"),
        (
            Answer::Redirect(format!("{base}model.safetensors")),
            "model-fetch",
        ),
        (Answer::File("config.json".into()), "model-invalid"),
    ] {
        let hub = Hub::start(files.clone(), move |path| {
            let file = path.strip_prefix(base).unwrap_or("nothing");
            if file == "model.safetensors" {
                damage.clone()
            } else {
                Answer::File(file.into())
            }
        });
        let refused = pull(root, &hub, &[]);
        assert_eq!(refused.code, 2, "{}", refused.out);
        assert_eq!(refused.error_code(), code);
        assert!(!stored());
    }
}
