//! Trains: rows of a folder of pairs and an index in, a tuned table out.
//!
//! A part of the training queries is set aside, by document, to choose how many steps to take. Then all
//! of them are trained on for so many steps. Held-out queries play no part.

use super::corpus::Corpus;
use super::error::TuneError;
use super::overlay::Delta;
use super::pairs::{Pairs, Row};
use super::sources::Asked;
use super::split::{lot, split};
use super::table::{Name, Table};
use super::tuned::{Point, Record, Tuned};
use crate::build::CREATED_BY;
use crate::eval::fit::fit_fusion;
use crate::eval::{Dataset, Query as Judged};
use crate::pipeline::Pool;
use littoral_guest::Host;
use littoral_guest::answer::sentences;
use littoral_guest::engine::{Index, SearchOptions};
use littoral_guest::table::spans::of_sentence;
use littoral_guest::table::tune::{Example, Look, TuneInput, TuneOptions, tune};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Share of the training queries that choose.
const CHOOSING: f64 = 0.2;

/// Texts drawn from the documents that are to rank passages as before.
const GENERAL: usize = 20_000;

/// Queries that a word without a row must be in, to get one.
const LEAST_QUERIES: usize = 2;

/// What is trained, beside the numbers.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The folder that the pairs were read from.
    pub data: &'a str,
    /// How.
    pub options: &'a TuneOptions,
    /// Whether how rankings are joined is chosen, too.
    pub with_fusion: bool,
}

