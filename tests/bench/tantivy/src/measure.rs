//! Searching and timing.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query as TantivyQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::{DocAddress, Searcher, TantivyDocument, Term};

use crate::index::{self, cpu_seconds};
use crate::input::Query;

const TOP: usize = 10;

#[derive(Serialize)]
pub(crate) struct Ranking {
    pub(crate) id: String,
    pub(crate) hits: Vec<Hit>,
}

#[derive(Serialize)]
pub(crate) struct Hit {
    pub(crate) id: String,
    pub(crate) score: f32,
}

#[derive(Serialize)]
pub(crate) struct Speed {
    /// By the clock; other programs on the machine lower it.
    pub(crate) queries_per_second: f64,
    /// By this process's own time; Linux only.
    pub(crate) queries_per_cpu_second: Option<f64>,
    /// Over all measured queries.
    pub(crate) p50_us: f64,
    /// Over all measured queries.
    pub(crate) p99_us: f64,
    /// Mean of each query's fastest pass: what an idle machine would show.
    pub(crate) best_us: f64,
    /// Passes over all queries.
    pub(crate) passes: usize,
}

pub(crate) struct Engine {
    searcher: Searcher,
    analyzer: tantivy::tokenizer::TextAnalyzer,
    id: Field,
    title: Field,
    text: Field,
    title_boost: f32,
}

impl Engine {
    pub(crate) fn open(folder: &Path, title_boost: f32) -> Result<Self> {
        let index = index::open(folder)?;
        let schema = index.schema();
        Ok(Self {
            searcher: index.reader()?.searcher(),
            id: schema.get_field("id")?,
            title: schema.get_field("title")?,
            text: schema.get_field("text")?,
            analyzer: index.tokenizer_for_field(schema.get_field("text")?)?,
            title_boost,
        })
    }

    pub(crate) fn n_documents(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Documents with any of the query's terms in title or text, by BM25, the title boosted.
    pub(crate) fn search(&self, query: &str) -> Result<Vec<(f32, DocAddress)>> {
        let top = TopDocs::with_limit(TOP).order_by_score();
        Ok(self.searcher.search(&self.parse(query), &top)?)
    }

    /// [`Self::search`], with the stored id and title of each.
    pub(crate) fn search_and_fetch(&self, query: &str) -> Result<Vec<(f32, String, String)>> {
        let found = self.search(query)?;
        found
            .into_iter()
            .map(|(score, address)| {
                let document: TantivyDocument = self.searcher.doc(address)?;
                let stored = |field| {
                    let value = document.get_first(field).and_then(|value| value.as_str());
                    value.map(str::to_owned).context("the store lacks a field")
                };
                Ok((score, stored(self.id)?, stored(self.title)?))
            })
            .collect()
    }

    pub(crate) fn rankings(&self, queries: &[Query]) -> Result<Vec<Ranking>> {
        queries
            .iter()
            .map(|query| {
                let found = self.search_and_fetch(&query.text)?;
                let hits = found
                    .into_iter()
                    .map(|(score, id, _)| Hit { id, score })
                    .collect();
                Ok(Ranking {
                    id: query.id.clone(),
                    hits,
                })
            })
            .collect()
    }

    fn parse(&self, query: &str) -> BooleanQuery {
        let mut clauses: Vec<(Occur, Box<dyn TantivyQuery>)> = Vec::new();
        let mut analyzer = self.analyzer.clone();
        analyzer.token_stream(query).process(&mut |token| {
            for (field, boost) in [(self.text, 1.0), (self.title, self.title_boost)] {
                let term = Term::from_field_text(field, &token.text);
                let matches = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
                clauses.push((Occur::Should, Box::new(BoostQuery::new(matches, boost))));
            }
        });
        BooleanQuery::new(clauses)
    }
}

/// Runs all queries once unmeasured, then again and again for `seconds`, on this thread.
pub(crate) fn speed(
    queries: &[Query],
    seconds: f64,
    mut run: impl FnMut(&str) -> Result<usize>,
) -> Result<Speed> {
    for query in queries {
        black_box(run(&query.text)?);
    }
    let limit = Duration::from_secs_f64(seconds);
    let mut times = Vec::new();
    let mut best = vec![f64::INFINITY; queries.len()];
    let mut passes = 0;
    let (started, started_cpu) = (Instant::now(), cpu_seconds());
    while passes == 0 || started.elapsed() < limit {
        for (query, best) in queries.iter().zip(&mut best) {
            let before = Instant::now();
            black_box(run(&query.text)?);
            let time = before.elapsed().as_secs_f64() * 1e6;
            times.push(time);
            *best = best.min(time);
        }
        passes += 1;
    }
    let n = times.len() as f64;
    let queries_per_second = n / started.elapsed().as_secs_f64();
    let cpu = cpu_seconds()
        .zip(started_cpu)
        .map(|(end, start)| end - start);
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| {
        let rank = (times.len() * share).div_ceil(100);
        times.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
    };
    Ok(Speed {
        queries_per_second,
        queries_per_cpu_second: cpu.map(|cpu| n / cpu),
        p50_us: at(50),
        p99_us: at(99),
        best_us: best.iter().sum::<f64>() / best.len() as f64,
        passes,
    })
}
