//! Many texts from many threads, encoded in large batches: by the GPU while it lasts, by the CPU
//! otherwise.

use crate::{Gpu, GpuEncoder, GpuError};
use littoral_guest::Encoder;
use littoral_guest::encoder::rerank::Pair;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a batch waits for more texts.
const WINDOW: Duration = Duration::from_millis(2);

/// Tokens that are enough for a batch.
const ENOUGH_TOKENS: usize = 32_768;

/// Texts of a call and tokens of each in the comparison with the CPU: a document's chunks.
const TRIAL: (u32, usize) = (4, 128);

/// How long each of both is measured.
const TRIAL_TIME: Duration = Duration::from_millis(300);

/// Least cosine between the vectors of the device and the CPU in the test, where they are not the same:
/// floats rounded another way move activations of 8 bits by a step here and there, which costs less
/// than this.
const LEAST_COSINE: f32 = 0.98;

/// Most that the log odds of a cross-encoder may differ from the CPU's, for the same reason.
pub const LOG_ODDS_MARGIN: f64 = 0.25;

/// Texts as tokens, how many of them are of type 0, and where their vectors are to go; nothing when the
/// GPU failed.
type Request = (Vec<Pair>, Sender<Option<Vec<f32>>>);

/// Texts encoded in a second, measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speeds {
    /// By the GPU, with what goes to it and comes back, asked from many threads.
    pub gpu: f64,
    /// By the CPU, on so many threads as were asked for.
    pub cpu: f64,
}

/// Who encoded what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Texts by the GPU.
    pub gpu_texts: u64,
    /// Texts by the CPU.
    pub cpu_texts: u64,
    /// Why the GPU is no longer asked, where it is not.
    pub failure: Option<GpuError>,
}

#[derive(Debug, Default)]
struct State {
    gpu_texts: AtomicU64,
    cpu_texts: AtomicU64,
    failure: Mutex<Option<GpuError>>,
}

/// An encoder on the GPU with one on the CPU behind it.
#[derive(Debug)]
pub struct BulkEncoder {
    plain: Arc<Encoder>,
    gpu: Arc<Gpu>,
    /// Before the thread, which ends once nobody can ask.
    requests: Mutex<Sender<Request>>,
    _thread: Joined,
    state: Arc<State>,
    is_exact: bool,
}

