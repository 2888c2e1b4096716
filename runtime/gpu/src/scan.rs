//! Nearest neighbours among vectors that stay on the device: all are looked at, so nothing is missed.
//!
//! ```text
//! vectors, in buffers ─┐
//! queries, in tiles ───┴→ scan → keys of a range → select → candidates ┐ … → select → the k best
//! ```
//!
//! Int8 vectors are scored in whole numbers, exactly as [`littoral_indexes::kernels::dot_rows`] does.

#[cfg(not(target_arch = "wasm32"))]
mod assign;
mod half;
pub mod portable;
#[cfg(not(target_arch = "wasm32"))]
pub mod searcher;
pub(crate) mod self_test;
pub(crate) mod shader;

use crate::select::{MAX_K, STRIPE, Select};
use crate::{Gpu, GpuError};
use littoral_indexes::kernels::{MAX_DIMS, QUERY_LIMIT};
use shader::{CHUNK, Shape};
use std::sync::Arc;

/// Rows of a block.
const BLOCK: usize = 64;

/// Keys of a range, in bytes: enough rows to fill a device, little memory.
const KEY_BYTES: u64 = 64 << 20;

/// Most groups along one axis of a run.
const MAX_GROUPS: usize = 65_535;

/// What a component of a resident vector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number from −127 to 127. Queries have 12 bits.
    Int8,
    /// A float of 16 bits.
    F16,
    /// A float of 32 bits.
    F32,
}

impl Kind {
    /// Components in a word of 16 bytes.
    fn per_word(self) -> usize {
        match self {
            Self::Int8 => 16,
            Self::F16 => 8,
            Self::F32 => 4,
        }
    }
}

/// A neighbour. `S` is `i32` for vectors of whole numbers, `f32` for others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<S> {
    /// Its position among the vectors.
    pub id: u32,
    /// The dot product with the query; higher is nearer.
    pub score: S,
}

/// A buffer of vectors.
#[derive(Debug)]
struct Shard {
    buffer: wgpu::Buffer,
    first: usize,
    n_rows: usize,
}

/// Vectors on the device.
#[derive(Debug)]
pub struct Resident {
    gpu: Arc<Gpu>,
    kind: Kind,
    dims: usize,
    n_rows: usize,
    /// Words of 16 bytes of a row, padded to whole chunks.
    words: usize,
    shards: Vec<Shard>,
    select: Select,
}