/// Trains on the rows of `pairs` by `plan`. `look` is shown how training goes, and whether it is the last
/// one.
///
/// # Errors
/// [`TuneError::NoTable`] for an index without a query table, [`TuneError::NothingLinked`] when no row
/// leads to a passage of the index.
pub fn train<H: Host + Clone>(
    index: &Index<H>,
    corpus: &Corpus,
    pairs: &Pairs,
    plan: Plan<'_>,
    pool: &Pool,
    mut look: impl FnMut(&Look, bool),
) -> Result<Tuned, TuneError> {
    let Plan {
        data,
        options,
        with_fusion,
    } = plan;
    let start = Instant::now();
    let table = Table::read(index)?.ok_or(TuneError::NoTable)?;
    let queries = queries(corpus, &pairs.train);
    if queries.is_empty() {
        let n_read = pairs.train.len() as u64;
        return Err(TuneError::NothingLinked { n_read });
    }
    let asked: Vec<Asked> = queries.iter().map(|query| query.asked.clone()).collect();
    let parts = split(&asked, corpus, CHOOSING, options.seed);
    let general = general(corpus, options.seed);
    let lexis = Lexis::new(&table, &queries, &general);
    let example = |query: &Query| Example {
        rows: lexis.numbers(&table, &query.asked.text),
        documents: query.asked.relevant.keys().map(|&d| d as u32).collect(),
        negatives: query.negatives.clone(),
    };
    let all: Vec<Example> = queries.iter().map(example).collect();
    let some = |places: &[usize]| -> Vec<Example> {
        places.iter().map(|&place| all[place].clone()).collect()
    };
    let (examples, choosing) = (some(&parts.train), some(&parts.held_out));
    let general: Vec<Example> = general
        .iter()
        .map(|(text, document)| Example {
            rows: lexis.numbers(&table, text),
            documents: vec![*document as u32],
            negatives: Vec::new(),
        })
        .filter(|example| !example.rows.is_empty())
        .collect();
    let documents: Vec<(u32, u32)> = corpus
        .documents
        .iter()
        .map(|document| (document.first as u32, document.passages.len() as u32))
        .collect();
    let chunks = cut(corpus, table.dims());
    let input = TuneInput {
        dims: table.dims(),
        rows: &lexis.rows,
        examples: &examples,
        choosing: &choosing,
        general: &general,
        chunks: &chunks,
        documents: &documents,
    };
    let mut curve = Vec::new();
    let (chosen, best) = tune(&input, options, pool, |seen| {
        look(seen, false);
        curve.push(Point {
            step: seen.step,
            loss: f64::from(seen.loss),
            ndcg: seen.ndcg,
        });
    });
    let last = TuneInput {
        examples: &all,
        choosing: &[],
        ..input
    };
    // The pace is that of the full length, so that the best step is the same moment of it.
    let at_best = TuneOptions {
        end: Some(best.step),
        ..*options
    };
    let (correction, _) = tune(&last, &at_best, pool, |seen| {
        look(seen, true);
    });
    let fusion = if with_fusion && best.step > 0 {
        let chosen = Tuned::new(Record::default(), &lexis.names, chosen);
        let choosing = parts.held_out.iter().map(|&place| &asked[place]);
        fusion(
            index,
            corpus,
            &table,
            &chosen,
            &choosing.collect::<Vec<_>>(),
        )?
    } else {
        None
    };
    let record = Record {
        target: "table".to_owned(),
        created_by: CREATED_BY.to_owned(),
        model: hex(&index.manifest().settings.embedding.model),
        table: table.hash(),
        data: data.to_owned(),
        data_hash: pairs.hash.clone(),
        n_pairs: pairs.train.len() as u64,
        n_queries: queries.len() as u64,
        n_choosing: choosing.len() as u64,
        new_words: lexis.n_new as u64,
        options: named(options),
        curve,
        best_step: best.step,
        fusion,
        leaks: 0,
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok(Tuned::new(record, &lexis.names, correction))
}

/// How rankings are joined best with the table `tuned`, by queries that it was not trained on; `None` as
/// before, where nothing is better beyond chance.
fn fusion<H: Host + Clone>(
    index: &Index<H>,
    corpus: &Corpus,
    table: &Table,
    tuned: &Tuned,
    choosing: &[&Asked],
) -> Result<Option<u16>, TuneError> {
    let payloads = tuned.blocks(table)?;
    let delta = Delta::new(index.manifest(), &payloads, None);
    let after = pollster::block_on(Index::open(delta.over(index.host().clone())?))?;
    let queries = (0..).zip(choosing).map(|(i, asked): (usize, _)| Judged {
        id: i.to_string(),
        text: asked.text.clone(),
    });
    let judged = (0..).zip(choosing).flat_map(|(i, asked): (usize, _)| {
        let documents = asked.relevant.keys();
        documents.map(move |&d| (i.to_string(), corpus.documents[d].id.clone(), 1))
    });
    let dataset = Dataset::new("train", "choosing", queries.collect(), judged.collect());
    let fitted = fit_fusion(&after, &dataset, &SearchOptions::default(), index.fusion())?;
    let kept = fitted.filter(|fitted| fitted.kept);
    Ok(kept.map(|fitted| fitted.chosen.setting()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn named(options: &TuneOptions) -> BTreeMap<String, f64> {
    let numbers = [
        ("steps", f64::from(options.steps)),
        ("batch", options.batch as f64),
        ("temperature", f64::from(options.temperature)),
        ("map_rate", f64::from(options.map_rate)),
        ("gain_rate", f64::from(options.gain_rate)),
        ("move_rate", f64::from(options.move_rate)),
        ("pull", f64::from(options.pull)),
        ("hold", f64::from(options.hold)),
        ("own", f64::from(options.own)),
        ("sample", options.sample as f64),
        ("seed", options.seed as f64),
    ];
    numbers.map(|(name, n)| (name.to_owned(), n)).into()
}

/// A query of the training, with its negatives as places among all passages.
struct Query {
    asked: Asked,
    negatives: Vec<u32>,
}

/// The rows by their queries, in the order of their ids; what the index has not is left out.
fn queries(corpus: &Corpus, rows: &[Row]) -> Vec<Query> {
    let mut queries: BTreeMap<&str, Query> = BTreeMap::new();
    for row in rows {
        let Some(document) = corpus.of_id(&row.positive_place.0) else {
            continue;
        };
        let query = queries.entry(&row.query_id).or_insert_with(|| Query {
            asked: Asked {
                text: row.anchor.clone(),
                relevant: BTreeMap::new(),
                source: row.source,
            },
            negatives: Vec::new(),
        });
        query.asked.relevant.insert(document, 1);
        query
            .negatives
            .extend(row.negative_places.iter().filter_map(|(id, chunk)| {
                let document = &corpus.documents[corpus.of_id(id)?];
                (*chunk < document.passages.len()).then_some((document.first + chunk) as u32)
            }));
    }
    for query in queries.values_mut() {
        query.negatives.sort_unstable();
        query.negatives.dedup();
    }
    queries.into_values().collect()
}

/// Texts shaped like queries, drawn from the documents by lot, each with the place of its document.
fn general(corpus: &Corpus, seed: u64) -> Vec<(String, usize)> {
    let mut texts: BTreeMap<String, usize> = BTreeMap::new();
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (d, document) in corpus.documents.iter().enumerate() {
        places.extend((0..document.passages.len()).map(|p| (d, p)));
    }
    places.sort_by_cached_key(|&(d, p)| lot(seed, &format!("{} {p}", corpus.documents[d].id)));
    for (d, p) in places {
        let body = &corpus.documents[d].passages[p].body;
        for place in sentences(body) {
            of_sentence(&body[place], &mut |span| {
                texts.entry(span.text).or_insert(d);
            });
        }
        if texts.len() >= GENERAL {
            break;
        }
    }
    texts.into_iter().collect()
}

/// The vectors of all passages along the first `dims` axes, of length 1.
fn cut(corpus: &Corpus, dims: usize) -> Vec<f32> {
    let vectors = corpus.vectors.chunks_exact(corpus.dims.max(1));
    let cut = vectors.flat_map(|vector| {
        let first = &vector[..dims.min(vector.len())];
        let length = first.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
        first.iter().map(move |x| x / length)
    });
    cut.collect()
}

/// What the texts of a training are sums of.
struct Lexis {
    /// Ascending.
    names: Vec<Name>,
    /// Rows as the table has them, zeros for those that it has not. `[names, dims]`
    rows: Vec<f32>,
    /// Names that the table has no row of.
    n_new: usize,
}

impl Lexis {
    fn new(table: &Table, queries: &[Query], general: &[(String, usize)]) -> Self {
        let mut counts: BTreeMap<Name, usize> = BTreeMap::new();
        for query in queries {
            let names: BTreeSet<Name> = table.names(&query.asked.text).into_iter().collect();
            for name in names {
                *counts.entry(name).or_default() += 1;
            }
        }
        for (text, _) in general {
            for name in table.names(text) {
                counts.entry(name).or_default();
            }
        }
        let mut lexis = Self {
            names: Vec::new(),
            rows: Vec::new(),
            n_new: 0,
        };
        for (name, n) in counts {
            let row = table.row(&name.home, &name.key);
            let is_new = row.is_none();
            if is_new && n < LEAST_QUERIES {
                continue;
            }
            lexis.n_new += usize::from(is_new);
            lexis
                .rows
                .extend(row.unwrap_or_else(|| vec![0.0; table.dims()]));
            lexis.names.push(name);
        }
        lexis
    }

    /// The numbers of what `text` is the sum of.
    fn numbers(&self, table: &Table, text: &str) -> Vec<u32> {
        let names = table.names(text).into_iter();
        let numbers = names.filter_map(|name| self.names.binary_search(&name).ok());
        numbers.map(|number| number as u32).collect()
    }
}
