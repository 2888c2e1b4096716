//! Work spread over threads with the order kept.

use littoral_guest::build::Workers;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

/// Jobs under way per thread: few bound the memory, many keep threads busy.
const JOBS_PER_THREAD: usize = 16;

/// A pool of threads for the stages of a build.
#[derive(Debug)]
pub struct Pool {
    pool: rayon::ThreadPool,
    n_threads: usize,
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
        Ok(Self { pool, n_threads })
    }

    /// Threads in the pool.
    pub fn n_threads(&self) -> usize {
        self.n_threads
    }
}

impl Workers for Pool {
    fn map<I: Send, O: Send>(&self, items: Vec<I>, f: impl Fn(I) -> O + Sync) -> Vec<O> {
        let f = &f;
        self.pool.install(|| items.into_par_iter().map(f).collect())
    }
}

/// Hands what `produce` makes to `n_threads` workers and their results, in the order of production,
/// to `consume` on this thread, until `consume` returns an error.
///
/// # Errors
/// What `consume` returns.
pub fn pipeline<I: Send, O: Send, E, W: FnMut(I) -> O>(
    n_threads: usize,
    produce: impl FnOnce(&mut dyn FnMut(I) -> bool) + Send,
    worker: impl Fn() -> W + Sync,
    mut consume: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    let depth = JOBS_PER_THREAD * n_threads.max(1);
    let (jobs, inbox) = sync_channel::<(u64, I)>(depth);
    let (outbox, results) = sync_channel::<(u64, O)>(depth);
    let inbox = Arc::new(Mutex::new(inbox));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut number = 0;
            produce(&mut |item| {
                let sent = jobs.send((number, item)).is_ok();
                number += 1;
                sent
            });
        });
        for _ in 0..n_threads.max(1) {
            let (outbox, inbox, worker) = (outbox.clone(), Arc::clone(&inbox), &worker);
            scope.spawn(move || {
                let mut work = worker();
                loop {
                    let job = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((number, item)) = job else { break };
                    if outbox.send((number, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        // What only workers hold ends with them, and with it the producer's sends.
        drop((outbox, inbox));
        let mut early = BTreeMap::new();
        let mut next = 0;
        let mut outcome = Ok(());
        for (number, result) in &results {
            early.insert(number, result);
            while let Some(result) = early.remove(&next) {
                next += 1;
                outcome = consume(result);
                if outcome.is_err() {
                    break;
                }
            }
            if outcome.is_err() {
                break;
            }
        }
        drop(results);
        outcome
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
