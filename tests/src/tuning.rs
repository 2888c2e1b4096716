//! A domain to tune an index to: things that people call by other names than the documents do.
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use crate::encoder::ToyEncoder;
use crate::program::{Ran, run};
use crate::sample::settings;
use littoral_guest::Document;
use littoral_runtime::build::{Tools, build_documents};
use littoral_runtime::embed::Embedder;
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Tools with an encoder that needs no model.
pub fn tools() -> Tools {
    Tools {
        embedder: Some(Embedder::new(Arc::new(ToyEncoder), None)),
        ..Tools::from(Pool::new(2).unwrap())
    }
}

/// Things that documents tell of, what people call them instead, and what else is said.
const THINGS: [(&str, &str, &str); 12] = [
    (
        "halyard",
        "hoisting rope",
        "It lifts the sail to the top of the mast and is made fast at its foot.",
    ),
    (
        "bilge",
        "lowest inside",
        "Water gathers there and a pump takes it out again every morning.",
    ),
    (
        "fender",
        "bumper cushion",
        "It hangs over the side and keeps the hull off the stones of the quay.",
    ),
    (
        "sextant",
        "angle finder",
        "It measures how high the sun stands over the horizon at noon.",
    ),
    (
        "barometer",
        "pressure gauge",
        "When it falls quickly a gale is near and the boats stay in.",
    ),
    (
        "capstan",
        "turning winch",
        "Six people walk round it and the cable comes up link by link.",
    ),
    (
        "tiller",
        "steering handle",
        "Pushed to one side it turns the bow to the other.",
    ),
    (
        "galley",
        "ship kitchen",
        "Its stove swings so that the pots stay level in a swell.",
    ),
    (
        "buoy",
        "floating mark",
        "It is chained to the ground and shows where the channel bends.",
    ),
    (
        "keel",
        "bottom beam",
        "It runs from bow to stern and all ribs stand upon it.",
    ),
    (
        "rudder",
        "turning blade",
        "It is hung behind the stern and is moved from the deck.",
    ),
    (
        "anchor",
        "holding iron",
        "Its flukes dig into sand and its chain lies along the ground.",
    ),
];

/// Several documents of each thing, and questions in other words than theirs.
pub fn documents() -> Vec<Document> {
    let mut all = Vec::new();
    for part in ["care", "history", "price", "repair", "choice"] {
        for (thing, _, text) in THINGS {
            let id = format!("{thing}-{part}.md");
            let text = format!(
                "The {part} of a {thing}. {text} This page is about {part}, and a {thing} is known on \
                 every coast."
            );
            all.push(Document::plain(id, format!("{part} of the {thing}"), text));
        }
    }
    all
}

/// An index of them with a query table, without an encoder to load: `index` in `root`.
pub fn index(root: &Path) {
    let tools = tools();
    let mut folder = Folder::open(&root.join("index")).unwrap();
    build_documents(documents().into_iter(), &settings(), &mut folder, &tools).unwrap();
}

/// Judged questions: `data` in `root`.
pub fn judged(root: &Path) {
    let (mut queries, mut qrels) = (String::new(), "query-id\tcorpus-id\tscore\n".to_owned());
    for part in ["care", "history", "price", "repair", "choice"] {
        for (thing, other, _) in THINGS {
            for (i, frame) in ["what about the", "tell me of the", "is there any"]
                .iter()
                .enumerate()
            {
                let id = format!("{thing}-{part}-{i}");
                let text = format!("{frame} {part} of a {other}");
                queries.push_str(&format!("{}\n", json!({"_id": id, "text": text})));
                qrels.push_str(&format!("{id}\t{thing}-{part}.md\t1\n"));
            }
        }
    }
    fs::create_dir_all(root.join("data/qrels")).unwrap();
    fs::write(root.join("data/queries.jsonl"), queries).unwrap();
    fs::write(root.join("data/qrels/train.tsv"), qrels).unwrap();
}

/// The lines of a file of JSON.
pub fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Makes training data of `index`.
pub fn prepare(root: &Path, more: &[&str]) -> Ran {
    let arguments = ["tune", "prepare", "index", "--json"];
    run(root, &[&arguments[..], more].concat())
}
