//! Work spread over threads with the order kept.

use crate::cells::GpuCells;
use crate::graph::{self, Graph};
use littoral_guest::build::{Direction, Directions, Workers};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

/// Batches under way per thread: few bound the memory, many keep threads busy.
const BATCHES_PER_THREAD: usize = 4;

/// Vectors that one job looks up in a graph.
const GRAPH_BLOCK: usize = 1_024;

/// A batch is full with as many items, or with items of that weight together. Waking a thread takes
/// longer than preparing a short page.
const BATCH_ITEMS: usize = 16;
/// Weight of a full batch; an item of this weight is a batch of its own.
pub const BATCH_WEIGHT: usize = 128 << 10;

/// A pool of threads for the stages of a build.
#[derive(Debug)]
pub struct Pool {
    threads: rayon::ThreadPool,
    n_threads: usize,
    cells: Option<Arc<GpuCells>>,
}

impl Pool {
    /// A pool of `n_threads`; 0 for as many as there are cores.
    ///
    /// # Errors
    /// What the system reports when it cannot start them.
    pub fn new(n_threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()?;
        let n_threads = pool.current_num_threads();
        Ok(Self {
            threads: pool,
            n_threads,
            cells: None,
        })
    }

    /// Lets a GPU assign vectors to cells.
    pub fn set_cells(&mut self, cells: Arc<GpuCells>) {
        self.cells = Some(cells);
    }

    /// Threads in the pool.
    pub fn n_threads(&self) -> usize {
        self.n_threads
    }
}

impl Workers for Pool {
    fn map<I: Send, O: Send>(&self, items: Vec<I>, f: impl Fn(I) -> O + Sync) -> Vec<O> {
        let f = &f;
        self.threads
            .install(|| items.into_par_iter().map(f).collect())
    }

    fn nearest(&self, asked: Directions<'_>, centroids: &[Direction]) -> Option<Vec<u32>> {
        let has_graph = centroids.len() >= graph::MIN_CENTROIDS;
        let cells = self.cells.as_ref();
        let by_gpu = cells.and_then(|cells| cells.nearest(asked, centroids, has_graph));
        if by_gpu.is_some() {
            return by_gpu;
        }
        let graph = Graph::over(centroids)?;
        let blocks: Vec<&[u32]> = asked.members.chunks(GRAPH_BLOCK).collect();
        let found = self.map(blocks, |members| graph.nearest(asked.rows, members));
        Some(found.concat())
    }
}

/// Hands what `produce` makes to `n_threads` workers and their results, in the order of production,
/// to `consume` on this thread, until `consume` returns an error. `weigh` tells about how much work
/// an item is, in bytes of text.
///
/// # Errors
/// What `consume` returns.
pub fn pipeline<I: Send, O: Send, E, W: FnMut(I) -> O>(
    n_threads: usize,
    weigh: impl Fn(&I) -> usize + Send,
    produce: impl FnOnce(&mut dyn FnMut(I) -> bool) + Send,
    worker: impl Fn() -> W + Sync,
    mut consume: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    let depth = BATCHES_PER_THREAD * n_threads.max(1);
    let (jobs, inbox) = sync_channel::<(u64, Vec<I>)>(depth);
    let (outbox, results) = sync_channel::<(u64, Vec<O>)>(depth);
    let inbox = Arc::new(Mutex::new(inbox));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut number, mut batch, mut weight) = (0, Vec::new(), 0usize);
            produce(&mut |item| {
                weight = weight.saturating_add(weigh(&item));
                batch.push(item);
                if batch.len() < BATCH_ITEMS && weight < BATCH_WEIGHT {
                    return true;
                }
                let sent = jobs.send((number, std::mem::take(&mut batch))).is_ok();
                number += 1;
                weight = 0;
                sent
            });
            // Nobody is left to hear of the last batch after an error.
            let _ = jobs.send((number, batch));
        });
        for _ in 0..n_threads.max(1) {
            let (outbox, inbox, worker) = (outbox.clone(), Arc::clone(&inbox), &worker);
            scope.spawn(move || {
                let mut work = worker();
                loop {
                    let job = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((number, batch)) = job else { break };
                    let done = batch.into_iter().map(&mut work).collect();
                    if outbox.send((number, done)).is_err() {
                        break;
                    }
                }
            });
        }
        // What only workers hold ends with them, and with it the producer's sends.
        drop((outbox, inbox));
        let mut early = BTreeMap::new();
        let mut next = 0;
        for (number, batch) in &results {
            early.insert(number, batch);
            while let Some(batch) = early.remove(&next) {
                next += 1;
                for result in batch {
                    if let Err(error) = consume(result) {
                        drop(results);
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_production() {
        let mut got = Vec::new();
        let outcome: Result<(), ()> = pipeline(
            3,
            |&i| if i % 50 == 0 { BATCH_WEIGHT } else { 1000 },
            |send| {
                let _ = (0..500u64).all(send);
            },
            || |i: u64| (0..i % 7 * 1000).fold(i, |a, b| a ^ b ^ b),
            |i| {
                got.push(i);
                Ok(())
            },
        );
        assert_eq!(outcome, Ok(()));
        assert_eq!(got, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_everything() {
        let mut n = 0;
        let outcome = pipeline(
            2,
            |_| 1,
            |send| {
                let mut i = 0u64;
                while send(i) {
                    i += 1;
                }
            },
            || |i: u64| i,
            |i| {
                n += 1;
                if i == 100 { Err("enough") } else { Ok(()) }
            },
        );
        assert_eq!((outcome, n), (Err("enough"), 101));
    }
}
