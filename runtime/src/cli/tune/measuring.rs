//! What `littoral tune eval` and `littoral tune deploy` measure: an index as it is, and as it would be.

use super::super::output::{self, Failure};
use super::super::{Named, build, embedder, engine_failure, open, open_with_models};
use super::failure;
use crate::build::{TABLE, Tools};
use crate::embed::TextEncoder;
use crate::eval::Dataset;
use crate::host::IndexHost;
use crate::models::pack::FAST;
use crate::store::Folder;
use crate::tune::measure::{Measured, Measurement, TrainedOn};
use crate::tune::merged::{Merged, base_of};
use crate::tune::overlay::Delta;
use crate::tune::pairs::Pairs;
use crate::tune::tuned::Tuned;
use crate::tune::{Corpus, TuneError};
use crate::update::Control;
use littoral_guest::engine::{Index, Rerank};
use littoral_indexes::manifest::Gains;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What is measured, and with what.
#[derive(Debug, clap::Args)]
pub(super) struct Measuring {
    /// What `tune train` wrote: the file of a table, or the folder of an encoder's adapter or of a reranker
    pub(super) tuned: PathBuf,
    /// The index that it is for: a table's is the one that it was tuned from
    #[arg(long, value_name = "INDEX")]
    pub(super) index: PathBuf,
    /// The folder of pairs [default: the one that it was tuned on]
    data: Option<PathBuf>,
    /// A judged collection that is not of the domain, of the same documents [default: queries drafted
    /// from the documents]
    #[arg(long, value_name = "BEIR_DIR")]
    general: Option<PathBuf>,
    /// Which judgements of that collection
    #[arg(
        long,
        value_name = "SPLIT",
        default_value = "test",
        requires = "general"
    )]
    general_split: String,
    /// How far nDCG@10 of general queries may fall
    #[arg(long, default_value_t = 0.01, value_parser = super::super::ask::share)]
    pub(super) margin: f64,
    /// The model that it was trained from [default: the folder that it names]
    #[arg(long, value_name = "FOLDER")]
    pub(super) model: Option<PathBuf>,
    /// What the tuned model is to be called [default: as its folder]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Candidates of a query that a reranker reads
    #[arg(long, value_name = "N", default_value_t = Rerank::DEPTH as u16, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) rerank_depth: u16,
    /// Threads that encode documents; 0 for one a core
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// What would be deployed.
pub(super) enum Proposal {
    /// A table, as what it adds to the index.
    Table(Box<Delta>),
    /// An encoder, and what encodes documents with it.
    Encoder(Box<Merged>, Box<Tools>),
}

/// An index that was measured with and without a tuning.
pub(super) struct Proved {
    /// The index as it is.
    pub(super) index: Index<IndexHost>,
    /// The figures.
    pub(super) measured: Measured,
    /// What the index would say of them.
    pub(super) gains: Gains,
    /// What would be deployed.
    pub(super) proposal: Proposal,
}

impl Measuring {
    /// Measures.
    pub(super) fn run(&self) -> Result<Proved, Failure> {
        if self.tuned.is_dir() {
            self.encoder()
        } else {
            self.table()
        }
    }

    fn table(&self) -> Result<Proved, Failure> {
        let shown = |error: TuneError| failure(&error);
        let tuned = Tuned::read(&self.tuned).map_err(shown)?;
        let index = open(&self.index)?;
        let delta = Delta::of(&tuned, &self.tuned, &index).map_err(shown)?;
        let over = delta.over(index.host().clone());
        let over = over.map_err(|error| shown(error.into()))?;
        let after = pollster::block_on(Index::open(over)).map_err(|e| engine_failure(&e))?;
        let record = &tuned.record;
        let of = (
            record.data.as_str(),
            Some(record.data_hash.as_str()),
            record.n_pairs,
        );
        let (measured, gains) = self.measure(&index, &after, of)?;
        Ok(Proved {
            index,
            measured,
            gains,
            proposal: Proposal::Table(Box::new(delta.with_gains(gains))),
        })
    }