/// A thread that is waited for: a driver that a program ends upon while a thread still frees a device
/// may crash.
#[derive(Debug)]
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl BulkEncoder {
    /// Brings `plain` to `gpu`.
    ///
    /// # Errors
    /// [`GpuError`] when the device does not take it, or gives a known text another vector than the
    /// CPU.
    pub fn new(gpu: &Arc<Gpu>, plain: Arc<Encoder>) -> Result<Self, GpuError> {
        let encoder = GpuEncoder::load(gpu, plain.model())?;
        let is_exact = self_test(&encoder, &plain)?;
        let state = Arc::new(State::default());
        let (requests, inbox) = channel();
        let of_thread = Arc::clone(&state);
        let thread = std::thread::spawn(move || serve(&encoder, &inbox, &of_thread));
        Ok(Self {
            plain,
            gpu: Arc::clone(gpu),
            requests: Mutex::new(requests),
            _thread: Joined(Some(thread)),
            state,
            is_exact,
        })
    }

    /// Whether the device gave known texts the vectors of the CPU in every bit.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// The device.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// The encoder on the CPU.
    pub fn plain(&self) -> &Arc<Encoder> {
        &self.plain
    }

    /// Vectors of texts given as tokens, `[n, dims]`, and whether the GPU made them; what other threads
    /// ask for at the same time goes through the device with them.
    pub fn encode(&self, texts: &[Vec<u32>]) -> (Vec<f32>, bool) {
        let n = texts.len() as u64;
        if let Some(vectors) = self.by_gpu(alone(texts)) {
            self.state.gpu_texts.fetch_add(n, Ordering::Relaxed);
            return (vectors, true);
        }
        self.state.cpu_texts.fetch_add(n, Ordering::Relaxed);
        (self.plain.encode(texts), false)
    }

    /// The log odds of pairs by the GPU, of a cross-encoder; nothing once it failed. They may differ
    /// from the CPU's by [`LOG_ODDS_MARGIN`].
    pub fn log_odds(&self, pairs: Vec<Pair>) -> Option<Vec<f64>> {
        let n = pairs.len() as u64;
        let vectors = self.by_gpu(pairs)?;
        let vectors = vectors.chunks_exact(self.plain.config().hidden);
        let log_odds: Option<_> = vectors.map(|v| self.plain.log_odds_of(v)).collect();
        self.state.gpu_texts.fetch_add(n, Ordering::Relaxed);
        log_odds
    }

    /// Vectors of the device; nothing once it failed.
    fn by_gpu(&self, texts: Vec<Pair>) -> Option<Vec<f32>> {
        if lock(&self.state.failure).is_some() {
            return None;
        }
        let (send, vectors) = channel();
        let requests = lock(&self.requests).clone();
        // A thread that is gone answers as one that failed.
        requests.send((texts, send)).ok()?;
        vectors.recv().ok()?
    }

    /// Who encoded what so far.
    pub fn tally(&self) -> Tally {
        Tally {
            gpu_texts: self.state.gpu_texts.load(Ordering::Relaxed),
            cpu_texts: self.state.cpu_texts.load(Ordering::Relaxed),
            failure: lock(&self.state.failure).clone(),
        }
    }

    /// Measures the device, asked by `n_askers` at a time, against `n_threads` of the CPU, on calls of
    /// a few texts of 128 tokens. It takes about a second, or one call of each where that is longer.
    ///
    /// # Errors
    /// What the device failed with.
    pub fn measure(&self, n_askers: usize, n_threads: usize) -> Result<Speeds, GpuError> {
        let (n, length) = TRIAL;
        let limit = self.plain.config().vocabulary as u32;
        let length = length.min(self.plain.max_tokens()) as u32;
        let text = |i: u32| {
            (0..length)
                .map(|t| (i * 7919 + t * 104_729) % limit)
                .collect()
        };
        let texts: Vec<Vec<u32>> = (0..n).map(text).collect();
        // The first of so many makes the room for them.
        let all = std::iter::repeat_n(&texts, n_askers).flatten();
        self.by_gpu(alone(&all.cloned().collect::<Vec<_>>()));
        let gpu = rate(n_askers, || {
            self.by_gpu(alone(&texts));
        });
        if let Some(error) = self.tally().failure {
            return Err(error);
        }
        let cpu = rate(n_threads, || {
            self.plain.encode(&texts);
        });
        let n = f64::from(n);
        Ok(Speeds {
            gpu: gpu * n,
            cpu: cpu * n,
        })
    }
}

/// Texts without a second half.
fn alone(texts: &[Vec<u32>]) -> Vec<Pair> {
    texts
        .iter()
        .map(|text| (text.clone(), usize::MAX))
        .collect()
}

/// Calls of `f` a second, by `n_threads` that repeat it for a while, each at least once.
fn rate(n_threads: usize, f: impl Fn() + Sync) -> f64 {
    let start = Instant::now();
    let n_calls = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..n_threads.max(1) {
            scope.spawn(|| {
                loop {
                    f();
                    n_calls.fetch_add(1, Ordering::Relaxed);
                    if start.elapsed() >= TRIAL_TIME {
                        break;
                    }
                }
            });
        }
    });
    n_calls.into_inner() as f64 / start.elapsed().as_secs_f64()
}

