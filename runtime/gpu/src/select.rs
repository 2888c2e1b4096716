//! The k best of many candidates, on the device.

use crate::{Gpu, GpuError};

/// Candidates that a thread holds. A browser compiles what a page brings before anything runs, and the
/// adapter that it emulates takes minutes for as many as a driver takes in no time.
const PER_THREAD: usize = if cfg!(target_arch = "wasm32") { 4 } else { 32 };

/// Threads of a group.
const THREADS: usize = 256;

/// Candidates that a group looks through.
pub(crate) const STRIPE: usize = PER_THREAD * THREADS;

/// Most candidates taken.
pub(crate) const MAX_K: usize = 256;

/// The kernels: of keys whose ids are their positions, and of keys with ids.
#[derive(Debug)]
pub(crate) struct Select {
    of_keys: wgpu::ComputePipeline,
    of_pairs: wgpu::ComputePipeline,
}

impl Select {
    pub(crate) fn new(gpu: &Gpu) -> Self {
        Self {
            of_keys: gpu.kernel(&source(false)),
            of_pairs: gpu.kernel(&source(true)),
        }
    }

    /// Records the selection of the best of every stripe of `n` keys, `[n_queries, in_stride]`: pairs
    /// of key and id, `k` a stripe, from `out_base` on in rows of `out_stride`.
    #[expect(clippy::too_many_arguments, reason = "the kernel's parameters")]
    pub(crate) fn keys(
        &self,
        gpu: &Gpu,
        pass: &mut wgpu::ComputePass<'_>,
        (keys, n, in_stride): (&wgpu::Buffer, usize, usize),
        (out, out_base, out_stride): (&wgpu::Buffer, usize, usize),
        n_queries: usize,
        first_id: u32,
        k: usize,
    ) {
        let words = [n, in_stride, out_stride, out_base, k].map(|x| x as u32);
        let words = [&words[..], &[first_id]].concat();
        let groups = [n.div_ceil(STRIPE) as u32, n_queries as u32, 1];
        gpu.dispatch(
            pass,
            &self.of_keys,
            &[keys, out, &gpu.uniform(&words)],
            groups,
        );
    }

    /// Records the selection of the `k` best of `n` pairs a query, `[n_queries, n]`; gives the buffer
    /// in which they are, `[n_queries, k]`. Every id is below 2³¹.
    pub(crate) fn pairs(
        &self,
        gpu: &Gpu,
        pass: &mut wgpu::ComputePass<'_>,
        pairs: wgpu::Buffer,
        mut n: usize,
        n_queries: usize,
        k: usize,
    ) -> Result<wgpu::Buffer, GpuError> {
        let mut from = pairs;
        while n > k {
            let n_stripes = n.div_ceil(STRIPE);
            let stride = n_stripes * k;
            let to = gpu.buffer((n_queries * stride * 8) as u64)?;
            let words = [n, n, stride, 0, k, 0].map(|x| x as u32);
            let groups = [n_stripes as u32, n_queries as u32, 1];
            gpu.dispatch(
                pass,
                &self.of_pairs,
                &[&from, &to, &gpu.uniform(&words)],
                groups,
            );
            (from, n) = (to, stride);
        }
        Ok(from)
    }
}

/// The kernel's source, its candidates in variables of their own, which are registers.
fn source(has_ids: bool) -> String {
    let each = |line: &dyn Fn(usize) -> String| -> String {
        (0..PER_THREAD).map(|i| line(i) + "\n").collect()
    };
    let load = each(&|i| {
        let at = i * THREADS;
        let read = if has_ids {
            format!(
                "if (first + {at}u < p.n) {{ let pair = given[row + first + {at}u]; key_{i} = pair.x; id_{i} = pair.y; }}"
            )
        } else {
            format!("if (first + {at}u < p.n) {{ key_{i} = given[row + first + {at}u]; }}")
        };
        format!("var key_{i} = 0u; var id_{i} = p.first_id + first + {at}u; {read}")
    });
    let take = each(&|i| {
        format!(
            "if (key_{i} > least || (key_{i} == least && least > 0u && id_{i} <= last_id)) {{ let slot = atomicAdd(&n_taken, 1u); if (slot < p.k) {{ taken[out + slot] = vec2<u32>(key_{i}, id_{i}); }} }}"
        )
    });
    wgsl!("select")
        .replace("$ELEMENT", if has_ids { "vec2<u32>" } else { "u32" })
        .replace("$STRIPE", &STRIPE.to_string())
        .replace("$LOAD", &load)
        .replace(
            "$COUNT_KEYS",
            &each(&|i| format!("n += u32(key_{i} >= limit);")),
        )
        .replace(
            "$COUNT_ABOVE",
            &each(&|i| {
                format!("n_above += u32(key_{i} > least); n_equal += u32(key_{i} == least);")
            }),
        )
        .replace(
            "$COUNT_IDS",
            &each(&|i| format!("n += u32(key_{i} == least && id_{i} < limit);")),
        )
        .replace("$TAKE", &take)
}
