//! Who may enter: a bounded queue before the workers, and a rate for each index.
//!
//! A queue takes up what comes in a burst. One that has not been empty for a while takes up nothing: it
//! makes everybody wait, and as many are refused in the end. So those who come to a standing queue wait
//! for moments only, and what is answered under overload is answered nearly as soon as without.
//!
//! Source: Maurer (2015), Fail at Scale, ACM Queue 13(8), after Nichols, Jacobson (2012), Controlling
//! Queue Delay.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longer than that without a moment in which nobody waits, and a queue stands.
const BURST: Duration = Duration::from_millis(100);

/// How long a request waits in a queue that stands, at least: about as long as one in a hundred does at four
/// fifths of what can be done.
const STANDING_WAIT: Duration = Duration::from_millis(8);

/// The same in turns of a worker, where those take longer: somebody must wait whenever one is done.
const STANDING_TURNS: u64 = 4;

/// A turn counts as one of so many in the average.
const TURN_PART: u64 = 16;

/// A bounded queue before a number of workers.
#[derive(Debug)]
pub(super) struct Gate {
    workers: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    wait_time: Duration,
    begin: Instant,
    /// When nobody waited last, in microseconds since `begin`.
    last_empty: AtomicU64,
    /// How long a request took a worker on average, in microseconds.
    turn: Arc<AtomicU64>,
}

/// A worker's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    since: Instant,
    turn: Arc<AtomicU64>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let own = self.since.elapsed().as_micros() as u64;
        let average = |turn: u64| Some(turn - turn / TURN_PART + own / TURN_PART);
        // The closure always gives a number.
        let _ = self
            .turn
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, average);
    }
}

impl Gate {
    /// `workers` at a time, and at most `queue` that wait, each for at most `wait_time`.
    pub(super) fn new(workers: usize, queue: usize, wait_time: Duration) -> Self {
        Self {
            workers: Arc::new(Semaphore::new(workers)),
            waiting: AtomicUsize::new(0),
            queue,
            wait_time,
            begin: Instant::now(),
            last_empty: AtomicU64::new(0),
            turn: Arc::default(),
        }
    }

    /// How long a request waits in a queue that stands.
    fn standing_wait(&self) -> Duration {
        let turns = STANDING_TURNS * self.turn.load(Ordering::Relaxed);
        Duration::from_micros(turns).max(STANDING_WAIT)
    }

    fn place(&self, permit: OwnedSemaphorePermit) -> Place {
        Place {
            since: Instant::now(),
            turn: Arc::clone(&self.turn),
            _permit: permit,
        }
    }

    /// A worker's place, held until it is dropped; `None` when too many wait, or it takes too long.
    pub(super) async fn enter(&self) -> Option<Place> {
        let now = self.begin.elapsed();
        if self.waiting() == 0 {
            self.last_empty
                .store(now.as_micros() as u64, Ordering::Relaxed);
        }
        if let Ok(permit) = Arc::clone(&self.workers).try_acquire_owned() {
            return Some(self.place(permit));
        }
        let waiting = Waiting::one_more(&self.waiting, self.queue)?;
        let last_empty = Duration::from_micros(self.last_empty.load(Ordering::Relaxed));
        let wait_time = if now.saturating_sub(last_empty) > BURST {
            self.wait_time.min(self.standing_wait())
        } else {
            self.wait_time
        };
        let permit = Arc::clone(&self.workers).acquire_owned();
        let permit = tokio::time::timeout(wait_time, permit).await;
        drop(waiting);
        Some(self.place(permit.ok()?.ok()?))
    }

    /// Requests that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One that waits, until it is dropped: also where its connection is gone.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn one_more(count: &'a AtomicUsize, limit: usize) -> Option<Self> {
        let room = |waiting| (waiting < limit).then_some(waiting + 1);
        let entered = count.fetch_update(Ordering::AcqRel, Ordering::Acquire, room);
        entered.is_ok().then(|| Self(count))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A bucket of tokens, one for each request: it fills at a rate, and holds those of a second.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    bucket: Mutex<(f64, Instant)>,
}