/// Encodes what is asked for until nobody asks any more.
fn serve(encoder: &GpuEncoder, inbox: &Receiver<Request>, state: &State) {
    while let Ok(first) = inbox.recv() {
        let size = |request: &Request| request.0.iter().map(|text| text.0.len()).sum::<usize>();
        let mut n_tokens = size(&first);
        let mut batch = vec![first];
        let end = Instant::now() + WINDOW;
        while n_tokens < ENOUGH_TOKENS {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(request) = inbox.recv_timeout(left) else {
                break;
            };
            n_tokens += size(&request);
            batch.push(request);
        }
        let mut texts = Vec::new();
        let mut senders = Vec::new();
        for (own, sender) in batch {
            senders.push((own.len(), sender));
            texts.extend(own);
        }
        let of_texts = texts
            .iter()
            .map(|(tokens, n_first)| (&tokens[..], *n_first));
        let vectors = match encoder.encode_texts(&of_texts.collect::<Vec<_>>()) {
            Ok(vectors) => vectors,
            Err(error) => {
                *lock(&state.failure) = Some(error);
                // Whoever waits hears that nobody will send, and so does who asks later.
                return;
            }
        };
        let mut rest = &vectors[..];
        for (n, sender) in senders {
            let (own, after) = rest.split_at(n * encoder.dims());
            rest = after;
            // One that no longer waits needs none.
            let _ = sender.send(Some(own.to_vec()));
        }
    }
}

/// Compares the device with the CPU on texts of many lengths: whether what it gives is the same.
fn self_test(encoder: &GpuEncoder, plain: &Encoder) -> Result<bool, GpuError> {
    let limit = plain.config().vocabulary as u32;
    let text = |n: u32| -> Vec<u32> { (0..n).map(|t| (t * 104_729 + n) % limit).collect() };
    let texts = [1, 2, 3, 17, 33, 70].map(text);
    let (is_same, is_near) = if plain.is_reranker() {
        let pairs = texts.map(|text| (text.clone(), text.len() / 2));
        compare_log_odds(encoder, plain, &pairs)?
    } else {
        compare_vectors(encoder, plain, &texts)?
    };
    if is_near {
        return Ok(is_same);
    }
    Err(GpuError::Wrong {
        adapter: encoder.gpu().name().to_owned(),
        what: "what known texts give",
    })
}

/// Whether vectors are the same in every bit, and whether they are near.
fn compare_vectors(
    encoder: &GpuEncoder,
    plain: &Encoder,
    texts: &[Vec<u32>],
) -> Result<(bool, bool), GpuError> {
    let (found, exact) = (encoder.encode(texts)?, plain.encode(texts));
    let is_same = found
        .iter()
        .zip(&exact)
        .all(|(a, b)| a.to_bits() == b.to_bits());
    let dims = plain.dims();
    let mut pairs = found.chunks_exact(dims).zip(exact.chunks_exact(dims));
    let is_near = pairs.all(|(found, exact)| {
        let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let lengths = (dot(found, found) * dot(exact, exact)).sqrt();
        dot(found, exact) >= LEAST_COSINE * lengths
    });
    Ok((is_same, is_same || is_near))
}