impl Resident {
    /// Brings `rows` of int8, `[n_rows, dims]`, to the device, in as many buffers as it takes.
    ///
    /// # Errors
    /// [`GpuError`] when the device does not take them.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn int8(gpu: &Arc<Gpu>, dims: usize, rows: &[i8]) -> Result<Self, GpuError> {
        Self::int8_in(gpu, dims, rows, u64::MAX)
    }

    /// As [`Resident::int8`], where nothing may wait.
    ///
    /// # Errors
    /// As there.
    pub async fn int8_async(gpu: &Arc<Gpu>, dims: usize, rows: &[i8]) -> Result<Self, GpuError> {
        Self::of_int8(gpu, dims, rows, u64::MAX).await
    }

    /// As [`Resident::int8`], no buffer larger than `max_bytes`.
    ///
    /// # Errors
    /// As there.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn int8_in(
        gpu: &Arc<Gpu>,
        dims: usize,
        rows: &[i8],
        max_bytes: u64,
    ) -> Result<Self, GpuError> {
        gpu.wait_for(Self::of_int8(gpu, dims, rows, max_bytes))
    }

    async fn of_int8(
        gpu: &Arc<Gpu>,
        dims: usize,
        rows: &[i8],
        max_bytes: u64,
    ) -> Result<Self, GpuError> {
        let word = |part: &[i8]| bytes_of(part.iter().map(|&x| [x as u8]));
        Self::new(gpu, Kind::Int8, dims, rows, max_bytes, word).await
    }

    /// Brings `rows` of floats, `[n_rows, dims]`, to the device, rounded to 16 bits.
    ///
    /// # Errors
    /// As [`Resident::int8`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn f16(gpu: &Arc<Gpu>, dims: usize, rows: &[f32]) -> Result<Self, GpuError> {
        gpu.wait_for(Self::f16_async(gpu, dims, rows))
    }

    /// As [`Resident::f16`], where nothing may wait.
    ///
    /// # Errors
    /// As there.
    pub async fn f16_async(gpu: &Arc<Gpu>, dims: usize, rows: &[f32]) -> Result<Self, GpuError> {
        let word = |part: &[f32]| bytes_of(part.iter().map(|&x| half::bits(x).to_le_bytes()));
        Self::new(gpu, Kind::F16, dims, rows, u64::MAX, word).await
    }

    /// Brings `rows` of floats, `[n_rows, dims]`, to the device.
    ///
    /// # Errors
    /// As [`Resident::int8`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn f32(gpu: &Arc<Gpu>, dims: usize, rows: &[f32]) -> Result<Self, GpuError> {
        let word = |part: &[f32]| bytes_of(part.iter().map(|x| x.to_le_bytes()));
        gpu.wait_for(Self::new(gpu, Kind::F32, dims, rows, u64::MAX, word))
    }

    async fn new<T>(
        gpu: &Arc<Gpu>,
        kind: Kind,
        dims: usize,
        rows: &[T],
        max_bytes: u64,
        word: impl Fn(&[T]) -> [u32; 4],
    ) -> Result<Self, GpuError> {
        let too_large = |what, size: usize, limit: usize| {
            Err(GpuError::TooLarge {
                what,
                size: size as u64,
                limit: limit as u64,
            })
        };
        if dims == 0 || dims > MAX_DIMS {
            return too_large("dimensions", dims, MAX_DIMS);
        }
        let n_rows = rows.len() / dims;
        if n_rows >= 1 << 31 {
            return too_large("a number of vectors", n_rows, (1 << 31) - 1);
        }
        let words = dims.div_ceil(kind.per_word()).next_multiple_of(CHUNK);
        let block_bytes = (BLOCK * words * 16) as u64;
        // A position in a buffer is a number of 32 bits.
        let limit = gpu.max_binding().min(max_bytes).min(u64::from(u32::MAX));
        let shard_rows = ((limit / block_bytes).max(1) as usize).saturating_mul(BLOCK);
        gpu.run(async || {
            let mut shards = Vec::new();
            for first in (0..n_rows).step_by(shard_rows) {
                let n = shard_rows.min(n_rows - first);
                let own = &rows[first * dims..(first + n) * dims];
                let buffer = upload(gpu, own, dims, kind, words, &word)?;
                shards.push(Shard {
                    buffer,
                    first,
                    n_rows: n,
                });
            }
            Ok(Self {
                gpu: Arc::clone(gpu),
                kind,
                dims,
                n_rows,
                words,
                shards,
                select: Select::new(gpu),
            })
        })
        .await
    }

    /// Dimensions of a vector.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Number of vectors.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The device that holds them.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// The `k` vectors of int8 nearest to each of `queries`, `[n, dims]` within ±2047: best first,
    /// equal scores by id. `allowed` has a bit for every vector that may be given, lowest bit first.
    ///
    /// # Errors
    /// [`GpuError`], after which nothing is known.
    ///
    /// # Panics
    /// When the vectors are not int8, or `queries` is not `[n, dims]`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn nearest_int8(
        &self,
        queries: &[i16],
        k: usize,
        allowed: Option<&[u32]>,
    ) -> Result<Vec<Vec<Hit<i32>>>, GpuError> {
        self.gpu
            .wait_for(self.nearest_int8_async(queries, k, allowed))
    }

    /// As [`Resident::nearest_int8`], where nothing may wait.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    pub async fn nearest_int8_async(
        &self,
        queries: &[i16],
        k: usize,
        allowed: Option<&[u32]>,
    ) -> Result<Vec<Vec<Hit<i32>>>, GpuError> {
        assert!(self.kind == Kind::Int8 && queries.len().is_multiple_of(self.dims));
        debug_assert!(queries.iter().all(|q| q.abs() <= QUERY_LIMIT));
        let is_wide = queries.iter().any(|q| q.unsigned_abs() > 127);
        let word = |part: &[i16], i: usize| query_word(part, i, is_wide);
        let score = |key: u32| (key ^ 0x8000_0000) as i32;
        self.nearest(queries, is_wide, k, allowed, word, score)
            .await
    }

    /// The `k` vectors of floats nearest to each of `queries`, `[n, dims]`, as
    /// [`Resident::nearest_int8`] gives them.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// When the vectors are int8, or `queries` is not `[n, dims]`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn nearest_float(
        &self,
        queries: &[f32],
        k: usize,
        allowed: Option<&[u32]>,
    ) -> Result<Vec<Vec<Hit<f32>>>, GpuError> {
        self.gpu
            .wait_for(self.nearest_float_async(queries, k, allowed))
    }

    /// As [`Resident::nearest_float`], where nothing may wait.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// As there.
    pub async fn nearest_float_async(
        &self,
        queries: &[f32],
        k: usize,
        allowed: Option<&[u32]>,
    ) -> Result<Vec<Vec<Hit<f32>>>, GpuError> {
        assert!(self.kind != Kind::Int8 && queries.len().is_multiple_of(self.dims));
        let word = |part: &[f32], i: usize| {
            let part = &part[(4 * i).min(part.len())..];
            bytes_of(part.iter().take(4).map(|q| q.to_le_bytes()))
        };
        let score = |key: u32| {
            let bits = if key >= 0x8000_0000 {
                key ^ 0x8000_0000
            } else {
                !key
            };
            f32::from_bits(bits)
        };
        self.nearest(queries, false, k, allowed, word, score).await
    }

    async fn nearest<Q, S: PartialOrd>(
        &self,
        queries: &[Q],
        is_wide: bool,
        k: usize,
        allowed: Option<&[u32]>,
        word: impl Fn(&[Q], usize) -> [u32; 4],
        score: impl Fn(u32) -> S,
    ) -> Result<Vec<Vec<Hit<S>>>, GpuError> {
        if k > MAX_K {
            return Err(GpuError::TooLarge {
                what: "a number of neighbours",
                size: k as u64,
                limit: MAX_K as u64,
            });
        }
        let n_queries = queries.len() / self.dims;
        if k == 0 || self.n_rows == 0 || n_queries == 0 {
            return Ok((0..n_queries).map(|_| Vec::new()).collect());
        }
        let found = self.gpu.run(async || {
            let bits = match allowed {
                Some(bits) => {
                    let mut bits = bits.to_vec();
                    bits.resize(self.n_rows.div_ceil(32), 0);
                    self.gpu.storage(&bits)?
                }
                None => self.gpu.buffer(16)?,
            };
            let mut found = Vec::with_capacity(n_queries);
            let mut rest = queries;
            while !rest.is_empty() {
                let n_left = rest.len() / self.dims;
                let shape = self.shape(n_left, is_wide);
                let n = n_left.min(shape.n_queries);
                let (own, after) = rest.split_at(n * self.dims);
                rest = after;
                let packed = self.pack(own, shape, &word);
                let pairs = self.tile(shape, &packed, n, k, &bits, allowed.is_some());
                let pairs = pairs.await?;
                for pairs in pairs.chunks_exact(2 * k) {
                    let pairs = pairs.chunks_exact(2).filter(|pair| pair[0] != 0);
                    let hits = pairs.map(|pair| Hit {
                        id: pair[1],
                        score: score(pair[0]),
                    });
                    let mut hits: Vec<_> = hits.collect();
                    hits.sort_by(portable::order);
                    found.push(hits);
                }
            }
            Ok(found)
        });
        found.await
    }

    /// The shape for `n_queries` that are left: a tile of many queries costs as much when it is not
    /// full.
    fn shape(&self, n_queries: usize, is_wide: bool) -> Shape {
        let (n_queries, n_rows) = match n_queries {
            1 => (1, 1),
            2..=8 => (8, 1),
            _ => (32, 1),
        };
        Shape {
            kind: self.kind,
            is_wide,
            n_queries,
            n_rows,
        }
    }

    /// Queries as a tile reads them: `[words, n_queries, parts]` words of 16 bytes.
    fn pack<Q>(
        &self,
        queries: &[Q],
        shape: Shape,
        word: impl Fn(&[Q], usize) -> [u32; 4],
    ) -> Vec<u32> {
        let (per_word, parts) = (self.kind.per_word(), shape.parts());
        let mut packed = vec![0; self.words * shape.n_queries * parts * 4];
        for (q, query) in queries.chunks_exact(self.dims).enumerate() {
            for (w, part) in query.chunks(per_word).enumerate() {
                for i in 0..parts {
                    let at = ((w * shape.n_queries + q) * parts + i) * 4;
                    packed[at..at + 4].copy_from_slice(&word(part, i));
                }
            }
        }
        packed
    }

    /// Pairs of key and id, `[n_queries, k]`, of one tile of queries.
    async fn tile(
        &self,
        shape: Shape,
        packed: &[u32],
        n_queries: usize,
        k: usize,
        bits: &wgpu::Buffer,
        is_filtered: bool,
    ) -> Result<Vec<u32>, GpuError> {
        let gpu = &*self.gpu;
        let scan = gpu.kernel(&shader::source(shape, gpu.has_dot()));
        let queries = gpu.storage(packed)?;
        let key_bytes = KEY_BYTES.min(gpu.max_binding());
        let range_rows = (key_bytes as usize / 4 / shape.n_queries)
            .min(MAX_GROUPS * shape.group_rows())
            .min(self.n_rows.next_multiple_of(STRIPE))
            / STRIPE
            * STRIPE;
        let keys = gpu.buffer((range_rows * shape.n_queries * 4) as u64)?;
        let ranges: Vec<_> = self
            .shards
            .iter()
            .flat_map(|shard| {
                let starts = (0..shard.n_rows).step_by(range_rows);
                starts.map(move |start| (shard, start, range_rows.min(shard.n_rows - start)))
            })
            .collect();
        let n_stripes: usize = ranges.iter().map(|(_, _, n)| n.div_ceil(STRIPE)).sum();
        let stride = n_stripes * k;
        let candidates = gpu.buffer((n_queries * stride * 8) as u64)?;
        let mut best = None;
        let commands = gpu.record(|pass| {
            let mut base = 0;
            for &(shard, start, n) in &ranges {
                let id = shard.first + start;
                let words = [
                    n,
                    start,
                    id,
                    range_rows,
                    self.words,
                    usize::from(is_filtered),
                ];
                let uniform = gpu.uniform(&words.map(|x| x as u32));
                let buffers = [&shard.buffer, &queries, &keys, bits, &uniform];
                let groups = n.div_ceil(shape.group_rows()) as u32;
                gpu.dispatch(pass, &scan, &buffers, [groups, 1, 1]);
                let from = (&keys, n, range_rows);
                let to = (&candidates, base, stride);
                self.select
                    .keys(gpu, pass, from, to, n_queries, id as u32, k);
                base += n.div_ceil(STRIPE) * k;
            }
            let pairs = self
                .select
                .pairs(gpu, pass, candidates.clone(), stride, n_queries, k);
            best = Some(pairs?);
            Ok(())
        })?;
        let best = best.unwrap_or(candidates);
        gpu.finish(commands, &best, n_queries * k * 2).await
    }
}

