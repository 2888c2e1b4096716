//! Indexes of a collection's corpus, built to be measured.

use super::super::output::Failure;
use super::super::rerank::Reranker;
use super::super::{Named, build, embedder, expansions, open_with_models};
use super::{Arguments, dataset_failure};
use crate::build::{build_documents, default_settings};
use crate::config::Config;
use crate::eval::{BuildCost, Dataset};
use crate::expand::Expander;
use crate::host::IndexHost;
use crate::store::{Folder, folder_size, peak_rss_bytes};
use littoral_guest::Document;
use littoral_guest::engine::{Index, Mode};
use littoral_indexes::manifest::Settings;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

/// A collection and how it is indexed when nothing is changed.
pub(super) struct Collection<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) settings: Settings,
    pub(super) embedder: String,
    expander: Option<Arc<Expander>>,
    threads: usize,
}

/// An index in a folder that ends with it.
pub(super) struct Built {
    folder: TempDir,
    pub(super) cost: BuildCost,
}

impl Built {
    /// Opens it.
    pub(super) fn open(&self, reranker: Option<&Reranker>) -> Result<Index<IndexHost>, Failure> {
        let named = Named {
            reranker: reranker.map(|reranker| &reranker.encoder),
            ..Named::default()
        };
        open_with_models(self.folder.path(), true, named)
    }
}

impl<'a> Collection<'a> {
    /// The collection with the settings that the arguments and the configuration give.
    pub(super) fn new(
        arguments: &Arguments,
        dataset: &'a Dataset,
        modes: &[Mode],
    ) -> Result<Self, Failure> {
        let mut settings = default_settings();
        let config = Config::read(arguments.config.as_deref())
            .and_then(|config| config.apply(&mut settings).map(|()| config))
            .map_err(|error| build::config_failure(&error))?;
        settings.chunk_tokens = arguments.chunk_tokens.unwrap_or(settings.chunk_tokens);
        settings.overlap_tokens = arguments.chunk_overlap.unwrap_or(settings.overlap_tokens);
        build::check_overlap(&settings)?;
        let name = arguments
            .embedder
            .as_ref()
            .or(config.vectors.embedder.as_ref());
        let (named, encoder) = (&arguments.expansions, &arguments.encoder);
        let expander = expansions::choose(named, encoder, &config, &mut settings)?;
        // Words alone need no vectors.
        let words = !modes.is_empty() && modes.iter().all(|&mode| mode == Mode::Lexical);
        let default = if words { "none" } else { embedder::DEFAULT };
        Ok(Self {
            dataset,
            settings,
            embedder: name.map_or(default, String::as_str).to_owned(),
            expander,
            threads: arguments.threads,
        })
    }

    /// Indexes the corpus with `settings` and the embedder called `name`.
    pub(super) fn build(&self, settings: &Settings, name: &str) -> Result<Built, Failure> {
        let no_folder = |e: std::io::Error| Failure::new("write-failed", e.to_string(), "");
        let folder = tempfile::tempdir().map_err(no_folder)?;
        let mut store = Folder::open(folder.path())
            .map_err(|error| Failure::new(error.code(), error.to_string(), error.hint()))?;
        let mut settings = settings.clone();
        let mut tools = embedder::choose(name, &mut settings, self.threads)?;
        if !settings.expansions.source.is_empty() {
            tools.expander.clone_from(&self.expander);
        }
        let start = Instant::now();
        let mut failed = None;
        let corpus = self.dataset.corpus();
        let corpus = corpus.map_err(|error| dataset_failure(&error))?;
        let documents = corpus.map_while(|record| match record {
            Ok(record) => Some(Document::plain(record.id, record.title, record.text)),
            Err(error) => {
                failed = Some(dataset_failure(&error));
                None
            }
        });
        let built = build_documents(documents, &settings, &mut store, &tools);
        if let Some(failure) = failed {
            return Err(failure);
        }
        built.map_err(|error| build::build_failure(&error))?;
        let seconds = start.elapsed().as_secs_f64();
        let index_bytes = folder_size(folder.path()).map_err(no_folder)?.1;
        Ok(Built {
            cost: BuildCost {
                seconds,
                index_bytes,
                peak_rss_bytes: peak_rss_bytes(),
            },
            folder,
        })
    }
}
