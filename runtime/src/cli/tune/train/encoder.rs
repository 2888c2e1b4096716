//! `littoral tune train --target encoder` and `--target reranker`: an adapter of an encoder, or a
//! cross-encoder, from a folder of pairs.

use super::super::super::Outcome;
use super::super::super::gpu::Gpu;
use super::super::super::output::{self, Failure};
use super::super::failure;
use super::{Arguments, outcome, show_curve, write_page};
use crate::models::adapter::{self, MAX_RANK, Part};
use crate::models::folder;
use crate::tune::encoder::{
    CHECKPOINT, Computing, EncoderOptions, Event, Job, Record, Target, begin_anew, train,
};
use crate::tune::pairs::Leaks;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What encoders and rerankers have, and some of it generators.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --target encoder, reranker and in part generator")]
pub(super) struct EncoderArguments {
    /// The model to tune: config.json, tokenizer.json, model.safetensors of BERT's family. A reranker begins
    /// with an encoder, or with another cross-encoder; a generator is a folder or a name on the Hugging Face
    /// Hub
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<PathBuf>,
    /// Begin with an adapter of that encoder, in the format of peft; rank, alpha and matrices are its own
    #[arg(long, value_name = "ADAPTER", conflicts_with_all = ["rank", "alpha", "matrices"])]
    from: Option<PathBuf>,
    /// Rank of the changes: more numbers to train, and more that may be learned by heart [default: 8, of a
    /// generator 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_RANK as i64))]
    pub(super) rank: Option<u32>,
    /// Changes are scaled by alpha / rank [default: 16, of a generator 32]
    #[arg(long, value_parser = from_to::<1, 1024>)]
    pub(super) alpha: Option<f64>,
    /// Which matrices of a layer change: query, key, value, attention-output, intermediate, output
    #[arg(long, value_delimiter = ',', default_values = EncoderOptions::default().matrices.into_iter().map(Part::key), value_parser = part)]
    matrices: Vec<Part>,
    /// Hard negatives of a pair in a step [default: 1, of a reranker 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=50))]
    negatives: Option<u32>,
    /// Largest learning rate [default: 0.0005, of a generator 0.0002]
    #[arg(long, value_parser = rate)]
    pub(super) rate: Option<f64>,
    /// Share of the steps in which the rate rises
    #[arg(long, value_name = "SHARE", default_value_t = EncoderOptions::default().warm_up, value_parser = from_to::<0, 1>)]
    pub(super) warm_up: f64,
    /// Decay of the weights
    #[arg(long, default_value_t = EncoderOptions::default().decay, value_parser = from_to::<0, 1>)]
    decay: f64,
    /// Lengths of an encoder's vectors that are to rank well too when the rest is cut off, such as 256,128
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(4..=4096))]
    dims: Vec<u32>,
    /// Tokens after which texts are cut, if the model reads so many; for a reranker a query and a passage
    /// together, for a generator a conversation [default: 128, of a reranker 256, of a generator 2048]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    pub(super) tokens: Option<u32>,
    /// Steps between looks at the queries that choose, or at the held-out conversations
    #[arg(long, default_value_t = EncoderOptions::default().look, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) look: u32,
    /// Looks without a gain after which training ends
    #[arg(long, default_value_t = EncoderOptions::default().patience, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) patience: u32,
    /// Tokens of a step whose intermediate results are kept in memory; those of larger steps are computed
    /// twice
    #[arg(long, value_name = "N", default_value_t = EncoderOptions::default().kept_tokens)]
    kept_tokens: usize,
    /// Whether a GPU trains, which littoral-train must be built for (--features gpu): off, for the same
    /// numbers on every machine; auto, where a step is measured to take less time on it; require, or an error
    #[arg(
        long,
        value_enum,
        default_value = "off",
        hide_possible_values = true,
        value_name = "off|auto|require"
    )]
    gpu: Gpu,
    /// Count adapters that the CPU emulates as GPUs: for tests
    #[arg(long, hide = true)]
    gpu_software: bool,
    /// Begin anew: forget an interrupted training, and replace what was trained there
    #[arg(long)]
    pub(super) fresh: bool,
}

fn part(text: &str) -> Result<Part, String> {
    Part::of_key(text).ok_or_else(|| {
        let keys = Part::ALL.map(Part::key);
        format!("this is one of {}", keys.join(", "))
    })
}

pub(super) fn from_to<const LEAST: u32, const MOST: u32>(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|number| (f64::from(LEAST)..=f64::from(MOST)).contains(number))
        .ok_or_else(|| format!("this is a number from {LEAST} to {MOST}"))
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|n: &f64| *n > 0.0 && *n <= 1.0);
    number.ok_or_else(|| "this is a number above 0 and not above 1".to_owned())
}

