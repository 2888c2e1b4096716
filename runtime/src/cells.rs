//! Vectors to their cells by a GPU, while an index's cells are learned.
//!
//! Where centroids are very many, the CPU looks for the nearest in a graph, which is about as much as
//! comparing a few hundred of them; a GPU compares all. It is asked where that takes it less time, by how
//! much faster it was measured to be in encoding, which is the same kind of work.

use littoral_gpu::{Gpu, GpuError, Resident};
use littoral_guest::build::{Direction, Directions};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Comparisons of vectors with centroids below which nothing is brought to a device.
const MIN_COMPARISONS: usize = 1 << 22;

/// Vectors brought to it at a time.
const BATCH: usize = 65_536;

/// Comparisons that looking for a centroid in a graph is worth.
const GRAPH_COMPARISONS: usize = 512;

/// A GPU that assigns vectors.
#[derive(Debug)]
pub struct GpuCells {
    gpu: Arc<Gpu>,
    /// How much faster than all threads of the CPU it is.
    gain: f64,
    vectors: AtomicU64,
    failure: Mutex<Option<GpuError>>,
}

impl GpuCells {
    /// Lets `gpu` assign vectors, which is `gain` times as fast as the CPU.
    pub fn new(gpu: Arc<Gpu>, gain: f64) -> Self {
        Self {
            gpu,
            gain,
            vectors: AtomicU64::new(0),
            failure: Mutex::default(),
        }
    }

    /// Vectors that it assigned, each as often as that was asked.
    pub fn n_vectors(&self) -> u64 {
        self.vectors.load(Ordering::Relaxed)
    }

    /// Why it is no longer asked, where it is not.
    pub fn failure(&self) -> Option<GpuError> {
        self.held().clone()
    }

    /// For each of `asked` the place of the nearest of `centroids`; `None` where the CPU is to find it, by a
    /// graph or by comparing all.
    pub(crate) fn nearest(
        &self,
        asked: Directions<'_>,
        centroids: &[Direction],
        has_graph: bool,
    ) -> Option<Vec<u32>> {
        let n = centroids.len();
        let by_cpu = if has_graph { GRAPH_COMPARISONS } else { n };
        let is_worth = n as f64 <= by_cpu as f64 * self.gain;
        if !is_worth || asked.members.len() * n < MIN_COMPARISONS || self.held().is_some() {
            return None;
        }
        match self.assign(asked, centroids) {
            Ok(places) => {
                let n = places.len() as u64;
                self.vectors.fetch_add(n, Ordering::Relaxed);
                Some(places)
            }
            Err(error) => {
                *self.held() = Some(error);
                None
            }
        }
    }

    fn assign(&self, asked: Directions<'_>, centroids: &[Direction]) -> Result<Vec<u32>, GpuError> {
        let dims = centroids[0].row.len();
        let directions: Vec<i16> = centroids.iter().flat_map(|c| &c.row).copied().collect();
        let scales: Vec<f32> = centroids.iter().map(|c| c.scale).collect();
        let mut places = Vec::with_capacity(asked.members.len());
        let mut rows = Vec::new();
        for members in asked.members.chunks(BATCH) {
            rows.clear();
            for &member in members {
                let start = member as usize * dims;
                rows.extend_from_slice(&asked.rows[start..start + dims]);
            }
            let resident = Resident::int8(&self.gpu, dims, &rows)?;
            places.extend(resident.assign(&directions, &scales)?);
        }
        Ok(places)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<GpuError>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use littoral_gpu::Adapters;

    /// Rows of 8 dimensions and as many centroids, no two of them in one direction.
    fn drawn(n: usize) -> (Vec<i8>, Vec<Direction>) {
        let mut state = 3u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as i8
        };
        let rows: Vec<i8> = (0..n * 8).map(|_| next().max(-127)).collect();
        let centroid = |row: &[i8]| {
            let row: Vec<i16> = row.iter().map(|&x| i16::from(x) * 16).collect();
            let square: i64 = row.iter().map(|&x| i64::from(x) * i64::from(x)).sum();
            let scale = 1.0 / (square.max(1) as f32).sqrt();
            Direction { row, scale }
        };
        let centroids = rows.chunks_exact(8).map(centroid).collect();
        (rows, centroids)
    }

    #[test]
    fn a_gpu_is_asked_where_it_pays_and_the_cpu_goes_on_where_it_is_lost() {
        let gpu = match Gpu::open(Adapters::Any) {
            Ok(gpu) => gpu,
            Err(error) => return println!("not tested: {error}"),
        };
        let n = 4_200;
        let (rows, centroids) = drawn(n);
        let members: Vec<u32> = (0..n as u32).rev().collect();
        let asked = Directions {
            rows: &rows,
            members: &members,
        };
        // As fast as the CPU: against comparing all, but not against a graph.
        let cells = GpuCells::new(Arc::clone(&gpu), 1.0);
        assert_eq!(cells.nearest(asked, &centroids, true), None);
        let found = cells.nearest(asked, &centroids, false).expect("places");
        let same = found.iter().zip(&members).filter(|(a, b)| a == b).count();
        // Few are in just one direction with another.
        assert!(same * 100 > n * 98, "{same} of {n}");
        assert_eq!(
            GpuCells::new(Arc::clone(&gpu), 9.0).nearest(asked, &centroids, true),
            Some(found)
        );
        assert_eq!(cells.nearest(asked, &centroids[..100], false), None);
        assert_eq!((cells.n_vectors(), cells.failure()), (n as u64, None));
        gpu.lose();
        assert_eq!(cells.nearest(asked, &centroids, false), None);
        assert!(matches!(cells.failure(), Some(GpuError::Lost { .. })));
    }
}
