//! What an index was built with.

use bincode::{Decode, Encode};

/// How texts become chunks and terms, and how terms are weighted. Settings that differ make another
/// index.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Settings {
    /// Budget of a chunk in tokens.
    pub chunk_tokens: u32,
    /// Tokens repeated from the chunk before.
    pub overlap_tokens: u32,
    /// Whether words are stemmed.
    pub stemming: bool,
    /// Whether positions are stored.
    pub positions: bool,
    /// Groups of words that mean the same, used at query time.
    pub synonyms: Vec<Vec<String>>,
    /// Declared language of all documents; empty to detect each one's.
    pub lang: String,
    /// Where the documents are published; empty for paths as they are.
    pub base_url: String,
    /// Scoring parameters in hundredths.
    pub scoring: ScoringParameters,
    /// How documents and queries become vectors.
    pub embedding: Embedding,
    /// Where documents' expansions come from.
    pub expansions: Expansions,
}

impl Settings {
    /// The settings as bytes: equal settings give equal bytes, and only they.
    pub fn canonical(&self) -> Vec<u8> {
        bincode::encode_to_vec(self, bincode::config::standard()).unwrap_or_default()
    }
}

/// How documents and queries become vectors; all empty when there are none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Default)]
pub struct Embedding {
    /// Name of the embedder: `table`, `minilm`, or that of a folder. Empty for no vectors.
    pub embedder: String,
    /// Identifies the model that encoded the documents.
    pub model: [u8; 8],
    /// Candidates whose scores are computed anew from finer rows; 0 when there are no such rows.
    pub rescore: u16,
}

/// Where the expansions of documents come from, beside those that records of documents carry: what
/// an update must have at hand. All empty for nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Default)]
pub struct Expansions {
    /// `file`, or the name of the model that gives them.
    pub source: String,
    /// Identifies the model; zeros for a file.
    pub model: [u8; 8],
}

/// Parameters of BM25F in hundredths, and the share of the whole document in a chunk's score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ScoringParameters {
    /// Saturation of term frequencies: low counts presence, high counts repetition. 0–200.
    pub k1: u16,
    /// Length normalisation of the text: 0 none, 100 full.
    pub b: u16,
    /// Weight of a word in the title beside one in the text.
    pub title_weight: u16,
    /// Weight of a word in the headings beside one in the text.
    pub heading_weight: u16,
    /// Share of the whole document in the score of each of its chunks. 0–100.
    pub document_share: u16,
    /// Weight of a word in the document's expansion beside one in the text.
    pub expansion_weight: u16,
}

/// Averages that impacts were computed with; kept until the index is compacted, so that segments
/// agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
pub struct Averages {
    /// Mean words of a chunk's text, in 1/256.
    pub chunk_words: u32,
    /// Mean words of a document's text, in 1/256.
    pub document_words: u32,
}
