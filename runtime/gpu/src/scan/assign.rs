//! The nearest of many directions for each resident vector: k-means asks that.

use super::shader::{CHUNK, Shape, dot4, sum_of_word};
use super::{Kind, Resident, query_word};
use crate::GpuError;
use std::fmt::Write as _;

/// Directions of a tile.
const QUERIES: usize = 8;

/// Words of 16 bytes of a direction for one of a row.
const PARTS: usize = 2;

/// Threads of a group.
const THREADS: usize = 256;

/// Directions that a run compares with all rows: a moment's work, so that a device that also draws a
/// screen is not taken for hung.
const RANGE: usize = 2_048;

impl Resident {
    /// For each vector of int8 the place of the direction with the greatest product of dot product and
    /// scale, the first of equals. `directions` is `[n, dims]` within ±2047, `scales` `[n]`.
    ///
    /// # Errors
    /// [`GpuError`], after which nothing is known.
    ///
    /// # Panics
    /// When the vectors are not int8, or there are no directions, or another number of scales.
    pub fn assign(&self, directions: &[i16], scales: &[f32]) -> Result<Vec<u32>, GpuError> {
        let n = scales.len();
        assert!(self.kind == Kind::Int8 && n > 0 && directions.len() == n * self.dims);
        self.gpu.wait_for(self.gpu.run(async || {
            let gpu = &*self.gpu;
            let shape = Shape {
                kind: Kind::Int8,
                is_wide: true,
                n_queries: QUERIES,
                n_rows: 1,
            };
            let tiles = directions.chunks(QUERIES * self.dims);
            let packed =
                tiles.map(|tile| self.pack(tile, shape, |part, i| query_word(part, i, true)));
            let of_directions = gpu.storage(&packed.collect::<Vec<_>>().concat())?;
            let bits: Vec<u32> = scales.iter().map(|x| x.to_bits()).collect();
            let of_scales = gpu.storage(&bits)?;
            let kernel = gpu.kernel(&source(gpu.has_dot()));
            let mut places = Vec::with_capacity(self.n_rows);
            for shard in &self.shards {
                let best = gpu.buffer(shard.n_rows as u64 * 8)?;
                let commands = gpu.record(|pass| {
                    for first in (0..n).step_by(RANGE) {
                        let words = [shard.n_rows, self.words, first, n.min(first + RANGE)];
                        let uniform = gpu.uniform(&words.map(|x| x as u32));
                        let buffers = [&shard.buffer, &of_directions, &of_scales, &best, &uniform];
                        let groups = shard.n_rows.div_ceil(THREADS) as u32;
                        gpu.dispatch(pass, &kernel, &buffers, [groups, 1, 1]);
                    }
                    Ok(())
                })?;
                let found = gpu.finish(commands, &best, shard.n_rows * 2).await?;
                places.extend(found.chunks_exact(2).map(|pair| pair[1]));
            }
            Ok(places)
        }))
    }
}

fn source(has_dot: bool) -> String {
    // Writing to a string never fails.
    let [mut begin, mut sums, mut take] = [const { String::new() }; 3];
    for q in 0..QUERIES {
        let _ = writeln!(begin, "var s_{q} = 0;");
        let _ = writeln!(
            take,
            "if (q + {q}u < p.end) {{ let own = f32(s_{q}) * scales[q + {q}u]; if (own > score) {{ score = own; place = q + {q}u; }} }}"
        );
    }
    for j in 0..CHUNK {
        let _ = writeln!(sums, "{{ let v = rows[start + (word + {j}u) * 64u];");
        for q in 0..QUERIES {
            let at = (j * QUERIES + q) * PARTS;
            let _ = writeln!(
                sums,
                "s_{q} += (sum(v, tile[{at}u]) << 6u) + sum(v, tile[{}u]);",
                at + 1
            );
        }
        let _ = writeln!(sums, "}}");
    }
    let per_word = QUERIES * PARTS;
    wgsl!("assign")
        .replace("$FUNCTIONS", &[dot4(has_dot), sum_of_word()].join("\n"))
        .replace("$TILE", &(CHUNK * per_word).to_string())
        .replace("$PER_WORD", &per_word.to_string())
        .replace("$CHUNK", &CHUNK.to_string())
        .replace("$QUERIES", &QUERIES.to_string())
        .replace("$BEGIN", &begin)
        .replace("$SUM", &sums)
        .replace("$TAKE", &take)
}
