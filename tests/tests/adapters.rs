//! Adapters of encoders as files: what is read, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_runtime::models::adapter::{Adapter, CONFIG, NUMBERS, Part};
use littoral_runtime::models::folder::Weights;
use littoral_tests::models::family::MINILM;
use littoral_tests::models::safetensors;
use littoral_tests::program::run;
use littoral_train::lora::Layout;
use serde_json::{Value, json};
use std::fs;

#[test]
fn hostile_adapters_are_refused_and_the_error_names_the_file() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    MINILM.write(&root.join("m"), 5);
    let weights = Weights::read(&root.join("m"), "m").unwrap();
    let (layout, numbers) = Layout::begin(&weights.config, &[Part::Query, Part::Output], 2, 4.0, 1);
    let sound = layout.adapter(&layout.stirred(&numbers, 1), &"0".repeat(64));
    let folder = root.join("a");
    let reset = || sound.write(&folder, "m").unwrap();
    reset();
    assert_eq!(Adapter::read(&folder, &weights.config).unwrap(), sound);
    let code = || {
        let error = Adapter::read(&folder, &weights.config).unwrap_err();
        assert!(error.to_string().contains("adapter"), "{error}");
        error.code()
    };
    // Configurations.
    let config: Value = serde_json::from_slice(&fs::read(folder.join(CONFIG)).unwrap()).unwrap();
    for (name, value) in [
        ("peft_type", json!("IA3")),
        ("r", json!(0)),
        ("r", json!(3)),
        ("r", json!(100_000)),
        ("r", json!(-1)),
        ("lora_alpha", json!(0)),
        ("lora_alpha", json!("much")),
        ("use_dora", json!(true)),
        ("fan_in_fan_out", json!(true)),
        ("bias", json!("all")),
        ("rank_pattern", json!({"query": 4})),
        ("modules_to_save", json!(["pooler"])),
    ] {
        let mut config = config.clone();
        config[name] = value;
        fs::write(folder.join(CONFIG), config.to_string()).unwrap();
        assert_eq!(code(), "adapter-invalid", "{name}");
    }
    fs::write(folder.join(CONFIG), "[").unwrap();
    assert_eq!(code(), "adapter-invalid");
    reset();
    // Numbers: cut anywhere, and with names and shapes that are of no matrix.
    let bytes = fs::read(folder.join(NUMBERS)).unwrap();
    for n in [0, 7, 8, 100, bytes.len() - 1] {
        fs::write(folder.join(NUMBERS), &bytes[..n]).unwrap();
        assert_eq!(code(), "adapter-invalid");
    }
    let n = weights.config.hidden;
    let name = |layer: &str, matrix: &str, half: &str| {
        format!("base_model.model.encoder.layer.{layer}.{matrix}.lora_{half}.weight")
    };
    let query = "attention.self.query";
    let pair = |layer: &str, matrix: &str| {
        vec![
            (name(layer, matrix, "A"), vec![2, n], vec![0.1; 2 * n]),
            (name(layer, matrix, "B"), vec![n, 2], vec![0.1; 2 * n]),
        ]
    };
    let mut infinite = pair("0", query);
    infinite[1].2[3] = f32::INFINITY;
    let mut turned = pair("0", query);
    turned[0].1 = vec![n, 2];
    let mut under_two_names = pair("0", query);
    let (_, shape, values) = under_two_names[0].clone();
    under_two_names.push((name("00", query, "A"), shape, values));
    for tensors in [
        Vec::new(),
        pair("0", query)[..1].to_vec(),
        pair("2", query),
        pair("-1", query),
        pair("99999999999999999999", query),
        pair("0", "attention.self.pooler"),
        pair("0", "output.dense"),
        pair("0", "../../query"),
        vec![(
            "embeddings.word_embeddings.weight".to_owned(),
            vec![1],
            vec![0.0],
        )],
        infinite,
        turned,
        under_two_names,
    ] {
        fs::write(folder.join(NUMBERS), safetensors(&tensors)).unwrap();
        assert_eq!(code(), "adapter-invalid", "{tensors:?}");
    }
    fs::remove_file(folder.join(NUMBERS)).unwrap();
    fs::write(folder.join("adapter_model.bin"), "pickled").unwrap();
    assert_eq!(code(), "adapter-invalid");
    // A change that is larger than what it changes.
    let mut large = pair("0", query);
    large
        .iter_mut()
        .for_each(|(_, _, values)| values.fill(50.0));
    fs::write(folder.join(NUMBERS), safetensors(&large)).unwrap();
    let quantize = [
        "model",
        "quantize",
        "m",
        "--adapter",
        "a",
        "--name",
        "x",
        "--json",
    ];
    let ran = run(root, &quantize);
    assert_eq!(ran.error_code(), "adapter-invalid");
    assert!(ran.out.contains("norm"), "{ran:?}");
    assert!(!root.join("models/x.litmodel").exists());
}