pub(super) fn run(
    arguments: &Arguments,
    encoder: &EncoderArguments,
    target: Target,
    leaks: &Leaks,
) -> Result<Outcome, Failure> {
    let Some(model) = &encoder.model else {
        return Err(Failure::new(
            "no-model",
            "nothing says which encoder to begin with",
            "add --model FOLDER; littoral model pull minilm --keep FOLDER gets one",
        ));
    };
    let default = EncoderOptions::of(target);
    let job = Job {
        target,
        model: model.clone(),
        data: arguments.data.clone(),
        output: arguments.output.clone(),
        from: encoder.from.clone(),
        threads: arguments.threads,
        computing: match encoder.gpu {
            Gpu::Off => Computing::Cpu,
            Gpu::Auto => Computing::Fastest,
            Gpu::Require => Computing::Gpu,
        },
        software: encoder.gpu_software,
        leaks: (leaks.queries.len() + leaks.documents.len()) as u64,
        options: EncoderOptions {
            rank: encoder.rank.map_or(default.rank, |n| n as usize),
            alpha: encoder.alpha.unwrap_or(default.alpha),
            matrices: encoder.matrices.clone(),
            steps: arguments.steps.unwrap_or(default.steps),
            batch: arguments.batch.map_or(default.batch, |n| n as usize),
            negatives: encoder.negatives.map_or(default.negatives, |n| n as usize),
            rate: encoder.rate.unwrap_or(default.rate),
            warm_up: encoder.warm_up,
            decay: encoder.decay,
            temperature: arguments.temperature.unwrap_or(default.temperature),
            dims: encoder.dims.iter().map(|&n| n as usize).collect(),
            tokens: encoder.tokens.map_or(default.tokens, |n| n as usize),
            look: encoder.look,
            patience: encoder.patience,
            kept_tokens: encoder.kept_tokens,
            seed: arguments.seed,
        },
    };
    // A reranker would take the place of the model that it is made of.
    let place = |path: &Path| path.canonicalize().ok();
    if place(model).is_some_and(|model| place(&job.output) == Some(model)) {
        return Err(Failure::new(
            "output-is-model",
            format!("{} is the model to begin with", job.output.display()),
            "name another folder with --output",
        ));
    }
    if target == Target::Reranker && !job.options.dims.is_empty() {
        return Err(Failure::new(
            "dims-of-reranker",
            "a reranker has no vectors that --dims could cut",
            "leave --dims out",
        ));
    }
    // What is there stays until another is whole.
    let there = job.output.join(match target {
        Target::Encoder => adapter::CONFIG,
        Target::Reranker => folder::CONFIG,
    });
    let checkpoint = job.output.join(CHECKPOINT);
    if encoder.fresh {
        begin_anew(&job.output).map_err(|error| failure(&error))?;
    } else if there.exists() && !checkpoint.exists() {
        return Err(Failure::new(
            "already-there",
            format!("{} is there already", there.display()),
            "name another folder with --output, or replace it with --fresh",
        ));
    }
    let record = train(&job, notice).map_err(|error| failure(&error))?;
    write_page(arguments, &record, &record.curve, record.best_step)?;
    if arguments.json {
        output::json(&json!({"trained": true, "folder": job.output, "record": record}))?;
    } else {
        show(&job, &record);
    }
    Ok(outcome(record.best_step))
}

/// Shows on a terminal how training goes.
fn notice(event: &Event) {
    match event {
        Event::Began {
            n_trained,
            n_numbers,
            n_pairs,
            n_choosing,
            done,
        } => output::notice(&format!(
            "{n_pairs} pairs, {n_choosing} queries choose; {n_trained} of {n_numbers} numbers are trained, \
             each has a gradient{}",
            match done {
                0 => String::new(),
                done => format!("; going on after step {done}"),
            }
        )),
        Event::Device { name, reason } => output::notice(&format!("{name} computes: {reason}")),
        Event::Step {
            step,
            loss,
            seconds,
            ..
        } => output::notice(&format!("step {step:>5}  loss {loss:.4}  {seconds:.1} s")),
        Event::Look(point) => output::notice(&format!(
            "step {:>5}  nDCG@10 {:.4} of the queries that choose",
            point.step, point.ndcg
        )),
        Event::Checkpoint { .. } | Event::Done(_) | Event::Failed { .. } => {}
    }
}

fn show(job: &Job, record: &Record) {
    show_curve(&record.curve, record.best_step);
    for look in &record.shares {
        let mark = if look.share.to_bits() == record.share.to_bits() {
            " ←"
        } else {
            ""
        };
        output::line(format!(
            "{:<4} of the change       nDCG@10 {:.4}{mark}",
            look.share, look.ndcg
        ));
    }
    if !record.device_reason.is_empty() {
        output::line(format!(
            "{} computed: {}.",
            record.device, record.device_reason
        ));
    }
    if record.best_step == 0 {
        output::line("No step ranks the queries that choose better than the model as it is.");
        return;
    }
    output::line(format!(
        "Trained {} of {} numbers on {} pairs of {} queries, {} steps in {:.0} s; {} other queries chose \
         step {}{}.",
        record.n_trained,
        record.n_numbers,
        record.n_pairs,
        record.n_queries,
        record.steps,
        record.seconds,
        record.n_choosing,
        record.best_step,
        match record.share {
            1.0 => String::new(),
            share => format!(" and {share} of its change"),
        }
    ));
    output::line(format!(
        "Next: littoral tune eval {} --index INDEX, then littoral tune deploy with the same",
        job.output.display()
    ));
    if job.target == Target::Reranker {
        output::line(format!(
            "To try it: littoral search INDEX QUERY --rerank {}",
            job.output.display()
        ));
    }
}
