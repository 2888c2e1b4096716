//! What fuzzing begins with.

use super::{models, sample};
use crate::memory::Place;
use littoral_indexes::envelope::{HEADER_BYTES, Kind};
use littoral_indexes::text::TextCodec;

/// Bytes to begin with, by target: what a sound index and a sound document look like.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let stored = sample();
    let manifest = stored.manifest();
    let mut seeds = vec![
        ("manifest", stored.files[&Place::Entry].to_vec()),
        ("manifest", stored.manifest_bytes()),
        ("spelling", manifest.segments[0].spelling.clone()),
        ("separators", manifest.segments[0].separators.clone()),
        ("inventory", manifest.segments[0].deleted.clone()),
        ("query", b"harbuor \"high water\" +tide -gale title:knots".to_vec()),
        ("html", b"<html lang=en><title>T</title><main data-pagefind-body><h1 id=a>T</h1><p>x<pre>y</pre><table><tr><td>z".to_vec()),
        ("markdown", b"---\ntitle: T\n---\n# A {#a}\n\n* b\n\n```rust\nfn c() {}\n```\n\n| d | e |\n|---|---|\n| f | g |\n".to_vec()),
        ("records", br#"{"_id":"1","title":"T","text":"x","url":"/u","lang":"en","meta":{"a":1},"filters":{"f":["g"]}}"#.to_vec()),
    ];
    seeds.extend(models::files().into_iter().map(|bytes| ("models", bytes)));
    let blocks = stored.files.iter().filter_map(|(place, file)| match place {
        Place::Block(block) => Some((*block, file)),
        Place::Entry => None,
    });
    for (i, (block, file)) in blocks.enumerate() {
        let payload = &file[HEADER_BYTES..];
        let with_layout = [&[40, 3, 10, 10], payload].concat();
        match block.kind {
            Kind::Lexicon => seeds.push(("lexicon", with_layout)),
            Kind::Positions => seeds.push(("positions", payload.to_vec())),
            Kind::Filters => seeds.push(("filters", with_layout)),
            Kind::Cells | Kind::Centroids | Kind::Rows | Kind::Rotation | Kind::Table => {
                seeds.push(("vectors", payload.to_vec()));
            }
            Kind::Inventory => seeds.push(("inventory", payload.to_vec())),
            Kind::Spelling => seeds.push(("spelling", [payload, payload].concat())),
            Kind::Passages => {
                if let Ok(text) = TextCodec::new(&[]).decompress(payload, 1 << 20) {
                    seeds.push(("passages", [&[40, 3, 10, 10], &text[..]].concat()));
                    seeds.push(("analysis", text.clone()));
                    seeds.push(("text", text));
                }
                seeds.push(("text", payload.to_vec()));
            }
            Kind::Sort => {
                if let Ok(text) = TextCodec::new(&[]).decompress(payload, 1 << 20) {
                    seeds.push(("sort", text));
                }
            }
            _ => {}
        }
        seeds.push(("envelope", file.to_vec()));
        seeds.push(("index", [&[i as u8], payload].concat()));
    }
    seeds
}
