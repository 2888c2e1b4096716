//! Neighbours as arrays.

use littoral_gpu::Hit;
use wasm_bindgen::prelude::*;

/// The neighbours of some queries, best first, one query's after the other's.
#[wasm_bindgen]
pub struct Hits {
    ends: Vec<u32>,
    ids: Vec<u32>,
    scores: Vec<f64>,
}

impl Hits {
    pub(crate) fn new<S: Copy + Into<f64>>(found: &[Vec<Hit<S>>]) -> Self {
        let all = || found.iter().flatten();
        let mut end = 0;
        let ends = found.iter().map(|hits| {
            end += hits.len() as u32;
            end
        });
        Self {
            ends: ends.collect(),
            ids: all().map(|hit| hit.id).collect(),
            scores: all().map(|hit| hit.score.into()).collect(),
        }
    }
}

#[wasm_bindgen]
impl Hits {
    /// Where the neighbours of each query end.
    #[wasm_bindgen(getter)]
    pub fn ends(&self) -> Vec<u32> {
        self.ends.clone()
    }

    /// Places among the vectors.
    #[wasm_bindgen(getter)]
    pub fn ids(&self) -> Vec<u32> {
        self.ids.clone()
    }

    /// Dot products with the query.
    #[wasm_bindgen(getter)]
    pub fn scores(&self) -> Vec<f64> {
        self.scores.clone()
    }
}
