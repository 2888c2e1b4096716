//! WordPiece beside the reference: the same tokens on hostile text and on every judged collection.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_guest::wordpiece::{Vocabulary, WordPiece};
use littoral_runtime::models::tokenizer;
use littoral_tests::random::Random;
use littoral_tests::{data, hostile_text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

/// Both tokenizers of one `tokenizer.json`.
struct Pair {
    ours: WordPiece,
    reference: Tokenizer,
}

impl Pair {
    fn new(json: &[u8]) -> Self {
        let ours = tokenizer::read(Path::new("tokenizer.json"), json).unwrap();
        let mut reference = Tokenizer::from_bytes(json).unwrap();
        reference.with_padding(None);
        reference.with_truncation(None).unwrap();
        Self { ours, reference }
    }

    fn compare(&self, text: &str) {
        let ours = self.ours.encode(text, usize::MAX);
        let encoding = self.reference.encode(text, true).unwrap();
        if ours != encoding.get_ids() {
            let shown: String = text.chars().take(200).collect();
            panic!(
                "{shown:?}\nours      {ours:?}\nreference {:?}",
                encoding.get_ids()
            );
        }
    }
}

/// A tokenizer whose vocabulary has single characters of many scripts, some longer tokens and their
/// continuations.
fn small(lowercase: bool, strip_accents: Option<bool>) -> Vec<u8> {
    let mut tokens: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        .map(String::from)
        .into();
    let ranges = [
        (0x21, 0x7E),
        (0xA1, 0x17F),
        (0x391, 0x3C9),
        (0x410, 0x44F),
        (0x4E00, 0x4E40),
    ];
    for c in ranges
        .into_iter()
        .flat_map(|(a, b)| a..=b)
        .filter_map(char::from_u32)
    {
        tokens.push(c.to_string());
        tokens.push(format!("##{c}"));
    }
    for word in [
        "un", "##aff", "##able", "the", "##ing", "tide", "tides", "##s", "######",
    ] {
        tokens.push(word.into());
    }
    tokens.sort();
    tokens.dedup();
    let vocabulary: serde_json::Map<String, Value> = tokens
        .iter()
        .enumerate()
        .map(|(i, t)| (t.clone(), json!(i)))
        .collect();
    let special = |token: &str| {
        json!({"id": vocabulary[token], "content": token, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true})
    };
    let added = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(special);
    let (cls, sep) = (&vocabulary["[CLS]"], &vocabulary["[SEP]"]);
    let json = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": strip_accents, "lowercase": lowercase},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", sep], "cls": ["[CLS]", cls]},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary},
    });
    serde_json::to_vec(&json).unwrap()
}

/// The tokenizer of the model in `LITTORAL_MODEL_FOLDER`, in Hugging Face's layout.
fn real() -> Option<Pair> {
    let Some(folder) = std::env::var_os("LITTORAL_MODEL_FOLDER") else {
        eprintln!("LITTORAL_MODEL_FOLDER names no model folder: nothing compared");
        return None;
    };
    let json = std::fs::read(PathBuf::from(folder).join("tokenizer.json")).unwrap();
    Some(Pair::new(&json))
}

fn hostile(pair: &Pair) {
    for text in hostile_text::WRITTEN {
        pair.compare(text);
    }
    for n in [99, 100, 101, 102] {
        pair.compare(&"a".repeat(n));
        pair.compare(&"é".repeat(n));
    }
    let mut random = Random::new(11);
    for _ in 0..3000 {
        pair.compare(&hostile_text::drawn(&mut random));
    }
}

#[test]
fn hostile_text_becomes_the_references_tokens() {
    for (lowercase, strip_accents) in [(true, None), (true, Some(false)), (false, None)] {
        hostile(&Pair::new(&small(lowercase, strip_accents)));
    }
    if let Some(pair) = real() {
        hostile(&pair);
    }
}

#[test]
fn every_character_becomes_the_references_tokens() {
    let pair = Pair::new(&small(true, None));
    for c in (0..=0x10_FFFF).filter_map(char::from_u32) {
        pair.compare(&format!("a{c}b"));
    }
}

#[test]
fn every_text_of_the_judged_collections_becomes_the_references_tokens() {
    let (Some(folder), Some(pair)) = (data::folder(), real()) else {
        return;
    };
    let mut n = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        for file in ["corpus.jsonl", "queries.jsonl"] {
            let Ok(lines) = std::fs::read_to_string(folder.join(file)) else {
                continue;
            };
            for line in lines.lines() {
                let record: Value = serde_json::from_str(line).unwrap();
                for field in ["title", "text"] {
                    if let Some(text) = record[field].as_str() {
                        pair.compare(text);
                        n += 1;
                    }
                }
            }
        }
    }
    assert!(n > 1000, "{n} texts");
    eprintln!("{n} texts compared");
}

#[test]
fn a_tokenizer_comes_back_from_its_bytes_whole_and_in_parts() {
    let ours = Pair::new(&small(true, None)).ours;
    let again = WordPiece::read(&ours.write()).unwrap();
    let text = "the unaffable tides, İstanbul [SEP] 中";
    assert_eq!(again.encode(text, 100), ours.encode(text, 100));
    assert_eq!(ours.encode(text, 5).len(), 5);

    let vocabulary = ours.vocabulary();
    let parts = vocabulary.parts(200);
    assert!(parts.len() > 5);
    let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let firsts: Vec<String> = slices[1..]
        .iter()
        .map(|part| {
            let part = Vocabulary::read(&[part]).unwrap();
            part.iter().next().unwrap().0.to_owned()
        })
        .collect();
    let firsts: Vec<&str> = firsts.iter().map(String::as_str).collect();
    assert_eq!(
        Vocabulary::read(&slices).unwrap().write(),
        vocabulary.write()
    );
    // Every beginning of a word lies in one of the parts that are named for it.
    for (token, id) in vocabulary.iter() {
        let longer = format!("{token}xyz");
        let found = Vocabulary::part_of(&firsts, &longer)
            .chain([0])
            .any(|part| Vocabulary::read(&[slices[part]]).unwrap().id(token) == Some(id));
        assert!(found, "{token}");
    }
}

#[test]
fn a_subset_divides_what_it_holds_as_the_whole_does() {
    let whole = Pair::new(&small(true, None)).ours;
    let text = "the unaffable tides were rising";
    let kept = whole.encode(text, usize::MAX);
    let subset = whole.subset(|id| kept.contains(&id));
    assert!(subset.vocabulary().len() < 40);
    assert_eq!(subset.encode(text, usize::MAX), kept);
}
