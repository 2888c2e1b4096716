//! Reranking: how well a text answers a query, by a model that reads both together.
//!
//! Source: Nogueira and Cho, *Passage Re-ranking with BERT* (2019).

use super::Encoder;

impl Encoder {
    /// Whether the model is a cross-encoder whose outputs mean relevance: one, or two of which the
    /// second is it.
    pub fn is_reranker(&self) -> bool {
        matches!(self.model.config.labels, 1 | 2)
    }

    /// How relevant each of `texts` is to `query`, as a number from 0 to 1: the logistic function of
    /// the classifier's output, or of the second over the first where there are two. `None` when the
    /// model [is no reranker](Encoder::is_reranker).
    ///
    /// A pair that is too long for the model loses the end of its longer half.
    pub fn rerank(&self, query: &str, texts: &[&str]) -> Option<Vec<f64>> {
        if !self.is_reranker() {
            return None;
        }
        let tokenizer = self.tokenizer();
        let pairs = texts
            .iter()
            .map(|text| tokenizer.encode_pair(query, text, self.max_tokens()));
        let outputs = self.score_pairs(&pairs.collect::<Vec<_>>())?;
        let relevance = |outputs: &[f32]| {
            let [first, second] = match *outputs {
                [output] => [0.0, output],
                [first, second, ..] => [first, second],
                [] => [0.0; 2],
            };
            1.0 / (1.0 + libm::exp(f64::from(first) - f64::from(second)))
        };
        let labels = self.model.config.labels;
        Some(outputs.chunks_exact(labels).map(relevance).collect())
    }
}
