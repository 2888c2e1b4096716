//! AVX2: sixteen products an instruction (`vpmaddwd` over widened rows).
#![expect(
    unsafe_code,
    reason = "vector loads; each block says why it is in bounds"
)]

use std::arch::x86_64::{
    _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_shuffle_epi32, _mm256_add_epi32,
    _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_extracti128_si256, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_setzero_si256,
};

/// Whether this processor has the instructions.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
}

/// See [`super::dot_rows`].
pub(super) fn dot_rows(query: &[i16], rows: &[i8], out: &mut [i32]) {
    assert!(is_there() && rows.len() == out.len() * query.len());
    // SAFETY: the instructions are there.
    unsafe { scan(query, rows, out) }
}

#[target_feature(enable = "avx2")]
fn scan(query: &[i16], rows: &[i8], out: &mut [i32]) {
    let whole = query.len() / 32 * 32;
    for (row, out) in rows.chunks_exact(query.len().max(1)).zip(out) {
        let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for d in (0..whole).step_by(32) {
            // SAFETY: d + 32 ≤ whole ≤ query.len() = row.len().
            let (q0, q1, r0, r1) = unsafe {
                (
                    _mm256_loadu_si256(query.as_ptr().add(d).cast()),
                    _mm256_loadu_si256(query.as_ptr().add(d + 16).cast()),
                    _mm_loadu_si128(row.as_ptr().add(d).cast()),
                    _mm_loadu_si128(row.as_ptr().add(d + 16).cast()),
                )
            };
            even = _mm256_add_epi32(even, _mm256_madd_epi16(q0, _mm256_cvtepi8_epi16(r0)));
            odd = _mm256_add_epi32(odd, _mm256_madd_epi16(q1, _mm256_cvtepi8_epi16(r1)));
        }
        let sum = _mm256_add_epi32(even, odd);
        let sum = _mm_add_epi32(
            _mm256_castsi256_si128(sum),
            _mm256_extracti128_si256::<1>(sum),
        );
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01_00_11_10>(sum));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b10_11_00_01>(sum));
        let rest = query[whole..].iter().zip(&row[whole..]);
        let rest: i32 = rest.map(|(&q, &r)| i32::from(q) * i32::from(r)).sum();
        *out = _mm_cvtsi128_si32(sum) + rest;
    }
}
