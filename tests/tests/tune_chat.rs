//! Examples for a generator: cited answers, distractors, and answers in a form of the user's own.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_tests::program::run;
use littoral_tests::tuning::{index, judged, lines, prepare};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn content(line: &Value, role: &str) -> String {
    let messages = line["messages"].as_array().unwrap();
    let message = messages.iter().find(|message| message["role"] == role);
    message.unwrap()["content"].as_str().unwrap().to_owned()
}

/// The passages of a prompt by number.
fn passages(user: &str) -> Vec<(String, String)> {
    let parts = user.split(" passage ").skip(1);
    let split = parts.map(|part| part.split_once('\n').unwrap());
    split
        .map(|(id, text)| (id.to_owned(), text.to_owned()))
        .collect()
}

fn all(root: &Path, folder: &str) -> Vec<Value> {
    let sides = ["chat-train.jsonl", "chat-held-out.jsonl"];
    let of_side = |name| lines(&root.join(folder).join(name));
    sides.into_iter().flat_map(of_side).collect()
}

#[test]
fn judged_questions_become_conversations_whose_answers_cite_what_answers() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    judged(root);
    let chat = ["--data", "data", "--format", "chat"];
    let make = |output: &str| {
        let ran = prepare(
            root,
            &[&chat[..], &["-o", output, "--unanswered", "0.2"]].concat(),
        );
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()
    };
    let said = make("a");
    let examples = all(root, "a");
    let chats = &said["chat"];
    let n = chats["train"].as_u64().unwrap() + chats["held_out"].as_u64().unwrap();
    assert_eq!(examples.len() as u64, n);
    assert!(chats["held_out"].as_u64().unwrap() > 0);
    assert_eq!(chats["data_hash"], said["hash"]);
    let (mut n_unanswered, mut n_cited) = (0, 0);
    for example in &examples {
        let user = content(example, "user");
        let shown = passages(&user);
        assert!(shown.len() >= 3, "{user}");
        let answer = content(example, "assistant");
        let positive = example["positive_ids"].as_array().unwrap();
        if answer == "NOT FOUND" {
            n_unanswered += 1;
            assert!(positive.is_empty());
            continue;
        }
        // What is said stands in the passage that is cited, which is one that answers.
        let (text, cited) = answer.split_once(" [").unwrap();
        let id = cited.split(']').next().unwrap();
        let (_, passage) = shown.iter().find(|(own, _)| own == id).unwrap();
        assert!(passage.contains(text), "{answer}\n{passage}");
        assert_eq!(positive.len(), 1);
        n_cited += 1;
    }
    assert_eq!(chats["unanswered"], n_unanswered);
    assert!(n_unanswered > 0 && n_cited > 5, "{n_unanswered} {n_cited}");
    // The answer does not always stand at the same place.
    let first = |example: &&Value| content(example, "assistant").contains("[1]");
    let n_first = examples.iter().filter(first).count();
    assert!(n_first > 0 && n_first < n_cited, "{n_first} of {n_cited}");
    // The same once more, byte by byte.
    make("b");
    for name in [
        "chat-train.jsonl",
        "chat-held-out.jsonl",
        "chat-flagged.jsonl",
    ] {
        let bytes = |folder: &str| fs::read(root.join(folder).join(name)).unwrap();
        assert_eq!(bytes("a"), bytes("b"));
    }
}

#[test]
fn given_answers_get_citations_and_those_that_no_passage_bears_out_are_left_out() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    let pair = |question: &str, document: &str, answer: &str| {
        let pair = json!({"question": question, "document": document, "answer": answer});
        format!("{pair}\n")
    };
    let mut pairs = String::new();
    for part in ["care", "history", "price", "repair", "choice"] {
        let question = format!("what does a barometer of {part} tell");
        let answer = "When it falls quickly a gale is near and the boats stay in.";
        pairs.push_str(&pair(&question, &format!("barometer-{part}.md"), answer));
        let question = format!("how many legs has a keel of {part}");
        let answer = "A spider has eight legs and spins its web at night.";
        pairs.push_str(&pair(&question, &format!("keel-{part}.md"), answer));
    }
    fs::write(root.join("faq.jsonl"), pairs).unwrap();
    let ran = prepare(
        root,
        &[
            "-o",
            "a",
            "--pairs",
            "faq.jsonl",
            "--format",
            "chat",
            "--unanswered",
            "0",
        ],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let examples = all(root, "a");
    assert_eq!(examples.len(), 5);
    assert_eq!(ran.json()["chat"]["flags"]["unsupported"], 5);
    for example in &examples {
        let answer = content(example, "assistant");
        assert!(
            answer.starts_with("When it falls quickly") && answer.ends_with(']'),
            "{answer}"
        );
    }
    assert_eq!(lines(&root.join("a/chat-flagged.jsonl")).len(), 5);
}

#[test]
fn a_behaviour_of_ones_own_is_told_and_held_to_its_schema() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    index(root);
    let mut pairs = String::new();
    for (i, part) in ["care", "history", "price", "repair"].iter().enumerate() {
        let answer = match i {
            0 => json!({"answer": "Aye.", "sure": "perhaps"}),
            1 => json!("Aye, as a plain text."),
            _ => json!({"answer": format!("Aye, the {part}."), "sure": true}),
        };
        let pair = json!({
            "question": format!("what of the {part} of a tiller"),
            "document": format!("tiller-{part}.md"),
            "answer": answer,
        });
        pairs.push_str(&format!("{pair}\n"));
    }
    fs::write(root.join("faq.jsonl"), pairs).unwrap();
    fs::write(root.join("how.txt"), "Speak as an old sailor does.\n").unwrap();
    let schema = json!({
        "type": "object",
        "properties": {"answer": {"type": "string"}, "sure": {"type": "boolean"}},
        "required": ["answer", "sure"],
    });
    fs::write(root.join("schema.json"), schema.to_string()).unwrap();
    let arguments = [
        "-o",
        "a",
        "--pairs",
        "faq.jsonl",
        "--format",
        "chat",
        "--instructions",
        "how.txt",
        "--schema",
        "schema.json",
        "--held-out",
        "0.5",
    ];
    let ran = prepare(root, &arguments);
    assert!(ran.code <= 1, "{ran:?}");
    assert_eq!(ran.json()["chat"]["flags"], json!({"schema": 2}));
    let examples = all(root, "a");
    assert_eq!(examples.len(), 2);
    for example in &examples {
        let system = content(example, "system");
        assert!(system.contains("Speak as an old sailor does.") && system.contains("\"required\""));
        assert!(!system.contains("End every sentence"), "{system}");
        let answer: Value = serde_json::from_str(&content(example, "assistant")).unwrap();
        assert_eq!(answer["sure"], true);
    }
    // What the schema says and is not known here would not be seen to.
    fs::write(
        root.join("schema.json"),
        json!({"pattern": "^a"}).to_string(),
    )
    .unwrap();
    let ran = run(
        root,
        &[
            &["tune", "prepare", "index", "--json", "--force"],
            &arguments[..],
        ]
        .concat(),
    );
    assert_eq!(ran.error_code(), "bad-schema");
    // Nor would what is said of conversations where pairs are made.
    let pairs = ["-o", "b", "--pairs", "faq.jsonl", "--schema", "schema.json"];
    let ran = prepare(root, &pairs);
    assert_eq!(ran.error_code(), "no-chat");
    assert!(!root.join("b").exists());
}
