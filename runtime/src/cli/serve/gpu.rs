//! Whether a server reranks on a GPU: decided once, by a measurement.

use super::super::gpu::{Gpu, adapters};
use super::super::output::Failure;
use crate::rerank::CrossEncoder;
use littoral_gpu::BulkEncoder;
use littoral_guest::Encoder;
use std::sync::Arc;

/// How much faster than the CPU a GPU must be: of what it reads the CPU reads a part again.
const LEAST_GAIN: f64 = 2.0;

/// Calls of the measurement under way for each engine at work: together about one query's candidates.
const ASKERS: usize = 12;

#[derive(Debug, clap::Args)]
pub(super) struct GpuArguments {
    /// Whether a GPU reranks: auto, where a measurement finds it at least twice as fast; require, or an
    /// error; off. The CPU reads again what may be among the hits
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "auto|off|require"
    )]
    gpu: Gpu,
    /// Count adapters that the CPU emulates as GPUs: for tests
    #[arg(long, hide = true)]
    gpu_software: bool,
}

/// The reranker where it is to run, and what is said of it.
pub(super) fn choose(
    arguments: &GpuArguments,
    encoder: Option<Arc<Encoder>>,
    workers: usize,
) -> Result<(Option<Arc<CrossEncoder>>, String), Failure> {
    let is_required = arguments.gpu == Gpu::Require;
    let Some(encoder) = encoder else {
        return match arguments.gpu {
            Gpu::Off => Ok((None, "off".into())),
            Gpu::Auto => Ok((None, "not used: it is for reranking".into())),
            Gpu::Require => Err(Failure::new(
                "gpu-unused",
                "a server without a reranker has nothing for a GPU to do",
                "add --rerank NAME, or leave out --gpu",
            )),
        };
    };
    let plain = Arc::new(CrossEncoder::new(Arc::clone(&encoder)));
    if arguments.gpu == Gpu::Off {
        return Ok((Some(plain), "off".into()));
    }
    let opened = littoral_gpu::Gpu::open(adapters(arguments.gpu_software))
        .and_then(|gpu| BulkEncoder::new(&gpu, encoder));
    let bulk = match opened {
        Ok(bulk) => bulk,
        Err(error) if is_required => {
            return Err(Failure::new(
                error.code(),
                format!("no GPU can rerank: {error}"),
                "leave out --gpu, or say --gpu auto to go on with the CPU",
            ));
        }
        Err(error) => return Ok((Some(plain), format!("not used: {error}"))),
    };
    let name = bulk.gpu().name().to_owned();
    let on_gpu = |bulk| Some(Arc::new(CrossEncoder::on_gpu(bulk)));
    if is_required {
        return Ok((on_gpu(bulk), format!("{name} reranks")));
    }
    let speeds = match bulk.measure(ASKERS * workers, workers) {
        Ok(speeds) => speeds,
        Err(error) => return Ok((Some(plain), format!("{name}, not used: {error}"))),
    };
    let measured = format!(
        "measured: {:.0} pairs a second by it, {:.0} by the CPU",
        speeds.gpu, speeds.cpu
    );
    if speeds.gpu < LEAST_GAIN * speeds.cpu {
        return Ok((Some(plain), format!("{name}, not used; {measured}")));
    }
    Ok((on_gpu(bulk), format!("{name} reranks; {measured}")))
}
