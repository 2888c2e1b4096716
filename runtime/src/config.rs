//! `littoral.toml`: what a project says once instead of on every command line.

use littoral_indexes::manifest::Settings;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Name of the file that is read when it stands in the working folder.
pub const CONFIG_NAME: &str = "littoral.toml";

/// Most candidates that are rescored.
const MAX_RESCORE: u16 = 1_000;

/// Why a configuration could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A number is beyond its bounds.
    #[error("{key} = {value} is not within {least} and {most}")]
    Range {
        /// The key.
        key: &'static str,
        /// What it says.
        value: f64,
        /// Least legal value.
        least: f64,
        /// Greatest legal value.
        most: f64,
    },
    /// It is not what it should be.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Place and reason.
        source: toml::de::Error,
    },
}

impl ConfigError {
    /// The stable kebab-case code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "config-unreadable",
            Self::Parse { .. } | Self::Range { .. } => "config-invalid",
        }
    }
}

/// The whole file; every key may be left out.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How documents are read.
    pub ingest: Ingest,
    /// How they are cut.
    pub chunks: Chunks,
    /// How words are read.
    pub analysis: Analysis,
    /// How they score.
    pub scoring: Scoring,
    /// Whether and how they become vectors.
    pub vectors: Vectors,
    /// Words that documents are to be found by beside their own.
    pub expansions: Expansions,
}

/// How documents are read.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Ingest {
    /// Where the input is published.
    pub base_url: Option<String>,
    /// Declared language of all documents, or `auto`.
    pub lang: Option<String>,
    /// Globs of files to read.
    pub include: Vec<String>,
    /// Globs of files to leave out.
    pub exclude: Vec<String>,
    /// Selector of the element that holds a page's content.
    pub root_selector: Option<String>,
    /// Selectors of elements left out.
    pub exclude_selectors: Vec<String>,
}

/// How documents are cut.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Chunks {
    /// Budget in tokens.
    pub tokens: Option<u32>,
    /// Tokens repeated from the chunk before.
    pub overlap: Option<u32>,
}

/// How words are read.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Analysis {
    /// Whether words are stemmed.
    pub stemming: Option<bool>,
    /// Whether positions are stored.
    pub positions: Option<bool>,
    /// Groups of words or phrases that mean the same.
    pub synonyms: Vec<Vec<String>>,
    /// Acronyms and what they stand for.
    pub acronyms: std::collections::BTreeMap<String, String>,
}

/// How words score. Numbers as in the literature, to two decimals.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Scoring {
    /// Saturation of term frequencies, 0 to 2.
    pub k1: Option<f64>,
    /// Length normalisation, 0 to 1.
    pub b: Option<f64>,
    /// Weight of a word in the title, 0 to 10.
    pub title_weight: Option<f64>,
    /// Weight of a word in the headings, 0 to 10.
    pub heading_weight: Option<f64>,
    /// Share of the whole document in a chunk's score, 0 to 1.
    pub document_share: Option<f64>,
    /// Weight of a word in the document's expansion, 0 to 10.
    pub expansion_weight: Option<f64>,
}

/// Whether and how documents become vectors.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Vectors {
    /// `table`, `minilm`, a model's name or file, or `none`.
    pub embedder: Option<String>,
    /// Candidates rescored by finer rows, which take 388 bytes a chunk; 0 for no such rows.
    pub rescore: Option<u16>,
}

/// Words that documents are to be found by beside their own, with weights.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Expansions {
    /// A JSONL file with one record a document.
    pub file: Option<PathBuf>,
    /// A learned sparse encoder in ONNX: its folder, or its graph.
    pub encoder: Option<PathBuf>,
}

impl Config {
    /// Reads `path`, or `littoral.toml` in the working folder when there is one.
    ///
    /// # Errors
    /// [`ConfigError`] when the file named cannot be read, or says what cannot be.
    pub fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let (path, must_exist) = match path {
            Some(path) => (path.to_owned(), true),
            None => (PathBuf::from(CONFIG_NAME), false),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|source| ConfigError::Parse { path, source }),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound && !must_exist => {
                Ok(Self::default())
            }
            Err(source) => Err(ConfigError::Read { path, source }),
        }
    }

    /// Puts what the file says into `settings`.
    ///
    /// # Errors
    /// [`ConfigError::Range`] when a number is beyond its bounds.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), ConfigError> {
        settings.chunk_tokens = self.chunks.tokens.unwrap_or(settings.chunk_tokens);
        settings.overlap_tokens = self.chunks.overlap.unwrap_or(settings.overlap_tokens);
        settings.stemming = self.analysis.stemming.unwrap_or(settings.stemming);
        settings.positions = self.analysis.positions.unwrap_or(settings.positions);
        settings.synonyms = self.synonyms();
        let lang = self.ingest.lang.as_deref().filter(|&lang| lang != "auto");
        lang.unwrap_or_default().clone_into(&mut settings.lang);
        settings.base_url = self.ingest.base_url.clone().unwrap_or_default();
        settings.embedding.rescore = self.vectors.rescore.unwrap_or_default();
        if settings.embedding.rescore > MAX_RESCORE {
            return Err(ConfigError::Range {
                key: "vectors.rescore",
                value: f64::from(settings.embedding.rescore),
                least: 0.0,
                most: f64::from(MAX_RESCORE),
            });
        }
        if !(16..=4096).contains(&settings.chunk_tokens) {
            let (key, value) = ("chunks.tokens", f64::from(settings.chunk_tokens));
            return Err(ConfigError::Range {
                key,
                value,
                least: 16.0,
                most: 4096.0,
            });
        }
        let scoring = &self.scoring;
        let into = &mut settings.scoring;
        for (key, value, most, place) in [
            ("scoring.k1", scoring.k1, 2.0, &mut into.k1),
            ("scoring.b", scoring.b, 1.0, &mut into.b),
            (
                "scoring.title_weight",
                scoring.title_weight,
                10.0,
                &mut into.title_weight,
            ),
            (
                "scoring.heading_weight",
                scoring.heading_weight,
                10.0,
                &mut into.heading_weight,
            ),
            (
                "scoring.document_share",
                scoring.document_share,
                1.0,
                &mut into.document_share,
            ),
            (
                "scoring.expansion_weight",
                scoring.expansion_weight,
                10.0,
                &mut into.expansion_weight,
            ),
        ] {
            let Some(value) = value else { continue };
            if !(0.0..=most).contains(&value) {
                return Err(ConfigError::Range {
                    key,
                    value,
                    least: 0.0,
                    most,
                });
            }
            *place = (value * 100.0).round() as u16;
        }
        Ok(())
    }

    /// All groups of synonyms, those of acronyms included.
    pub fn synonyms(&self) -> Vec<Vec<String>> {
        let mut groups = self.analysis.synonyms.clone();
        groups.extend(
            self.analysis
                .acronyms
                .iter()
                .map(|(short, long)| vec![short.clone(), long.clone()]),
        );
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_a_misspelt_key_is_named_with_its_line() {
        let config: Config = toml::from_str(
            "[chunks]\ntokens = 128\n[analysis]\nsynonyms = [[\"js\", \"javascript\"]]\n\
             [analysis.acronyms]\nCI = \"continuous integration\"\n",
        )
        .unwrap();
        assert_eq!(config.chunks.tokens, Some(128));
        assert_eq!(config.synonyms().len(), 2);
        let error = toml::from_str::<Config>("[chunks]\ntoken = 128\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 2") && error.contains("token"),
            "{error}"
        );
    }
}
