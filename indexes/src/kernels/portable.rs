//! The twin that defines the result.

/// See [`super::dot_rows`].
pub(super) fn dot_rows(query: &[i16], rows: &[i8], out: &mut [i32]) {
    for (row, out) in rows.chunks_exact(query.len().max(1)).zip(out) {
        *out = query
            .iter()
            .zip(row)
            .map(|(&q, &r)| i32::from(q) * i32::from(r))
            .sum();
    }
}
