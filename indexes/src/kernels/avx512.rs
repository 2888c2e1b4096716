//! AVX-512 with VNNI: thirty-two products and their sum an instruction (`vpdpwssd`).
#![expect(
    unsafe_code,
    reason = "vector loads; each block says why it is in bounds"
)]

use std::arch::x86_64::{
    _mm256_loadu_si256, _mm512_add_epi32, _mm512_cvtepi8_epi16, _mm512_dpwssd_epi32,
    _mm512_loadu_si512, _mm512_reduce_add_epi32, _mm512_setzero_si512,
};

/// Whether this processor has the instructions.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vnni")
}

/// See [`super::dot_rows`].
pub(super) fn dot_rows(query: &[i16], rows: &[i8], out: &mut [i32]) {
    assert!(is_there() && rows.len() == out.len() * query.len());
    // SAFETY: the instructions are there.
    unsafe { scan(query, rows, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn scan(query: &[i16], rows: &[i8], out: &mut [i32]) {
    let whole = query.len() / 64 * 64;
    for (row, out) in rows.chunks_exact(query.len().max(1)).zip(out) {
        let (mut even, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for d in (0..whole).step_by(64) {
            // SAFETY: d + 64 ≤ whole ≤ query.len() = row.len().
            let (q0, q1, r0, r1) = unsafe {
                (
                    _mm512_loadu_si512(query.as_ptr().add(d).cast()),
                    _mm512_loadu_si512(query.as_ptr().add(d + 32).cast()),
                    _mm256_loadu_si256(row.as_ptr().add(d).cast()),
                    _mm256_loadu_si256(row.as_ptr().add(d + 32).cast()),
                )
            };
            even = _mm512_dpwssd_epi32(even, q0, _mm512_cvtepi8_epi16(r0));
            odd = _mm512_dpwssd_epi32(odd, q1, _mm512_cvtepi8_epi16(r1));
        }
        let rest = query[whole..].iter().zip(&row[whole..]);
        let rest: i32 = rest.map(|(&q, &r)| i32::from(q) * i32::from(r)).sum();
        *out = _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd)) + rest;
    }
}
