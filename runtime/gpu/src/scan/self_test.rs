//! Known vectors with known neighbours: an adapter that gives others is refused.

use super::{Resident, portable};
use crate::{Gpu, GpuError};
use std::sync::Arc;

/// Numbers that look random, the same everywhere.
fn draw(seed: u32) -> impl FnMut() -> u32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    }
}

/// Compares the device with the CPU on a few vectors with ties and a filter.
pub(crate) async fn run(gpu: &Arc<Gpu>) -> Result<(), GpuError> {
    let (dims, n_rows, k) = (40, 700, 10);
    let mut next = draw(7);
    let mut rows: Vec<i8> = (0..n_rows * dims)
        .map(|_| (next() % 255) as i16 as i8)
        .map(|x| x.max(-127))
        .collect();
    // Every vector of the second half is one of the first, so that equal scores are met.
    let (first, second) = rows.split_at_mut(n_rows / 2 * dims);
    second.copy_from_slice(first);
    let queries: Vec<i16> = (0..3 * dims)
        .map(|_| (next() % 4095) as i16 - 2047)
        .collect();
    let allowed: Vec<u32> = (0..n_rows.div_ceil(32))
        .map(|_| next() ^ next() << 16)
        .collect();
    let resident = Resident::int8_async(gpu, dims, &rows).await?;
    for allowed in [None, Some(&allowed[..])] {
        let found = resident.nearest_int8_async(&queries, k, allowed).await?;
        if found != portable::nearest_int8(&rows, dims, &queries, k, allowed) {
            return Err(GpuError::Wrong {
                adapter: gpu.name().to_owned(),
                what: "the neighbours of known vectors",
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Adapters;

    #[test]
    fn without_packed_products_the_neighbours_are_the_same() {
        let Ok(gpu) = Gpu::open(Adapters::Any) else {
            return;
        };
        let mut gpu = Arc::into_inner(gpu).expect("the only owner");
        gpu.forbid_dot();
        let gpu = Arc::new(gpu);
        pollster::block_on(run(&gpu)).expect("the right neighbours");
    }
}
