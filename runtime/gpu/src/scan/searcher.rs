//! Nearest neighbours with an answer in any case: by the GPU while it lasts, by the CPU otherwise.

use super::{Hit, Resident, portable};
use crate::{Gpu, GpuError};
use std::sync::{Arc, Mutex, PoisonError};

/// Who computed an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Processor {
    /// The GPU of this name.
    Gpu(String),
    /// The CPU, since the GPU did not.
    Cpu(GpuError),
}

/// Neighbours, and who found them.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Of each query, best first.
    pub hits: Vec<Vec<Hit<i32>>>,
    /// Who computed it.
    pub by: Processor,
}

/// Vectors of int8 in memory and, while there is one, on a GPU.
#[derive(Debug)]
pub struct Searcher {
    rows: Arc<[i8]>,
    dims: usize,
    resident: Mutex<Result<Resident, GpuError>>,
}

impl Searcher {
    /// Searches `rows`, `[n_rows, dims]`, on `gpu`, as long as it works.
    pub fn new(gpu: Result<Arc<Gpu>, GpuError>, dims: usize, rows: Arc<[i8]>) -> Self {
        let resident = gpu.and_then(|gpu| Resident::int8(&gpu, dims, &rows));
        Self {
            rows,
            dims,
            resident: Mutex::new(resident),
        }
    }

    /// The `k` vectors nearest to each of `queries`, as [`Resident::nearest_int8`] gives them. A GPU
    /// that failed is not asked again, but for want of memory or an odd shape, which pass.
    ///
    /// # Panics
    /// When `queries` is not `[n, dims]`.
    pub fn nearest(&self, queries: &[i16], k: usize, allowed: Option<&[u32]>) -> Answer {
        let mut resident = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match &*resident {
            Ok(resident) => resident
                .nearest_int8(queries, k, allowed)
                .map(|hits| (hits, resident.gpu().name().to_owned())),
            Err(error) => Err(error.clone()),
        };
        match found {
            Ok((hits, name)) => Answer {
                hits,
                by: Processor::Gpu(name),
            },
            Err(error) => {
                let passes = matches!(error, GpuError::OutOfMemory | GpuError::TooLarge { .. });
                if !passes {
                    *resident = Err(error.clone());
                }
                drop(resident);
                Answer {
                    hits: portable::nearest_int8(&self.rows, self.dims, queries, k, allowed),
                    by: Processor::Cpu(error),
                }
            }
        }
    }
}