/// The same of log odds.
fn compare_log_odds(
    encoder: &GpuEncoder,
    plain: &Encoder,
    pairs: &[Pair],
) -> Result<(bool, bool), GpuError> {
    let texts = pairs
        .iter()
        .map(|(tokens, n_first)| (&tokens[..], *n_first));
    let vectors = encoder.encode_texts(&texts.collect::<Vec<_>>())?;
    let found = vectors.chunks_exact(encoder.dims());
    let found: Vec<f64> = found.filter_map(|v| plain.log_odds_of(v)).collect();
    let exact = plain.log_odds(pairs).unwrap_or_default();
    let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= LOG_ODDS_MARGIN;
    let is_near = found.len() == exact.len() && found.iter().zip(&exact).all(is_near);
    Ok((found == exact, is_near))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Adapters;
    use crate::encoder::tests::model;
    use littoral_guest::encoder::format::Pooling;
    use littoral_guest::encoder::matrix::Matrix;

    #[test]
    fn a_device_lost_under_many_threads_leaves_no_text_without_its_vector() {
        let bytes = model(127, Pooling::Mean, 0).write();
        let plain = Arc::new(Encoder::load(&bytes).expect("a model"));
        let Ok(gpu) = Gpu::open(Adapters::Any) else {
            return;
        };
        let bulk = BulkEncoder::new(&gpu, Arc::clone(&plain)).expect("a device that works");
        assert!(bulk.is_exact());
        let text = |i: u32| -> Vec<u32> { (0..=i % 40).map(|t| (t * 7 + i) % 30).collect() };
        std::thread::scope(|scope| {
            for thread in 0..4u32 {
                let (bulk, plain, gpu, text) = (&bulk, &plain, &gpu, &text);
                scope.spawn(move || {
                    for i in 0..30 {
                        let texts = vec![text(thread * 31 + i), text(i)];
                        assert_eq!(bulk.encode(&texts).0, plain.encode(&texts));
                        if (thread, i) == (2, 12) {
                            gpu.lose();
                        }
                    }
                });
            }
        });
        let tally = bulk.tally();
        assert!(tally.gpu_texts > 0 && tally.cpu_texts > 0, "{tally:?}");
        assert_eq!(tally.gpu_texts + tally.cpu_texts, 240);
        assert!(matches!(tally.failure, Some(GpuError::Lost { .. })));
    }

    #[test]
    fn memory_that_is_short_makes_batches_smaller_and_none_ends_the_gpus_part() {
        let bytes = model(127, Pooling::Mean, 0).write();
        let plain = Arc::new(Encoder::load(&bytes).expect("a model"));
        let Ok(gpu) = Gpu::open(Adapters::Any) else {
            return;
        };
        let bulk = BulkEncoder::new(&gpu, Arc::clone(&plain)).expect("a device that works");
        // 800 tokens, of which 50 must go through together.
        let texts: Vec<Vec<u32>> = (0..20).map(|i| vec![i; 40]).collect();
        for n in [1, 2] {
            gpu.exhaust(n);
            assert_eq!(bulk.encode(&texts), (plain.encode(&texts), true), "{n}");
        }
        assert_eq!(bulk.tally().failure, None);
        gpu.exhaust(9);
        assert_eq!(bulk.encode(&texts), (plain.encode(&texts), false));
        assert_eq!(bulk.tally().failure, Some(GpuError::OutOfMemory));
    }

    #[test]
    fn pairs_have_the_log_odds_of_the_cpu() {
        let mut model = model(127, Pooling::Mean, 0);
        let n = model.config.hidden;
        let pooler: Vec<f32> = (0..n * n).map(|i| (i % 7) as f32 * 0.1 - 0.3).collect();
        let classifier: Vec<f32> = (0..n).map(|i| (i % 5) as f32 - 2.0).collect();
        model.head = Some([
            Matrix::pack(&pooler, &vec![0.1; n], n, 127),
            Matrix::pack(&classifier, &[0.2], n, 127),
        ]);
        model.config.labels = 1;
        let plain = Arc::new(Encoder::load(&model.write()).expect("a model"));
        let Ok(gpu) = Gpu::open(Adapters::Any) else {
            return;
        };
        let bulk = BulkEncoder::new(&gpu, Arc::clone(&plain)).expect("a device that works");
        assert!(bulk.is_exact());
        let pair = |i: u32| {
            let tokens: Vec<u32> = (0..=i % 40).map(|t| (t * 7 + i) % 30).collect();
            (tokens, i as usize % 11)
        };
        let pairs: Vec<Pair> = (0..60).map(pair).collect();
        let found = bulk.log_odds(pairs.clone());
        assert_eq!(found, plain.log_odds(&pairs));
        let first = |n_first| {
            pairs
                .iter()
                .map(|(tokens, _)| (tokens.clone(), n_first))
                .collect()
        };
        assert_ne!(found, bulk.log_odds(first(0)), "types do not count");
        gpu.lose();
        assert_eq!(bulk.log_odds(pairs), None);
        assert!(bulk.tally().failure.is_some());
    }
}
