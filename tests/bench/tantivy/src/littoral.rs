//! Littoral over the same documents, measured the same way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use littoral_guest::engine::{Mode, Ranking};
use littoral_guest::{Host, HostError, Index, SearchOptions, SearchResult};
use littoral_indexes::envelope::BlockId;
use serde::Serialize;

use crate::input::Query;
use crate::measure::{self, Hit, Speed};

/// What one run measured, in the shape that `lib/score.mjs` reads.
#[derive(Serialize)]
pub(crate) struct Report {
    peer: &'static str,
    n_documents: u32,
    n_queries: usize,
    /// Planning, correction and the first ten document numbers with scores.
    pub(crate) search: Speed,
    /// The same without looking for words that are not in the index, which tantivy does not do.
    pub(crate) search_as_typed: Speed,
    /// [`Self::search`], passages, headings and excerpts.
    pub(crate) search_and_show: Speed,
    pub(crate) rankings: Vec<measure::Ranking>,
}

/// Reads blocks from the files of a folder.
struct Folder(PathBuf);

impl Folder {
    fn file(&self, name: &str) -> Result<Arc<[u8]>, HostError> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => Err(HostError::Unreadable {
                path: name.to_owned(),
                reason: error.to_string(),
            }),
        }
    }
}

impl Host for Folder {
    async fn entry(&self) -> Result<Arc<[u8]>, HostError> {
        self.file(littoral_indexes::manifest::ENTRY_NAME)
    }

    async fn read(&self, blocks: &[BlockId]) -> Result<Vec<Arc<[u8]>>, HostError> {
        blocks
            .iter()
            .map(|block| self.file(&block.path()))
            .collect()
    }
}

struct Engine {
    index: Index<Folder>,
    options: SearchOptions,
}

impl Engine {
    fn ranking(&self, text: &str) -> Result<Ranking> {
        Ok(pollster::block_on(self.index.ranking(text, &self.options))?)
    }

    fn search(&self, text: &str) -> Result<SearchResult> {
        Ok(pollster::block_on(self.index.search(text, &self.options))?)
    }
}

/// Measures the index in `folder` on `queries`.
pub(crate) fn measure(folder: &Path, queries: &[Query], seconds: f64) -> Result<Report> {
    let index = pollster::block_on(Index::open(Folder(folder.to_owned())))
        .with_context(|| format!("cannot open {}", folder.display()))?;
    let options = SearchOptions {
        mode: Mode::Lexical,
        ..SearchOptions::default()
    };
    let mut engine = Engine { index, options };
    let hits = |result: SearchResult| -> Vec<Hit> {
        let hits = result.hits.into_iter();
        hits.map(|hit| Hit {
            id: hit.document.id,
            score: hit.score as f32,
        })
        .collect()
    };
    let mut rankings = Vec::new();
    for query in queries {
        rankings.push(measure::Ranking {
            id: query.id.clone(),
            hits: hits(engine.search(&query.text)?),
        });
    }
    let rank = |engine: &Engine| {
        measure::speed(queries, seconds, |text| {
            engine.ranking(text).map(|ranking| ranking.documents.len())
        })
    };
    let search = rank(&engine)?;
    let search_and_show = measure::speed(queries, seconds, |text| {
        engine.search(text).map(|result| result.hits.len())
    })?;
    engine.options.correct = false;
    let search_as_typed = rank(&engine)?;
    Ok(Report {
        peer: "littoral",
        n_documents: engine.index.n_documents(),
        n_queries: queries.len(),
        search,
        search_as_typed,
        search_and_show,
        rankings,
    })
}

/// Mean share of the first ten that both rankings have.
pub(crate) fn overlap(ours: &[measure::Ranking], theirs: &[measure::Ranking]) -> f64 {
    let share = |(a, b): (&measure::Ranking, &measure::Ranking)| {
        let common = |hit: &&Hit| b.hits.iter().any(|other| other.id == hit.id);
        let most = a.hits.len().max(b.hits.len()).max(1);
        a.hits.iter().filter(common).count() as f64 / most as f64
    };
    ours.iter().zip(theirs).map(share).sum::<f64>() / ours.len().max(1) as f64
}
