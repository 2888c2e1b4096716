//! Vectors in the page's memory, compared by the CPU.

use crate::error::error;
use crate::hits::Hits;
use littoral_gpu::scan::portable;
use littoral_indexes::kernels::{MAX_DIMS, QUERY_LIMIT};
use wasm_bindgen::prelude::*;

/// Vectors of int8, `[n_rows, dims]`.
#[wasm_bindgen]
pub struct Rows {
    pub(crate) rows: Vec<i8>,
    pub(crate) dims: usize,
}

#[wasm_bindgen]
impl Rows {
    /// Takes vectors of whole numbers from −127 to 127.
    ///
    /// # Errors
    /// `bad-vectors` where they have another shape, or another number among them.
    #[wasm_bindgen(constructor)]
    pub fn new(rows: Vec<i8>, dims: usize) -> Result<Rows, JsValue> {
        if dims == 0 || dims > MAX_DIMS || !rows.len().is_multiple_of(dims) {
            let message = format!("{} numbers are no vectors of {dims} dimensions", rows.len());
            return Err(error("bad-vectors", &message));
        }
        if rows.contains(&i8::MIN) {
            let message = "a vector has a component of -128; the least is -127";
            return Err(error("bad-vectors", message));
        }
        Ok(Self { rows, dims })
    }

    /// The `k` vectors nearest to each of `queries`, `[n, dims]` within ±2047; `allowed` has a bit for
    /// every vector that may be given, lowest bit first.
    ///
    /// # Errors
    /// `bad-vectors` where the queries have another shape, or another number among them.
    pub fn nearest(
        &self,
        queries: &[i16],
        k: usize,
        allowed: Option<Vec<u32>>,
    ) -> Result<Hits, JsValue> {
        check(queries, self.dims)?;
        let found = portable::nearest_int8(&self.rows, self.dims, queries, k, allowed.as_deref());
        Ok(Hits::new(&found))
    }
}

/// Whether `queries` are `[n, dims]` of 12 bits.
pub(crate) fn check(queries: &[i16], dims: usize) -> Result<(), JsValue> {
    if !queries.len().is_multiple_of(dims) {
        let message = format!(
            "{} numbers are no queries of {dims} dimensions",
            queries.len()
        );
        return Err(error("bad-vectors", &message));
    }
    if queries.iter().any(|q| q.abs() > QUERY_LIMIT) {
        let message = format!("a query has a component beyond {QUERY_LIMIT}");
        return Err(error("bad-vectors", &message));
    }
    Ok(())
}
