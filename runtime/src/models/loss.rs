//! What packing costs a search: nDCG@10 with a packed model's vectors beside that with 32 bits, on a
//! judged collection.

use super::folder::Weights;
use super::reference;
use crate::eval::{Dataset, DatasetError, Evaluator, Record};
use littoral_guest::Encoder;
use rayon::prelude::*;

/// nDCG@10 by vectors in 32 bits and by those of the packed model.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Loss {
    /// In 32 bits.
    pub exact_ndcg_10: f64,
    /// Packed.
    pub packed_ndcg_10: f64,
    /// Judged queries.
    pub queries: usize,
    /// Documents that were ranked.
    pub documents: usize,
}

/// Ranks documents by the cosines of their vectors to the queries': all judged ones, and of the others
/// the first until there are `most`. Of a document the title and the text count, up to the model's length
/// in tokens.
///
/// Costs two encodings of each, that in 32 bits about ten times the other. A cross-encoder has no
/// vectors; for one the result is `None`.
///
/// # Errors
/// [`DatasetError`] when the corpus cannot be read.
pub fn loss(
    weights: &Weights,
    packed: &Encoder,
    dataset: &Dataset,
    most: usize,
) -> Result<Option<Loss>, DatasetError> {
    if weights.config.labels > 0 {
        return Ok(None);
    }
    let is_judged = |id: &str| {
        dataset
            .qrels
            .iter()
            .any(|(_, grades)| grades.contains_key(id))
    };
    let (mut judged, mut others) = (Vec::new(), Vec::new());
    for record in dataset.corpus()? {
        let record = record?;
        if is_judged(&record.id) {
            judged.push(record);
        } else if others.len() < most {
            others.push(record);
        }
    }
    others.truncate(most.saturating_sub(judged.len()));
    let documents: Vec<Record> = judged.into_iter().chain(others).collect();
    let queries: Vec<_> = dataset.judged_queries().collect();

    let config = &weights.config;
    let tokens = |prompt: &str, text: &str| {
        let text = [prompt, text].concat();
        packed.tokenizer().encode(&text, packed.max_tokens())
    };
    let both = |tokens: Vec<u32>| {
        let exact = reference::encode(weights, &tokens);
        (exact, packed.encode(&[tokens]))
    };
    let of_documents: Vec<_> = documents
        .par_iter()
        .map(|record| {
            let text = format!("{}\n{}", record.title, record.text);
            both(tokens(&config.document_prompt, text.trim()))
        })
        .collect();
    let of_queries: Vec<_> = queries
        .par_iter()
        .map(|query| both(tokens(&config.query_prompt, &query.text)))
        .collect();

    let mut evaluators = [
        Evaluator::new(&dataset.qrels),
        Evaluator::new(&dataset.qrels),
    ];
    for (query, (exact, near)) in queries.iter().zip(&of_queries) {
        let ids = || documents.iter().map(|record| record.id.as_str());
        let exact = ids().zip(of_documents.iter().map(|(row, _)| cosine(exact, row)));
        evaluators[0].add_scores(&query.id, exact.collect());
        let near = ids().zip(of_documents.iter().map(|(_, row)| cosine(near, row)));
        evaluators[1].add_scores(&query.id, near.collect());
    }
    let [exact, packed] = evaluators.map(|evaluator| evaluator.finish().mean.ndcg_10);
    Ok(Some(Loss {
        exact_ndcg_10: exact,
        packed_ndcg_10: packed,
        queries: queries.len(),
        documents: documents.len(),
    }))
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 {
        dot(a, b) / length
    } else {
        0.0
    }
}
