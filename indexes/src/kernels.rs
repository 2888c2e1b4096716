//! Dot products of a query with many rows of int8: the inner loop of every scan over vectors.
//!
//! A query has 12 bits a dimension (−2047 … 2047) in an `i16`, a row 8 (−127 … 127) in an `i8`, and
//! the sum is an exact `i32`, so that every host computes the same scores whatever its instructions.
//! With these ranges a sum of [`MAX_DIMS`] products cannot overflow.
//!
//! One portable twin defines the result; the others stand beside it, one instruction set a file, and
//! are chosen once a call: AVX-512 and AVX2 at run time, simd128 when the module is compiled for it.

mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

/// Largest magnitude of a query's component: 12 bits with their sign.
pub const QUERY_LIMIT: i16 = 2047;

/// Most dimensions of a vector: 2047 · 127 · 8,192 is below 2³¹.
pub const MAX_DIMS: usize = 8_192;

/// Computes `out[i] = Σ query[d] · rows[i · dims + d]` for every row, with `dims = query.len()`.
///
/// `rows` is `[n_rows, dims]`, row after row, and `out` `[n_rows]`. Components of the query lie
/// within ±[`QUERY_LIMIT`].
///
/// # Panics
/// When `rows` does not hold `out.len()` rows of `query.len()` dimensions, or there are more than
/// [`MAX_DIMS`].
pub fn dot_rows(query: &[i16], rows: &[i8], out: &mut [i32]) {
    assert!(query.len() <= MAX_DIMS && rows.len() == out.len() * query.len());
    debug_assert!(query.iter().all(|q| q.unsigned_abs() <= QUERY_LIMIT as u16));
    #[cfg(target_arch = "x86_64")]
    {
        if avx512::is_there() {
            return avx512::dot_rows(query, rows, out);
        }
        if avx2::is_there() {
            return avx2::dot_rows(query, rows, out);
        }
    }
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    return simd128::dot_rows(query, rows, out);
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    portable::dot_rows(query, rows, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_kernel_computes_what_the_portable_one_does(
            dims in 1usize..300,
            n_rows in 0usize..7,
            seed in any::<u64>(),
        ) {
            let mut state = seed | 1;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state
            };
            let query: Vec<i16> = (0..dims).map(|_| (next() % 4095) as i16 - 2047).collect();
            let rows: Vec<i8> = (0..dims * n_rows).map(|_| (next() % 255) as u8 as i8).collect();
            let mut expected = vec![0; n_rows];
            portable::dot_rows(&query, &rows, &mut expected);
            let mut found = vec![0; n_rows];
            dot_rows(&query, &rows, &mut found);
            prop_assert_eq!(&found, &expected);
            #[cfg(target_arch = "x86_64")]
            {
                if avx2::is_there() {
                    avx2::dot_rows(&query, &rows, &mut found);
                    prop_assert_eq!(&found, &expected);
                }
                if avx512::is_there() {
                    avx512::dot_rows(&query, &rows, &mut found);
                    prop_assert_eq!(&found, &expected);
                }
            }
        }
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        let query = vec![QUERY_LIMIT; MAX_DIMS];
        let rows = vec![127i8; MAX_DIMS];
        let mut out = [0];
        dot_rows(&query, &rows, &mut out);
        assert_eq!(out[0], 2047 * 127 * 8_192);
    }
}
