//! Documents embedded on the GPU, where that is faster.

use super::gpu_use::GpuReport;
use super::{GpuChoice, GpuUse, TextEncoder};
use littoral_gpu::{Adapters, BulkEncoder, Gpu, GpuError, Speeds};
use littoral_guest::Encoder;
use std::sync::Arc;

/// Texts given at a time.
const JOB_TEXTS: usize = 256;

/// Threads that ask at a time: documents are short, and what they ask for together is one batch.
const CALLERS: usize = 64;

struct Bulk(Arc<BulkEncoder>);

impl TextEncoder for Bulk {
    fn id(&self) -> [u8; 8] {
        self.0.plain().id()
    }

    fn dims(&self) -> usize {
        self.0.plain().dims()
    }

    fn encode(&self, texts: &[&str]) -> Vec<f32> {
        if texts.is_empty() {
            return Vec::new();
        }
        let plain = self.0.plain();
        let prompt = &plain.config().document_prompt;
        let tokens = texts.iter().map(|text| {
            let tokenizer = plain.tokenizer();
            if prompt.is_empty() {
                return tokenizer.encode(text, plain.max_tokens());
            }
            tokenizer.encode(&[prompt, *text].concat(), plain.max_tokens())
        });
        self.0.encode(tokens.collect())
    }

    fn encode_query(&self, query: &str) -> Vec<f32> {
        self.0.plain().embed_query(query)
    }

    fn job_texts(&self) -> usize {
        JOB_TEXTS
    }

    fn callers(&self, n_threads: usize) -> usize {
        n_threads.max(CALLERS)
    }
}

/// `encoder` on a GPU: with [`GpuChoice::Auto`] where hardware is measured to be faster than
/// `n_threads` of the processor, with [`GpuChoice::On`] on any adapter. Where it is not, the encoder
/// as it is, and the reason.
pub fn on_gpu(
    encoder: Arc<Encoder>,
    choice: GpuChoice,
    n_threads: usize,
) -> (Arc<dyn TextEncoder>, GpuUse) {
    match bulk(&encoder, choice, n_threads) {
        Ok((bulk, speeds)) if choice == GpuChoice::On || speeds.gpu > speeds.cpu => {
            let of_report = Arc::clone(&bulk);
            let report = move || report(&of_report, speeds);
            (Arc::new(Bulk(bulk)), GpuUse::gpu(report))
        }
        Ok((bulk, Speeds { gpu, cpu })) => {
            let name = bulk.gpu().name();
            let reason = format!("{name} encodes {gpu:.0} texts a second, the processor {cpu:.0}");
            (encoder, GpuUse::processor(reason))
        }
        Err(error) => (encoder, GpuUse::processor(error.to_string())),
    }
}

fn bulk(
    encoder: &Arc<Encoder>,
    choice: GpuChoice,
    n_threads: usize,
) -> Result<(Arc<BulkEncoder>, Speeds), GpuError> {
    let adapters = match choice {
        GpuChoice::On => Adapters::Any,
        GpuChoice::Off | GpuChoice::Auto => Adapters::Hardware,
    };
    let gpu = Gpu::open(adapters)?;
    let bulk = BulkEncoder::new(&gpu, Arc::clone(encoder))?;
    // An emulated adapter is there to be tested; its speed is not worth the time.
    let speeds = if gpu.is_software() {
        Speeds { gpu: 0.0, cpu: 0.0 }
    } else {
        bulk.measure(n_threads)?
    };
    Ok((Arc::new(bulk), speeds))
}

fn report(bulk: &BulkEncoder, speeds: Speeds) -> GpuReport {
    let tally = bulk.tally();
    GpuReport {
        adapter: Some(bulk.gpu().name().to_owned()),
        gpu_texts: tally.gpu_texts,
        cpu_texts: tally.cpu_texts,
        gpu_texts_per_second: speeds.gpu,
        cpu_texts_per_second: speeds.cpu,
        same_bytes: bulk.is_exact(),
        reason: tally.failure.map(|error| error.to_string()),
    }
}