/// Bytes as a word, zeros behind them.
fn bytes_of<const N: usize>(parts: impl Iterator<Item = [u8; N]>) -> [u32; 4] {
    let mut bytes = [0u8; 16];
    for (to, part) in bytes.chunks_exact_mut(N).zip(parts) {
        to.copy_from_slice(&part);
    }
    let words = bytes.as_chunks::<4>().0;
    std::array::from_fn(|i| u32::from_le_bytes(words[i]))
}

/// The `i`-th word of a query of whole numbers for one of a row.
fn query_word(part: &[i16], i: usize, is_wide: bool) -> [u32; 4] {
    bytes_of(part.iter().map(|&q| {
        // 12 bits as two of 8 that are signed: q = 64 high + low.
        let high = (q + 32) >> 6;
        [match (is_wide, i) {
            (false, _) => q,
            (true, 0) => high,
            (true, _) => q - (high << 6),
        } as u8]
    }))
}

/// Brings rows to a buffer in blocks of 64, a word of each row after the other.
fn upload<T>(
    gpu: &Gpu,
    rows: &[T],
    dims: usize,
    kind: Kind,
    words: usize,
    word: impl Fn(&[T]) -> [u32; 4],
) -> Result<wgpu::Buffer, GpuError> {
    let block_words = BLOCK * words * 4;
    let n_blocks = (rows.len() / dims).div_ceil(BLOCK);
    let buffer = gpu.buffer((n_blocks * block_words * 4) as u64)?;
    let per_upload = ((32 << 20) / (block_words * 4)).max(1);
    let mut packed = Vec::new();
    for (i, part) in rows.chunks(per_upload * BLOCK * dims).enumerate() {
        packed.clear();
        packed.resize((part.len() / dims).div_ceil(BLOCK) * block_words, 0u32);
        for (r, row) in part.chunks_exact(dims).enumerate() {
            for (w, values) in row.chunks(kind.per_word()).enumerate() {
                let at = (r / BLOCK * BLOCK * words + w * BLOCK + r % BLOCK) * 4;
                packed[at..at + 4].copy_from_slice(&word(values));
            }
        }
        let offset = (i * per_upload * block_words * 4) as u64;
        gpu.queue
            .write_buffer(&buffer, offset, bytemuck::cast_slice(&packed));
        gpu.wait()?;
    }
    Ok(buffer)
}
