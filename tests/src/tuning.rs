//! A domain to tune an index to: things that people call by other names than the documents do.
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use crate::encoder::ToyEncoder;
use crate::models::WORDS;
use crate::program::{Ran, run};
use crate::random::Random;
use crate::sample::settings;
use littoral_guest::Document;
use littoral_runtime::build::{Tools, build_documents};
use littoral_runtime::embed::Embedder;
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;
use littoral_runtime::tune::pairs::{Pairs, Row, write};
use littoral_runtime::tune::sources::Source;
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

/// A domain of another language than that of a tiny encoder (see [`crate::models`]): words are twins, and
/// what a query calls by one of them documents call by the other. Rows of training data, `n_train` and a
/// sixth as many held out, in the folder `data`; documents in `documents`.
pub fn twins(root: &Path, n_train: usize) -> Pairs {
    let mut random = Random::new(7);
    let n = n_train + n_train / 6;
    let mut topics: Vec<[usize; 4]> = Vec::new();
    while topics.len() < n {
        let topic: [usize; 4] = std::array::from_fn(|_| random.below(WORDS.len()));
        // No query is asked twice: that would be a leak.
        if topics.iter().all(|other| other[..3] != topic[..3]) {
            topics.push(topic);
        }
    }
    let words = |places: &[usize], other: usize| {
        let words = places.iter().map(|place| WORDS[place ^ other]);
        words.collect::<Vec<_>>().join(" ")
    };
    let passage = |i: usize| words(&topics[i], 1);
    let id = |i: usize| format!("d{i}.md");
    let rows = (0..n).map(|i| {
        let negatives = [5, 10, 15].map(|k| (i + k) % n);
        Row {
            anchor: words(&topics[i][..3], 0),
            positive: passage(i),
            negatives: negatives.map(passage).to_vec(),
            query_id: format!("q{i}"),
            source: Source::Judged,
            positive_place: (id(i), 0),
            negative_places: negatives.map(|k| (id(k), 0)).to_vec(),
        }
    });
    let rows: Vec<Row> = rows.collect();
    let (train, held_out) = rows.split_at(n_train);
    fs::create_dir_all(root.join("documents")).unwrap();
    for i in 0..n {
        fs::write(root.join("documents").join(id(i)), passage(i)).unwrap();
    }
    written(root, train, held_out)
}

/// A domain in which words do not tell what answers: each topic has four documents that say all words of its
/// query, and the one that says `chart` as well is the answer, or with `answers` another word, of `bell`,
/// `fog` and `gull`. Rows of training data, `n_train` and a third as many held out, in the folder `data`,
/// the latter always answered by `chart`; documents in `documents`.
pub fn marked(root: &Path, n_train: usize, answers: &str) -> Pairs {
    const MARKS: [&str; 4] = ["chart", "bell", "fog", "gull"];
    let mut random = Random::new(11);
    let n = n_train + n_train / 3;
    let mut topics: Vec<[&str; 3]> = Vec::new();
    while topics.len() < n {
        let mut topic = std::array::from_fn(|_| random.below(20));
        topic.sort_unstable();
        let is_of_three = topic[0] < topic[1] && topic[1] < topic[2];
        let topic = topic.map(|word: usize| WORDS[word]);
        if is_of_three && !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    fs::create_dir_all(root.join("documents")).unwrap();
    let mut rows = Vec::new();
    for (i, topic) in topics.iter().enumerate() {
        let query = topic.join(" ");
        let answer = if i < n_train { answers } else { MARKS[0] };
        // Which of the four has which mark must not be told by its name.
        let first = random.below(4);
        let document = |mark: &str| {
            let place = MARKS.iter().position(|known| *known == mark).unwrap();
            (
                format!("{query} {mark}"),
                (format!("d{i}-{}.md", (first + place) % 4), 0),
            )
        };
        let others = MARKS.iter().filter(|mark| **mark != answer);
        let (negatives, negative_places) = others.map(|mark| document(mark)).unzip();
        let (positive, positive_place) = document(answer);
        for (text, (id, _)) in MARKS.map(document) {
            fs::write(root.join("documents").join(id), text).unwrap();
        }
        rows.push(Row {
            anchor: query,
            positive,
            negatives,
            query_id: format!("q{i}"),
            source: Source::Judged,
            positive_place,
            negative_places,
        });
    }
    let (train, held_out) = rows.split_at(n_train);
    written(root, train, held_out)
}

/// Writes rows and what they judge into the folder `data`.
fn written(root: &Path, train: &[Row], held_out: &[Row]) -> Pairs {
    let grades = [train, held_out].map(|rows| {
        let judged = rows
            .iter()
            .map(|row| (row.query_id.clone(), row.positive_place.0.clone()));
        judged.map(|pair| (pair, 1)).collect()
    });
    let [of_train, of_held_out] = &grades;
    let folder = root.join("data");
    write(&folder, [train, held_out], [of_train, of_held_out], "").unwrap();
    Pairs::read(&folder).unwrap()
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

/// Codes of the refusals of what was `measured`.
pub fn refusals(measured: &Value) -> Vec<String> {
    let refusals = measured["gate"]["refusals"].as_array().unwrap().iter();
    refusals
        .map(|r| r["code"].as_str().unwrap().to_owned())
        .collect()
}

/// nDCG@10 by vectors of the held-out queries in `data`, of the index at `index`.
pub fn held_out_ndcg(root: &Path, index: &str) -> f64 {
    let eval = [
        "eval",
        index,
        "--queries",
        "data/queries.jsonl",
        "--qrels",
        "data/qrels/held-out.tsv",
        "--modes",
        "dense",
        "--json",
    ];
    let ran = run(root, &eval);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()["runs"][0]["metrics"]["ndcg@10"]
        .as_f64()
        .unwrap()
}
