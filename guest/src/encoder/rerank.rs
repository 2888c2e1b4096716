//! Reranking: how well a text answers a query, by a model that reads both together.
//!
//! Source: Nogueira and Cho, *Passage Re-ranking with BERT* (2019).

use super::Encoder;

/// A query and a text as tokens, and how many of them are the query's.
pub type Pair = (Vec<u32>, usize);

/// The relevance that log odds stand for: a number from 0 to 1.
pub fn relevance(log_odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-log_odds))
}

impl Encoder {
    /// Whether the model is a cross-encoder whose outputs mean relevance: one, or two of which the
    /// second is it.
    pub fn is_reranker(&self) -> bool {
        matches!(self.model.config.labels, 1 | 2)
    }

    /// How relevant each of `texts` is to `query`, as a number from 0 to 1: the [`relevance`] of its
    /// log odds. `None` when the model [is no reranker](Encoder::is_reranker).
    ///
    /// A pair that is too long for the model loses the end of its longer half.
    pub fn rerank(&self, query: &str, texts: &[&str]) -> Option<Vec<f64>> {
        let log_odds = self.log_odds(&self.pairs(query, texts))?;
        Some(log_odds.into_iter().map(relevance).collect())
    }

    /// `query` with each of `texts`, as the model reads them.
    pub fn pairs(&self, query: &str, texts: &[&str]) -> Vec<Pair> {
        let tokenizer = self.tokenizer();
        let pair = |text: &&str| tokenizer.encode_pair(query, text, self.max_tokens());
        texts.iter().map(pair).collect()
    }

    /// The classifier's output for each of `pairs`, or the second over the first where there are two.
    /// `None` when the model is no reranker.
    pub fn log_odds(&self, pairs: &[Pair]) -> Option<Vec<f64>> {
        if !self.is_reranker() {
            return None;
        }
        let outputs = self.score_pairs(pairs)?;
        let labels = self.model.config.labels;
        Some(outputs.chunks_exact(labels).map(of_outputs).collect())
    }

    /// The log odds of a pair whose first token has `vector`, `[hidden]`, behind the last layer. `None`
    /// when the model is no reranker.
    pub fn log_odds_of(&self, vector: &[f32]) -> Option<f64> {
        if !self.is_reranker() {
            return None;
        }
        Some(of_outputs(&self.classify(vector)?))
    }
}

fn of_outputs(outputs: &[f32]) -> f64 {
    let [first, second] = match *outputs {
        [output] => [0.0, output],
        [first, second, ..] => [first, second],
        [] => [0.0; 2],
    };
    f64::from(second) - f64::from(first)
}