    fn encoder(&self) -> Result<Proved, Failure> {
        let shown = |error: TuneError| failure(&error);
        let index = self.with_own_encoder()?;
        let model = match &self.model {
            Some(model) => model.clone(),
            None => base_of(&self.tuned).map_err(shown)?,
        };
        let merged = Merged::new(&self.tuned, &model, &self.name()?, FAST).map_err(shown)?;
        let encoder = Arc::clone(&merged.encoder) as Arc<dyn TextEncoder>;
        let tools = embedder::with_encoder(Arc::clone(&encoder), self.threads)?;
        output::notice("encoding the documents with the tuned encoder…");
        let no_folder = |e: std::io::Error| Failure::new("write-failed", e.to_string(), "");
        let scratch = tempfile::tempdir().map_err(no_folder)?;
        let mut folder = Folder::open(scratch.path())
            .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
        write(&merged, &index, Gains::default(), &mut folder, &tools)?;
        let mut host = IndexHost::new(scratch.path());
        // Queries that a table encodes are not to be encoded better than in use.
        if index.manifest().settings.embedding.embedder != TABLE {
            host = host.with_encoder(encoder);
        }
        let after = pollster::block_on(Index::open(host)).map_err(|e| engine_failure(&e))?;
        let record = merged.origin.as_ref();
        let record = record.and_then(|origin| origin.training.as_ref());
        let of = (
            record.map_or("", |record| record.data.as_str()),
            record.map(|record| record.data_hash.as_str()),
            record.map_or(0, |record| record.n_pairs),
        );
        let (measured, gains) = self.measure(&index, &after, of)?;
        Ok(Proved {
            index,
            measured,
            gains,
            proposal: Proposal::Encoder(Box::new(merged), Box::new(tools)),
        })
    }

    /// What the tuned model is to be called.
    pub(super) fn name(&self) -> Result<String, Failure> {
        let folder = self.tuned.canonicalize().unwrap_or_default();
        let folder = folder.file_name().unwrap_or_default().to_string_lossy();
        let name = self.name.clone().unwrap_or_else(|| folder.into_owned());
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(is_name) || name == TABLE || name == "none" {
            return Err(Failure::new(
                "bad-name",
                format!("{name:?} cannot be the name of a model"),
                "give one of letters, digits, - and _ with --name",
            ));
        }
        Ok(name)
    }

    /// The index as it is, with the encoder of its queries where they need one.
    fn with_own_encoder(&self) -> Result<Index<IndexHost>, Failure> {
        let index = open_with_models(&self.index, true, Named::default())?;
        let embedding = &index.manifest().settings.embedding;
        if embedding.embedder.is_empty() {
            return Err(Failure::new(
                "no-vectors",
                "the index has no vectors, so no encoder can better them",
                "build the index with --embedder table or with the encoder that was tuned",
            ));
        }
        let own = embedding.embedder.as_str();
        let found = embedder::for_queries(own, embedding.model, None)?;
        if own != TABLE && found.is_none() {
            return Err(Failure::new(
                "no-encoder",
                format!("the index has vectors of {own:?}, and its encoder is not here"),
                "fetch it with littoral model pull, or build the index anew with another --embedder",
            ));
        }
        Ok(index)
    }

    /// Measures what was tuned on the pairs in a folder, with a hash where it is known, so many of them.
    fn measure<B: littoral_guest::Host + Sync>(
        &self,
        index: &Index<IndexHost>,
        after: &Index<B>,
        (folder, hash, n_pairs): (&str, Option<&str>, u64),
    ) -> Result<(Measured, Gains), Failure> {
        let sets = self.sets(folder)?;
        let corpus = Corpus::read(index).map_err(|error| failure(&error))?;
        output::notice("measuring before and after…");
        let measured = sets.measurement(hash, self.margin);
        let measured = measured.run(index, after, &corpus);
        let measured = measured.map_err(|error| failure(&error))?;
        let gains = measured.gains(&sets.pairs, n_pairs);
        Ok((measured, gains))
    }

    /// The queries to measure with, of the pairs in `folder` unless others are named.
    pub(super) fn sets(&self, folder: &str) -> Result<Sets, Failure> {
        let shown = |error: TuneError| failure(&error);
        let folder = self.data.clone().unwrap_or_else(|| folder.into());
        if folder.as_os_str().is_empty() {
            return Err(Failure::new(
                "no-data",
                "nothing says which pairs to measure with",
                "name the folder of pairs behind that of the model",
            ));
        }
        let general = self.general.as_ref();
        let general = general.map(|folder| Dataset::open(folder, &self.general_split));
        Ok(Sets {
            pairs: Pairs::read(&folder).map_err(shown)?,
            general: general.transpose().map_err(|error| shown(error.into()))?,
        })
    }
}

/// Queries to measure with.
pub(super) struct Sets {
    pairs: Pairs,
    general: Option<Dataset>,
}

impl Sets {
    /// A measurement of what was tuned on pairs with this hash, where it is known.
    pub(super) fn measurement(&self, hash: Option<&str>, margin: f64) -> Measurement<'_> {
        Measurement {
            pairs: &self.pairs,
            trained: TrainedOn::of(hash, &self.pairs),
            general: self.general.as_ref(),
            margin,
        }
    }
}

/// Writes the documents of `index` with the vectors of `merged` into `folder`.
pub(super) fn write(
    merged: &Merged,
    index: &Index<IndexHost>,
    gains: Gains,
    folder: &mut Folder,
    tools: &Tools,
) -> Result<(), Failure> {
    let control = Control {
        stop: &AtomicBool::new(false),
        progress: &|| {},
    };
    let written = merged.index(index, gains, folder, tools, &control);
    written.map_err(|error| build::build_failure(&error))
}
