//! Makes training data of what was gathered: duplicates joined, sides split, negatives mined, poor
//! pairs flagged and left out of the training.
//!
//! | flag | why |
//! |---|---|
//! | `anchor-is-passage` | the query is the passage itself, and teaches nothing |
//! | `too-short` | the query has a single word or none |
//! | `far` | no word in common and not among the 200 nearest: probably a mistake |
//!
//! The first two are left out of both sides. What is far is left out of the training alone: held-out
//! queries may be hard.

use super::corpus::Corpus;
use super::error::TuneError;
use super::mine::{MineOptions, Mined, Place, mine};
use super::pairs::{self, Row};
use super::sources::{Asked, Gathered, Read, distinct};
use super::split::split;
use crate::eval::draft::key;
use crate::pipeline::Pool;
use littoral_guest::Host;
use littoral_guest::build::Workers;
use littoral_guest::engine::Index;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// Pairs that training wants: with fewer it often makes retrieval worse, more add little.
pub const WANTED: std::ops::RangeInclusive<u64> = 500..=10_000;

/// Held-out queries that a difference of a few points needs to be more than chance.
pub const LEAST_HELD_OUT: u64 = 50;

/// How training data is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrepareOptions {
    /// Share of the queries that is held out. 0.05 – 0.5; more make the figures surer, fewer leave more
    /// to train on.
    pub held_out: f64,
    /// How negatives are chosen.
    pub mine: MineOptions,
    /// Whether what is `far` is trained on too.
    pub keep_far: bool,
}

/// How many there are of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows to train on, and held out.
    pub train_pairs: u64,
    /// See `train_pairs`.
    pub held_out_pairs: u64,
    /// Their queries.
    pub train_queries: u64,
    /// See `train_queries`.
    pub held_out_queries: u64,
    /// Documents that answer them.
    pub train_documents: u64,
    /// See `train_documents`.
    pub held_out_documents: u64,
    /// Queries that were joined with another of the same words.
    pub duplicates: u64,
    /// Drafted queries left out since their documents answer held-out ones.
    pub leaks_removed: u64,
    /// Candidates that were too near to be negatives.
    pub false_negatives_skipped: u64,
    /// Negatives drawn by lot where too few were mined.
    pub negatives_drawn: u64,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Build of the index that the negatives are from.
    pub index: String,
    /// What splits and lots were drawn with.
    pub seed: u64,
    /// What was read.
    pub sources: Vec<Read>,
    /// How many there are.
    pub counts: Counts,
    /// Pairs flagged, by the flag.
    pub flags: BTreeMap<String, u64>,
    /// Training pairs by the source of their query.
    pub by_source: BTreeMap<String, u64>,
    /// Hash of the data, in hexadecimal.
    pub hash: String,
    /// What should be known before training: code and message.
    pub notes: Vec<Note>,
}

/// Something that should be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Stable, kebab-case.
    pub code: String,
    /// In words.
    pub message: String,
}

/// Makes training data in `folder`.
///
/// # Errors
/// [`TuneError`] when nothing leads to a document, the index cannot be read, or the folder not written.
pub fn prepare<H: Host + Sync>(
    index: &Index<H>,
    corpus: &Corpus,
    gathered: Gathered,
    options: &PrepareOptions,
    folder: &Path,
    pool: &Pool,
) -> Result<Prepared, TuneError>
where
    Index<H>: Sync,
{
    let n_read = gathered.sources.iter().map(|source| source.read).sum();
    let (asked, duplicates) = joined(gathered.asked);
    if asked.is_empty() {
        return Err(TuneError::NothingLinked { n_read });
    }
    let mut counts = Counts {
        duplicates,
        ..Counts::default()
    };
    let parts = split(&asked, corpus, options.held_out, options.mine.seed);
    counts.leaks_removed = parts.n_left_out;
    let mut flags = Flags::default();
    let mut sides: Vec<Side> = Vec::new();
    let answering = |places: &[usize]| -> BTreeSet<usize> {
        let asked = places
            .iter()
            .flat_map(|&place| asked[place].relevant.keys());
        asked.copied().collect()
    };
    let (held_out, nothing) = (answering(&parts.held_out), BTreeSet::new());
    for (is_train, places) in [(true, &parts.train), (false, &parts.held_out)] {
        let places: Vec<usize> = places.clone();
        let kept_out = if is_train { &held_out } else { &nothing };
        let mined = pool.map(places.clone(), |place| {
            mine(index, corpus, &asked[place], kept_out, &options.mine)
        });
        let mut side = Side::default();
        for (place, mined) in places.into_iter().zip(mined) {
            let (asked, mined) = (&asked[place], mined?);
            counts.false_negatives_skipped += mined.n_skipped as u64;
            counts.negatives_drawn += mined.n_drawn as u64;
            let is_far = mined.is_far && is_train && !options.keep_far;
            side.add(corpus, asked, &mined, is_far, &mut flags);
        }
        sides.push(side);
    }
    let [train, held_out] = &sides[..] else {
        return Err(TuneError::NothingLinked { n_read });
    };
    let count = |rows: &[Row], of: &dyn Fn(&Row) -> String| {
        let distinct: BTreeSet<String> = rows.iter().map(of).collect();
        distinct.len() as u64
    };
    counts.train_pairs = train.rows.len() as u64;
    counts.held_out_pairs = held_out.rows.len() as u64;
    counts.train_queries = count(&train.rows, &|row| row.query_id.clone());
    counts.held_out_queries = count(&held_out.rows, &|row| row.query_id.clone());
    counts.train_documents = count(&train.rows, &|row| row.positive_place.0.clone());
    counts.held_out_documents = count(&held_out.rows, &|row| row.positive_place.0.clone());
    let mut by_source: BTreeMap<String, u64> = BTreeMap::new();
    for row in &train.rows {
        *by_source.entry(row.source.name().to_owned()).or_default() += 1;
    }
    let hash = pairs::write(
        folder,
        [&train.rows, &held_out.rows],
        [&train.grades, &held_out.grades],
        &flags.lines,
    )?;
    let prepared = Prepared {
        index: index.build().to_owned(),
        seed: options.mine.seed,
        sources: gathered.sources,
        notes: notes(&counts, &by_source),
        counts,
        flags: flags.counts,
        by_source,
        hash,
    };
    let path = folder.join("prepared.json");
    let text = format!("{:#}\n", json!(prepared));
    std::fs::write(&path, text).map_err(TuneError::io("write", &path))?;
    Ok(prepared)
}

