//! How often sentences are borne out by what they cite, on passages of a judged collection: their own,
//! those of a passage about the same thing, and those with a number changed.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use littoral_guest::answer::grounded::{Grounder, Source};
use littoral_guest::answer::sentences;
use littoral_guest::engine::{Index, Mode, SearchOptions};
use littoral_guest::{Document, SearchResult};
use littoral_runtime::build::{Tools, build_documents, default_settings};
use littoral_runtime::eval::Dataset;
use littoral_runtime::host::IndexHost;
use littoral_runtime::pipeline::Pool;
use littoral_runtime::store::Folder;

/// Every which question is looked at.
const EVERY: usize = 8;

/// Words of a sentence that is long enough to say something.
const WORDS: usize = 8;

/// Whether `sentence`, which cites a passage of `text`, is found to be borne out by it.
fn is_supported(sentence: &str, text: &str) -> bool {
    let mut grounder = Grounder::new(vec![Source {
        id: "1".into(),
        url: String::new(),
        heading: String::new(),
        text: text.into(),
    }]);
    let bare = sentence.trim_end_matches(['.', '?', '!']);
    let mut found = grounder.push(&format!("{bare} [1]."), &mut |_, _| None);
    found.extend(grounder.finish(&mut |_, _| None));
    !found.is_empty() && found.iter().all(|sentence| sentence.supported)
}

/// A sentence of `text` that says something.
fn sentence(text: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let mut all = sentences(text).into_iter().map(|place| &text[place]);
    all.find(|s| s.split_whitespace().count() >= WORDS && fits(s))
        .map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[derive(Debug, Default)]
struct Share {
    n: u32,
    supported: u32,
}

impl Share {
    fn add(&mut self, is_supported: bool) {
        self.n += 1;
        self.supported += u32::from(is_supported);
    }

    fn value(&self) -> f64 {
        f64::from(self.supported) / f64::from(self.n.max(1))
    }
}

#[test]
fn a_passage_bears_out_its_own_sentences_and_few_of_its_neighbours() {
    let Some(data) = littoral_tests::data::folder() else {
        return;
    };
    let dataset = Dataset::open(&data.join("squad-dev"), "train").unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut store = Folder::open(root.path()).unwrap();
    let documents = dataset.corpus().unwrap().map(|record| {
        let record = record.unwrap();
        Document::plain(record.id, record.title, record.text)
    });
    let tools = Tools::from(Pool::new(0).unwrap());
    build_documents(documents, &default_settings(), &mut store, &tools).unwrap();
    let index = pollster::block_on(Index::open(IndexHost::new(root.path()))).unwrap();
    let options = SearchOptions {
        mode: Mode::Lexical,
        chunks: true,
        ..SearchOptions::default()
    };
    let (mut own, mut others, mut changed) = (Share::default(), Share::default(), Share::default());
    for query in dataset.judged_queries().step_by(EVERY) {
        let found: SearchResult = pollster::block_on(index.search(&query.text, &options)).unwrap();
        let grades = dataset.qrels.grades(&query.id).unwrap();
        let is_relevant = |id: &str| grades.get(id).is_some_and(|grade| *grade > 0);
        let relevant = found.hits.iter().find(|hit| is_relevant(&hit.document.id));
        let other = found.hits.iter().find(|hit| !is_relevant(&hit.document.id));
        let (Some(relevant), Some(other)) = (relevant, other) else {
            continue;
        };
        let text = &relevant.chunk.text;
        if let Some(sentence) = sentence(text, |_| true) {
            own.add(is_supported(&sentence, text));
        }
        if let Some(sentence) = sentence(&other.chunk.text, |_| true) {
            others.add(is_supported(&sentence, text));
        }
        let has_digit = |s: &str| s.contains(|c: char| c.is_ascii_digit());
        if let Some(sentence) = sentence(text, has_digit) {
            let other = |c: char| match c {
                '0'..='8' => char::from(c as u8 + 1),
                '9' => '7',
                c => c,
            };
            changed.add(is_supported(
                &sentence.chars().map(other).collect::<String>(),
                text,
            ));
        }
    }
    println!("own {own:?} {:.3}", own.value());
    println!("of another passage {others:?} {:.3}", others.value());
    println!("with other numbers {changed:?} {:.3}", changed.value());
    assert!(own.n > 300 && changed.n > 50);
    assert!(own.value() >= 0.98, "{}", own.value());
    assert!(others.value() <= 0.05, "{}", others.value());
    assert!(changed.value() <= 0.02, "{}", changed.value());
}
