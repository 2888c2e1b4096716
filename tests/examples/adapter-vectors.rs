//! The vectors in 32 bits of texts by an encoder with an adapter: `adapter-vectors MODEL ADAPTER TEXT…`.
//! One JSON array a text. `tests/bench/tune/adapters.py` holds Python's `peft` against them.
#![allow(clippy::unwrap_used, reason = "it ends where it cannot go on")]

use littoral_runtime::models::adapter::Adapter;
use littoral_runtime::models::folder::Weights;
use littoral_runtime::models::reference;
use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, adapter, texts @ ..] = arguments.as_slice() else {
        panic!("usage: adapter-vectors MODEL ADAPTER TEXT…");
    };
    let mut weights = Weights::read(Path::new(model), "model").unwrap();
    let adapter_path = Path::new(adapter);
    let adapter = Adapter::read(adapter_path, &weights.config).unwrap();
    adapter.merge(&mut weights, adapter_path).unwrap();
    for text in texts {
        let tokens = weights.tokenizer.encode(text, weights.config.max_tokens);
        println!(
            "{}",
            serde_json::json!(reference::encode(&weights, &tokens))
        );
    }
}