/// Joins queries of the same words; returns how many were joined to another.
fn joined(all: Vec<Asked>) -> (Vec<Asked>, u64) {
    let n = all.len();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Asked> = Vec::new();
    for asked in all {
        // Where there are no letters, as in "C++", what is there counts as it is.
        let key = match key(&asked.text) {
            key if key.is_empty() => asked.text.clone(),
            key => key,
        };
        let place = *places.entry(key).or_insert(kept.len());
        match kept.get_mut(place) {
            None => kept.push(asked),
            Some(known) => {
                if asked.source < known.source {
                    known.text = asked.text;
                    known.source = asked.source;
                }
                for (document, grade) in asked.relevant {
                    let own = known.relevant.entry(document).or_insert(grade);
                    *own = grade.max(*own);
                }
            }
        }
    }
    let duplicates = (n - kept.len()) as u64;
    (kept, duplicates)
}

/// The id of a query: what it is, not where it stood.
fn query_id(text: &str) -> String {
    let hash = blake3::hash(text.as_bytes()).to_hex();
    format!("q{}", &hash[..16])
}

/// One side of the split.
#[derive(Default)]
struct Side {
    rows: Vec<Row>,
    grades: BTreeMap<(String, String), i32>,
}

impl Side {
    fn add(
        &mut self,
        corpus: &Corpus,
        asked: &Asked,
        mined: &Mined,
        is_far: bool,
        flags: &mut Flags,
    ) {
        let named = |(document, chunk): &Place| {
            let document = &corpus.documents[*document];
            let text = document.passages.get(*chunk);
            let text = text.map_or_else(String::new, |passage| passage.text.clone());
            ((document.id.clone(), *chunk), text)
        };
        let (negative_places, negatives): (Vec<_>, Vec<_>) =
            mined.negatives.iter().map(named).unzip();
        let query_id = query_id(&asked.text);
        for (place, grade) in mined.positives.iter().zip(asked.relevant.values()) {
            let (positive_place, positive) = named(place);
            let flag = if is_same(&asked.text, &positive, corpus, *place) {
                Some("anchor-is-passage")
            } else if distinct(&asked.text).len() < 2 {
                Some("too-short")
            } else {
                is_far.then_some("far")
            };
            if let Some(flag) = flag {
                flags.add(flag, asked, &positive_place.0);
                continue;
            }
            let key = (query_id.clone(), positive_place.0.clone());
            self.grades.insert(key, *grade);
            self.rows.push(Row {
                anchor: asked.text.clone(),
                positive,
                negatives: negatives.clone(),
                query_id: query_id.clone(),
                source: asked.source,
                positive_place,
                negative_places: negative_places.clone(),
            });
        }
    }
}

/// Whether the query is the passage, or its text alone.
fn is_same(text: &str, positive: &str, corpus: &Corpus, (document, chunk): Place) -> bool {
    let passages = &corpus.documents[document].passages;
    let body = passages.get(chunk).map(|passage| key(&passage.body));
    let text = key(text);
    !text.is_empty() && (text == key(positive) || body.is_some_and(|body| body == text))
}

/// Pairs that were flagged.
#[derive(Default)]
struct Flags {
    counts: BTreeMap<String, u64>,
    lines: String,
}

impl Flags {
    fn add(&mut self, flag: &str, asked: &Asked, document: &str) {
        *self.counts.entry(flag.to_owned()).or_default() += 1;
        let line = json!({
            "anchor": asked.text,
            "positive_id": document,
            "source": asked.source,
            "flag": flag,
        });
        self.lines.push_str(&format!("{line}\n"));
    }
}

/// What should be known before training.
fn notes(counts: &Counts, by_source: &BTreeMap<String, u64>) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |code: &str, message: String| {
        notes.push(Note {
            code: code.to_owned(),
            message,
        });
    };
    let n = counts.train_pairs;
    if n < *WANTED.start() {
        let message = format!(
            "there are {n} pairs to train on, and training wants {} to {}: with so few it may make \
             retrieval worse, which tune eval will tell",
            WANTED.start(),
            WANTED.end()
        );
        note("few-pairs", message);
    }
    if counts.held_out_queries < LEAST_HELD_OUT {
        let message = format!(
            "{} queries are held out: it takes about {LEAST_HELD_OUT} to tell a few points from chance",
            counts.held_out_queries
        );
        note("few-held-out", message);
    }
    let is_drafted = |name: &&String| ["documents", "llm"].contains(&name.as_str());
    if by_source.keys().all(|name| is_drafted(&name)) {
        let message =
            "no query was asked by a person: figures on queries made of the documents tell \
                       two settings apart, and not how well people are served"
                .to_owned();
        note("known-item", message);
    }
    notes
}
