//! Whether what was found answers a question at all.

use serde::{Deserialize, Serialize};

/// Evidence below which there is no answer, when neither the index nor the caller says otherwise.
pub const THRESHOLD: f64 = 0.5;

/// How well what was found answers a question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The whole of it, 0 to 1: the share of questions like this that documents like these answer.
    pub score: f64,
    /// What the score had to reach.
    pub threshold: f64,
    /// The share of the question, its words weighted by rarity, that the best passage holds in its
    /// text, title and headings.
    pub coverage: f64,
    /// The share that the best sentence holds.
    pub sentence: f64,
    /// The highest similarity of a passage to the question by vectors; `None` where none answered.
    pub cosine: Option<f64>,
    /// The best passage's score by words, beside what the question's words weigh.
    pub words: f64,
}

/// Weights of coverage and words where words alone answer, and the constant.
const BY_WORDS: ([f64; 2], f64) = ([4.666, 9.183], -6.699);

/// Weights of coverage, sentence, words and cosine where vectors answer too, and the constant.
const WITH_VECTORS: ([f64; 4], f64) = ([4.697, 2.142, 4.794, 14.388], -11.630);

impl Evidence {
    /// Fills in the score: a logistic regression of its parts, on questions that their collection
    /// answers and questions asked of another's, each collection counting the same. Its constant is
    /// such that 0.5 keeps nine of ten of the former in each.
    pub(crate) fn weighed(mut self) -> Self {
        let sum = match self.cosine {
            None => {
                let (weights, constant) = BY_WORDS;
                constant + weights[0] * self.coverage + weights[1] * self.words
            }
            Some(cosine) => {
                let (weights, constant) = WITH_VECTORS;
                constant
                    + weights[0] * self.coverage
                    + weights[1] * self.sentence
                    + weights[2] * self.words
                    + weights[3] * cosine
            }
        };
        self.score = 1.0 / (1.0 + libm::exp(-sum));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_rises_with_each_of_its_parts() {
        let none = Evidence::default();
        assert!(none.weighed().score < 0.01);
        let words = Evidence {
            coverage: 0.8,
            sentence: 0.7,
            words: 1.0,
            ..none
        };
        assert!(words.weighed().score > 0.95);
        let near = Evidence {
            cosine: Some(0.6),
            ..words
        };
        let far = Evidence {
            cosine: Some(0.1),
            ..words
        };
        assert!(near.weighed().score > 0.95 && near.weighed().score > far.weighed().score);
    }
}
