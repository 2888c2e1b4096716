//! `--gpu`, and whether a GPU encodes the documents of a build: what was asked for, what was chosen, and
//! why.

use super::embedder::gpu_cache;
use super::output::{self, Failure};
use crate::build::Tools;
use crate::cells::GpuCells;
use crate::embed::GpuTexts;
use littoral_gpu::{Adapters, GpuError, Speeds};
use littoral_guest::Encoder;
use serde::Serialize;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Gpu {
    /// A GPU, where a measurement finds it faster
    Auto,
    /// The CPU
    Off,
    /// A GPU, or an error
    Require,
}

#[derive(Debug, clap::Args)]
pub(super) struct GpuArguments {
    /// Whether a GPU encodes the documents: off, for the same bytes on every machine; auto, where a
    /// measurement finds it faster; require, or an error
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
}

/// Which adapters may be taken.
pub(super) fn adapters(software: bool) -> Adapters {
    if software {
        Adapters::Any
    } else {
        Adapters::Hardware
    }
}

/// What was decided before a build.
#[derive(Debug)]
pub(super) struct Chosen {
    gpu: Option<(Arc<GpuTexts>, Arc<GpuCells>)>,
    adapter: Option<String>,
    /// Why it is the CPU, where it is.
    reason: Option<String>,
    speeds: Option<Speeds>,
}

/// What is said of it after the build, in JSON.
#[derive(Debug, Serialize)]
pub(super) struct GpuReport {
    used: bool,
    adapter: Option<String>,
    reason: Option<String>,
    texts_per_second: Option<TextsPerSecond>,
    /// Texts encoded by each; what was remembered is counted nowhere.
    gpu_texts: u64,
    cpu_texts: Option<u64>,
    /// Vectors that the GPU assigned to cells, each in every round.
    assigned_vectors: u64,
    failure: Option<FailureReport>,
}

#[derive(Debug, Serialize)]
struct TextsPerSecond {
    gpu: f64,
    cpu: f64,
}

#[derive(Debug, Serialize)]
struct FailureReport {
    code: &'static str,
    message: String,
}

/// Takes a GPU into `tools` where one was asked for and is worth it. `None` when none was asked for.
pub(super) fn choose(
    arguments: &GpuArguments,
    tools: &mut Tools,
) -> Result<Option<Chosen>, Failure> {
    if arguments.gpu == Gpu::Off {
        return Ok(None);
    }
    let is_required = arguments.gpu == Gpu::Require;
    let Some(embedder) = &tools.embedder else {
        return without(
            is_required,
            "no-vectors",
            "an index of words alone has nothing for it to do",
        );
    };
    let Some(encoder) = Arc::clone(embedder.encoder()).family() else {
        let what = "it has kernels for models of BERT's family in packed files alone";
        return without(is_required, "gpu-unsupported-model", what);
    };
    let adapters = adapters(arguments.gpu_software);
    let gpu = match GpuTexts::open(adapters, Arc::clone(&encoder)) {
        Ok(gpu) => Arc::new(gpu),
        Err(error) => return without(is_required, error.code(), &error.to_string()),
    };
    let mut chosen = Chosen {
        adapter: Some(gpu.name().to_owned()),
        gpu: None,
        reason: None,
        speeds: None,
    };
    if !is_required {
        match gpu.measure(tools.pool.n_threads()) {
            Ok(speeds) if speeds.gpu > speeds.cpu => chosen.speeds = Some(speeds),
            Ok(speeds) => {
                chosen.speeds = Some(speeds);
                chosen.reason = Some("the CPU is faster".into());
                return Ok(Some(chosen));
            }
            Err(error) => {
                chosen.reason = Some(error.to_string());
                return Ok(Some(chosen));
            }
        }
    }
    let gain = chosen
        .speeds
        .map_or(f64::INFINITY, |speeds| speeds.gpu / speeds.cpu);
    let cells = Arc::new(GpuCells::new(Arc::clone(gpu.gpu()), gain));
    attach(tools, &encoder, &gpu)?;
    tools.pool.set_cells(Arc::clone(&cells));
    chosen.gpu = Some((gpu, cells));
    Ok(Some(chosen))
}

fn attach(tools: &mut Tools, encoder: &Encoder, gpu: &Arc<GpuTexts>) -> Result<(), Failure> {
    let cache = gpu_cache(encoder)?;
    let own = tools.embedder.take();
    tools.embedder = own.map(|own| own.with_gpu(Arc::clone(gpu), Some(cache)));
    Ok(())
}

/// The CPU, and why; an error where a GPU is required.
fn without(is_required: bool, code: &'static str, why: &str) -> Result<Option<Chosen>, Failure> {
    if is_required {
        return Err(Failure::new(
            code,
            format!("no GPU can encode the documents: {why}"),
            "leave out --gpu, or say --gpu auto to go on with the CPU",
        ));
    }
    Ok(Some(Chosen {
        gpu: None,
        adapter: None,
        reason: Some(why.to_owned()),
        speeds: None,
    }))
}

impl Chosen {
    /// What came of it.
    pub(super) fn report(self) -> GpuReport {
        let tally = self.gpu.as_ref().map(|(gpu, _)| gpu.tally());
        let cells = self.gpu.as_ref().map(|(_, cells)| cells);
        let of_cells = cells.and_then(|cells| cells.failure());
        let failure = tally.as_ref().and_then(|tally| tally.failure.clone());
        let failure = failure.or(of_cells);
        GpuReport {
            used: self.gpu.is_some(),
            adapter: self.adapter,
            reason: self.reason,
            texts_per_second: self.speeds.map(|speeds| TextsPerSecond {
                gpu: speeds.gpu,
                cpu: speeds.cpu,
            }),
            gpu_texts: tally.as_ref().map_or(0, |tally| tally.gpu_texts),
            cpu_texts: tally.as_ref().map(|tally| tally.cpu_texts),
            assigned_vectors: cells.map_or(0, |cells| cells.n_vectors()),
            failure: failure.map(|error: GpuError| FailureReport {
                code: error.code(),
                message: error.to_string(),
            }),
        }
    }
}

impl GpuReport {
    /// In lines.
    pub(super) fn print(&self) {
        let measured = self.texts_per_second.as_ref().map(|speeds| {
            format!(
                "; measured: {:.0} texts a second by it, {:.0} by the CPU",
                speeds.gpu, speeds.cpu
            )
        });
        let measured = measured.unwrap_or_default();
        let adapter = self.adapter.as_deref().unwrap_or("none");
        if let Some(reason) = &self.reason {
            output::line(format!("GPU: {adapter}, not used: {reason}{measured}"));
            return;
        }
        output::line(format!(
            "GPU: {adapter} encoded {} texts{measured}",
            self.gpu_texts
        ));
        if self.assigned_vectors > 0 {
            output::line(format!(
                "  it assigned vectors to cells {} times",
                self.assigned_vectors
            ));
        }
        if let Some(failure) = &self.failure {
            let texts = match self.cpu_texts {
                None | Some(0) => String::new(),
                Some(n) => format!(", {n} texts among it"),
            };
            output::line(format!(
                "  it failed on the way ({}): {}; the CPU did the rest{texts}",
                failure.code, failure.message
            ));
        }
    }
}