impl Rate {
    /// `per_second` requests, 0 for any number.
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            bucket: Mutex::new((per_second, now)),
        }
    }

    /// Takes one token; where there is none, how long it takes until there is.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, since) = *bucket;
        let passed = now.saturating_duration_since(since).as_secs_f64();
        let tokens = (tokens + passed * self.per_second).min(self.per_second);
        if tokens >= 1.0 {
            *bucket = (tokens - 1.0, now);
            Ok(())
        } else {
            *bucket = (tokens, now);
            Err(Duration::from_secs_f64((1.0 - tokens) / self.per_second))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_requests_passes_and_then_one_at_a_time() {
        let start = Instant::now();
        let rate = Rate::new(10, start);
        for _ in 0..10 {
            assert!(rate.take(start).is_ok());
        }
        let wait = rate.take(start).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert!(rate.take(start + Duration::from_millis(101)).is_ok());
        assert!(rate.take(start + Duration::from_millis(102)).is_err());
        // An hour of silence saves up no more than a second.
        let later = start + Duration::from_hours(1);
        assert_eq!((0..20).filter(|_| rate.take(later).is_ok()).count(), 10);
        let any = Rate::new(0, start);
        assert!((0..10_000).all(|_| any.take(start).is_ok()));
    }

    #[test]
    fn those_that_find_the_queue_full_are_refused_at_once() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let gate = Arc::new(Gate::new(1, 2, Duration::from_mins(10)));
            let first = gate.enter().await.unwrap();
            let waiters: Vec<_> = (0..2)
                .map(|_| {
                    let gate = Arc::clone(&gate);
                    tokio::spawn(async move { gate.enter().await.is_some() })
                })
                .collect();
            while gate.waiting() < 2 {
                tokio::task::yield_now().await;
            }
            assert!(gate.enter().await.is_none());
            drop(first);
            for waiter in waiters {
                assert!(waiter.await.unwrap());
            }
            assert_eq!(gate.waiting(), 0);
            // One that gives up while it waits leaves its place in the queue.
            let held = gate.enter().await.unwrap();
            let gone = tokio::spawn({
                let gate = Arc::clone(&gate);
                async move { gate.enter().await.is_some() }
            });
            while gate.waiting() < 1 {
                tokio::task::yield_now().await;
            }
            gone.abort();
            assert!(gone.await.is_err());
            assert_eq!(gate.waiting(), 0);
            drop(held);
        });
    }

    #[test]
    fn those_that_come_to_a_standing_queue_wait_for_moments() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let gate = Arc::new(Gate::new(1, 8, Duration::from_mins(10)));
            assert_eq!(gate.standing_wait(), STANDING_WAIT);
            let held = gate.enter().await.unwrap();
            let come = || {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move { gate.enter().await.is_some() })
            };
            let early = come();
            while gate.waiting() < 1 {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(2 * BURST).await;
            // It ends though nobody leaves: the one that came before waits on.
            assert!(!come().await.unwrap());
            assert_eq!(gate.waiting(), 1);
            drop(held);
            assert!(early.await.unwrap());
            // Where a turn takes long, those who wait for one wait longer.
            let turn = Duration::from_micros(gate.turn.load(Ordering::Relaxed));
            assert!(turn >= BURST / TURN_PART as u32, "{turn:?}");
            assert!(gate.standing_wait() >= STANDING_TURNS as u32 * turn);
            // Nobody waits any more: the next may wait as long as ever.
            let held = gate.enter().await.unwrap();
            let late = come();
            tokio::time::sleep(2 * gate.standing_wait()).await;
            assert_eq!(gate.waiting(), 1);
            drop(held);
            assert!(late.await.unwrap());
        });
    }
}
