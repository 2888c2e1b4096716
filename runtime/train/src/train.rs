//! Does a job, from its file to the adapter or the model.

use crate::adam::{Adam, rate};
use crate::bert::{Bert, device};
use crate::checkpoint::{Checkpoint, State};
use crate::computer::Computer;
use crate::data::Data;
use crate::error::TrainError;
use crate::gpu::Gpu;
use crate::head::fresh;
use crate::lora::Layout;
use crate::objective::Objective;
use crate::share::{Kept, keep};
use littoral_runtime::build::CREATED_BY;
use littoral_runtime::models::adapter::Adapter;
use littoral_runtime::models::fetch::verify;
use littoral_runtime::models::folder::{Linear, Norm, Weights};
use littoral_runtime::models::{ModelsError, save};
use littoral_runtime::tune::encoder::{
    CHECKPOINT, EncoderOptions, Event, JOB, Job, RECORD, Record, Target,
};
use littoral_runtime::tune::pairs::Pairs;
use littoral_runtime::tune::tuned::Point;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Time between checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// Does the job in the file `path` and tells its course.
///
/// # Errors
/// [`TrainError`] when something cannot be read or written, or when training cannot work.
pub fn run(path: &Path, mut tell: impl FnMut(&Event)) -> Result<(), TrainError> {
    let start = Instant::now();
    let bytes = fs::read(path).map_err(TrainError::io("read", path))?;
    let job: Job = serde_json::from_slice(&bytes).map_err(|error| TrainError::Job {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(job.threads);
    pool.build_global().map_err(|error| TrainError::Job {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let options = &job.options;
    let weights = weights(&job)?;
    let config = &weights.config;
    let base = verify(&job.model.join("model.safetensors"), None)?;
    let pairs = Pairs::read(&job.data)?;
    let data = Data::new(&pairs, &job.data, &weights, options.tokens, options.seed)?;
    let (layout, begun) = if let Some(path) = &job.from {
        let adapter = Adapter::read(path, config)?;
        adapter.check_base(&base, path)?;
        Layout::of(&adapter, config)
    } else {
        let EncoderOptions {
            rank, alpha, seed, ..
        } = *options;
        Layout::begin(config, &options.matrices, rank, alpha, seed)
    };
    let (layout, begun) = match &weights.head {
        Some(head) => layout.with_head(begun, head),
        None => (layout, begun),
    };
    let bert = Bert::new(&weights, &device());
    if let Some(&wanted) = options.dims.iter().find(|&&n| n > bert.dims()) {
        let has = bert.dims();
        return Err(TrainError::Dims { wanted, has });
    }
    let objective = Objective {
        target: job.target,
        bert: &bert,
        data: &data,
        layout: &layout,
        options,
    };
    let checkpoint = job.output.join(CHECKPOINT);
    let hash = hash(job.target, options, &pairs.hash, &base, &begun);
    let read = Checkpoint::read(&checkpoint, &hash, layout.len())?;
    let mut at = read.unwrap_or_else(|| Checkpoint {
        state: State {
            job: hash,
            ..State::default()
        },
        adam: Adam::new(begun.len()),
        best: begun.clone(),
        numbers: begun,
    });
    let before = at.state.seconds;
    let seconds = |start: Instant| before + start.elapsed().as_secs_f64();
    // Where second halves are nothing, first ones have no gradient yet: seen are all of them, stirred.
    let stirred = layout.stirred(&at.numbers, options.seed);
    if at.state.step == 0 {
        let (_, slope) = objective.gradient(1, &stirred);
        layout.check_gradient(&slope)?;
    }
    let gpu = Gpu::open(&job, &weights)?;
    let mut computer = Computer::choose(objective, &gpu, (job.computing, &stirred), &mut tell)?;
    let n_numbers = n_numbers(&weights);
    tell(&Event::Began {
        n_trained: layout.len() as u64,
        n_numbers,
        n_pairs: data.examples.len() as u64,
        n_choosing: data.choosing.len() as u64,
        done: at.state.step,
    });
    if at.state.curve.is_empty() {
        let ndcg = computer.look(&at.numbers, &mut tell);
        see(&mut at, ndcg, &mut tell);
    }
    let mut written = Instant::now();
    while at.state.step < options.steps && !is_over(&at.state, options) {
        let began = Instant::now();
        let step = at.state.step + 1;
        let (loss, slope) = computer.gradient(step, &at.numbers, &mut tell);
        let pace = rate(step, options.steps, options.warm_up, options.rate);
        let norm = at
            .adam
            .step(&mut at.numbers, &slope, step, pace, options.decay);
        if !(loss.is_finite() && norm.is_finite()) {
            return Err(TrainError::NotFinite { step });
        }
        at.state.step = step;
        at.state.losses.push(loss);
        tell(&Event::Step {
            step,
            loss,
            rate: pace,
            norm,
            seconds: began.elapsed().as_secs_f64(),
        });
        let is_look = step.is_multiple_of(options.look) || step == options.steps;
        if is_look {
            let ndcg = computer.look(&at.numbers, &mut tell);
            see(&mut at, ndcg, &mut tell);
        }
        if is_look || written.elapsed() >= CHECKPOINT_EVERY {
            at.state.seconds = seconds(start);
            at.write(&checkpoint)?;
            written = Instant::now();
            tell(&Event::Checkpoint { step });
        }
    }
    let n_passages = objective.n_looked_at() as u64;
    // A share is one of a change of the model: not of an adapter to begin with, nor of a head.
    let is_whole = job.from.is_some() || job.target == Target::Reranker;
    let kept = if is_whole {
        Kept::whole(&at)
    } else {
        keep(&at, &layout, |numbers| computer.look(numbers, &mut tell))
    };
    write(&job, weights, &layout, &kept.numbers, &base)?;
    let record = Record {
        target: job.target,
        created_by: CREATED_BY.to_owned(),
        model: job.model.display().to_string(),
        base,
        data: job.data.display().to_string(),
        data_hash: pairs.hash,
        n_pairs: data.examples.len() as u64,
        n_queries: data.n_queries as u64,
        n_choosing: data.choosing.len() as u64,
        n_passages,
        n_trained: layout.len() as u64,
        n_numbers,
        options: options.clone(),
        curve: at.state.curve,
        best_step: kept.step,
        share: kept.share,
        shares: kept.looks,
        steps: at.state.step,
        leaks: job.leaks,
        device: computer.name().to_owned(),
        device_reason: computer.reason().to_owned(),
        seconds: seconds(start),
    };
    let text = serde_json::to_string_pretty(&record).unwrap_or_default();
    save(&job.output.join(RECORD), text.as_bytes())?;
    for file in [checkpoint, job.output.join(JOB)] {
        if file.exists() {
            fs::remove_file(&file).map_err(TrainError::io("remove", &file))?;
        }
    }
    tell(&Event::Done(Box::new(record)));
    Ok(())
}

/// The model that is trained: for a reranker one with a head, which is fresh where it had none.
fn weights(job: &Job) -> Result<Weights, TrainError> {
    let name = job.model.file_name().unwrap_or_default().to_string_lossy();
    let weights = Weights::read(&job.model, &name)?;
    let (n, path) = (weights.config.labels, job.model.clone());
    match (job.target, n) {
        (Target::Encoder, 0) | (Target::Reranker, 1 | 2) => Ok(weights),
        (Target::Encoder, _) => Err(TrainError::CrossEncoder { path }),
        (Target::Reranker, 0) => {
            let head = fresh(weights.config.hidden, job.options.seed);
            Ok(weights.with_head(head))
        }
        (Target::Reranker, n) => Err(TrainError::Labels { path, n }),
    }
}

/// Writes what came of `numbers`: an adapter of weights with the SHA-256 `base`, or a cross-encoder.
fn write(
    job: &Job,
    mut weights: Weights,
    layout: &Layout,
    numbers: &[f32],
    base: &str,
) -> Result<(), TrainError> {
    let adapter = layout.adapter(numbers, base);
    let Some(head) = layout.head(numbers) else {
        return Ok(adapter.write(&job.output, &job.model.display().to_string())?);
    };
    let merged = adapter.merge(&mut weights, &job.output);
    merged.map_err(|error| match error {
        ModelsError::Adapter { reason, .. } => TrainError::Astray { reason },
        other => other.into(),
    })?;
    weights.head = Some(head);
    Ok(weights.write_cross_encoder(&job.output, &job.model)?)
}

/// Takes down a look, and the numbers when it is the best so far.
fn see(at: &mut Checkpoint, ndcg: f64, tell: &mut impl FnMut(&Event)) {
    let state = &mut at.state;
    let best = state.curve.iter().map(|point| point.ndcg);
    let is_best = best.fold(f64::MIN, f64::max) < ndcg;
    let n = state.losses.len().max(1) as f64;
    let point = Point {
        step: state.step,
        loss: state.losses.drain(..).fold(0.0, |sum, loss| sum + loss) / n,
        ndcg,
    };
    state.curve.push(point);
    if is_best {
        state.best_step = state.step;
        at.best.clone_from(&at.numbers);
    }
    tell(&Event::Look(point));
}

/// Whether the last looks brought nothing.
fn is_over(state: &State, options: &EncoderOptions) -> bool {
    let since = state.curve.iter().filter(|p| p.step > state.best_step);
    since.count() >= options.patience as usize
}

/// Hash of all that the course of a training depends on.
fn hash(target: Target, options: &EncoderOptions, data: &str, base: &str, begun: &[f32]) -> String {
    let mut hasher = blake3::Hasher::new();
    let options = serde_json::to_string(options).unwrap_or_default();
    for part in [target.name(), &options, data, base] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    for x in begun {
        hasher.update(&x.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// How many numbers a model has.
fn n_numbers(weights: &Weights) -> u64 {
    let linear = |l: &Linear| l.weights.len() + l.biases.len();
    let norm = |n: &Norm| n[0].len() + n[1].len();
    let layers = weights.layers.iter().map(|layer| {
        linear(&layer.attention_in)
            + linear(&layer.attention_out)
            + norm(&layer.attention_norm)
            + linear(&layer.expansion)
            + linear(&layer.contraction)
            + norm(&layer.norm)
    });
    let tables = weights.tokens.len() + weights.positions.len() + weights.types.len();
    let dense = weights.dense.as_ref().map_or(0, linear);
    let head = weights.head.iter().flatten().map(linear);
    (tables + norm(&weights.norm) + layers.sum::<usize>() + dense + head.sum::<usize>()) as u64
}
