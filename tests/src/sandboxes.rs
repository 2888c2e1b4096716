//! What sandboxes in tests run, and what they run over.

use crate::encoder;
use crate::memory::{Place, Stored};
use littoral_guest::{Host, HostError};
use littoral_indexes::envelope::BlockId;
use serde_json::json;
use std::sync::Arc;

/// A host over an index in memory.
#[derive(Debug, Clone)]
pub struct Memory(pub Arc<Stored>);

impl Memory {
    fn file(&self, place: Place) -> Result<Arc<[u8]>, HostError> {
        let file = self.0.files.get(&place).cloned();
        file.ok_or_else(|| HostError::NotFound { path: place.path() })
    }
}

impl Host for Memory {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.file(Place::Entry)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        blocks
            .iter()
            .map(|&block| self.file(Place::Block(block)))
            .collect()
    }

    async fn embed(&self, model: [u8; 8], text: &str) -> Option<Vec<f32>> {
        (model == encoder::TOY).then(|| encoder::embed(text))
    }
}

/// What a module answers when it is asked to open an index.
pub fn opened() -> String {
    json!({"done": {
        "build": "", "documents": 0, "chunks": 0, "embedder": "", "model": [0, 0, 0, 0, 0, 0, 0, 0]
    }})
    .to_string()
}

/// A module with the exports of the engine's, in which `open` answers and `search` does `body`.
pub fn misbehaving(body: &str) -> Vec<u8> {
    let opened = opened();
    let text = format!(
        r#"(module
            (import "littoral" "find" (func $find (param i32 i32) (result i64)))
            (import "littoral" "embed" (func $embed (param i32 i32 i32) (result i64)))
            (import "littoral" "rerank" (func $rerank (param i32 i32 i32 i32 i32 i32) (result i64)))
            (import "littoral" "take" (func $take (param i32 i32)))
            (memory (export "memory") 1)
            (table $table 1 funcref)
            (data (i32.const 1024) "{data}")
            (func (export "allocate") (param i32) (result i32) i32.const 4096)
            (func (export "release") (param i32 i32))
            (func (export "open") (param i32 i32) (result i64) {})
            (func $deep (param i64) (result i64)
                (i64.add (call $deep (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
            (func (export "read") (param i32 i32) (result i64) i64.const 0)
            (func (export "answer") (param i32 i32) (result i64) i64.const 0)
            (func (export "search") (param i32 i32) (result i64) {body}))"#,
        reply(1024, opened.len() as u64),
        data = opened.replace('"', "\\22"),
    );
    wat::parse_str(text).expect("a module")
}

/// The instructions that answer with `length` bytes at `address`.
pub fn reply(address: u64, length: u64) -> String {
    format!("i64.const {}", address << 32 | length)
}
