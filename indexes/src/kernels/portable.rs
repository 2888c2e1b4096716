//! The twin that defines the result.

/// See [`super::dot_rows`]. Where vectors are compiled in, nothing but tests comes here.
#[cfg_attr(
    all(target_arch = "wasm32", target_feature = "simd128"),
    expect(dead_code, reason = "simd128 stands in its place")
)]
pub(super) fn dot_rows(query: &[i16], rows: &[i8], out: &mut [i32]) {
    for (row, out) in rows.chunks_exact(query.len().max(1)).zip(out) {
        *out = query
            .iter()
            .zip(row)
            .map(|(&q, &r)| i32::from(q) * i32::from(r))
            .sum();
    }
}
