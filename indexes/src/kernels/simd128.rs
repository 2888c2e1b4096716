//! WebAssembly's simd128: eight products an instruction (`i32x4.dot_i16x8_s`).
#![expect(
    unsafe_code,
    reason = "vector loads; each block says why it is in bounds"
)]

use std::arch::wasm32::{
    i16x8_extend_high_i8x16, i16x8_extend_low_i8x16, i32x4_add, i32x4_dot_i16x8,
    i32x4_extract_lane, i32x4_splat, v128, v128_load,
};

/// See [`super::dot_rows`].
pub(super) fn dot_rows(query: &[i16], rows: &[i8], out: &mut [i32]) {
    let whole = query.len() / 32 * 32;
    for (row, out) in rows.chunks_exact(query.len().max(1)).zip(out) {
        let (mut even, mut odd) = (i32x4_splat(0), i32x4_splat(0));
        for d in (0..whole).step_by(32) {
            // SAFETY: d + 32 ≤ whole ≤ query.len() = row.len().
            let (q, r) = unsafe {
                let q = query.as_ptr().add(d).cast::<v128>();
                let r = row.as_ptr().add(d).cast::<v128>();
                (
                    [
                        v128_load(q),
                        v128_load(q.add(1)),
                        v128_load(q.add(2)),
                        v128_load(q.add(3)),
                    ],
                    [v128_load(r), v128_load(r.add(1))],
                )
            };
            even = i32x4_add(even, i32x4_dot_i16x8(q[0], i16x8_extend_low_i8x16(r[0])));
            odd = i32x4_add(odd, i32x4_dot_i16x8(q[1], i16x8_extend_high_i8x16(r[0])));
            even = i32x4_add(even, i32x4_dot_i16x8(q[2], i16x8_extend_low_i8x16(r[1])));
            odd = i32x4_add(odd, i32x4_dot_i16x8(q[3], i16x8_extend_high_i8x16(r[1])));
        }
        let sum = i32x4_add(even, odd);
        let rest = query[whole..].iter().zip(&row[whole..]);
        let rest: i32 = rest.map(|(&q, &r)| i32::from(q) * i32::from(r)).sum();
        *out = i32x4_extract_lane::<0>(sum)
            + i32x4_extract_lane::<1>(sum)
            + i32x4_extract_lane::<2>(sum)
            + i32x4_extract_lane::<3>(sum)
            + rest;
    }
}
