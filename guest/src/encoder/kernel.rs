//! The kernels: exact integer products, by the instructions there are.
//!
//! A kernel multiplies rows of whole numbers with weights and gives sums of 32 bits. The sums are
//! exact, so all kernels agree in every bit by arithmetic alone. [`scalar`] is the plain one to which
//! the others are held in tests.
//!
//! The `f32` stages in between ([`super::math`]) exist once; here they are compiled a second time for
//! wider vectors.

#[cfg(target_arch = "x86_64")]
mod avx2;
pub(super) mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(target_arch = "x86_64")]
mod vnni;

use super::math;
use super::matrix::{Matrix, PANEL};

/// A set of instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// None in particular.
    Scalar,
    /// WebAssembly's 128-bit vectors.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Vnni,
}

/// Rows cut to whole numbers, `[n_rows, width]`.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) width: usize,
    values: Vec<i16>,
    /// The size of each row's step.
    pub(super) steps: Vec<f32>,
    /// In place of values of 8 bits, for instructions that want bytes above zero: `value + 128`.
    /// Beside values of 12 bits the upper six and, behind all rows, the lower six of `value + 2048`.
    #[cfg(target_arch = "x86_64")]
    bytes: Vec<u8>,
    /// The values in the order in which tiles read them.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    packed: Vec<simd128::Step>,
}

impl Rows {
    pub(super) fn n_rows(&self) -> usize {
        self.steps.len()
    }

    fn values(&self) -> &[i16] {
        assert_eq!(self.values.len(), self.n_rows() * self.width);
        &self.values
    }
}

impl Kernel {
    /// The fastest that runs here.
    pub fn best() -> Self {
        let available = Self::available();
        available.last().copied().unwrap_or(Self::Scalar)
    }

    /// All that run here, slowest first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "other machines have more")]
        let mut available = vec![Self::Scalar];
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        available.push(Self::Simd128);
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = std::arch::is_x86_feature_detected!("avx2");
            if has_avx2 {
                available.push(Self::Avx2);
            }
            if has_avx2
                && std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512vl")
                && std::arch::is_x86_feature_detected!("avx512vnni")
            {
                available.push(Self::Vnni);
            }
        }
        available
    }

    /// Products of every row with every output of `matrix`: `out` is `[n_rows, padded_out]`.
    pub(super) fn multiply(self, rows: &Rows, matrix: &Matrix, out: &mut [i32]) {
        assert_eq!(rows.width, matrix.n_in());
        assert_eq!(out.len(), rows.n_rows() * matrix.padded_out());
        match self {
            Self::Scalar => scalar::multiply(rows.values(), matrix, out),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => simd128::multiply(&rows.packed, rows.n_rows(), matrix, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::multiply(rows.values(), matrix, out),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => vnni::multiply(&rows.bytes, rows.n_rows(), matrix, out),
        }
    }

    /// Products of every row of `a`, `[n_rows, width]`, with every column of `b`: `out` is
    /// `[n_rows, n_columns]`, `width` even, `n_columns` a multiple of 16.
    ///
    /// Columns lie in panels of 16, their values in pairs:
    /// `b[(panel width / 2 + pair) 32 + 2 column + i]`.
    pub(super) fn multiply_wide(self, a: &[i16], width: usize, b: &[i16], out: &mut [i32]) {
        assert!(width > 0 && width.is_multiple_of(2));
        let (n_rows, n_columns) = (a.len() / width, b.len() / width);
        assert_eq!(n_columns % PANEL, 0);
        assert_eq!(a.len(), n_rows * width);
        assert_eq!(b.len(), n_columns * width);
        assert_eq!(out.len(), n_rows * n_columns);
        match self {
            Self::Scalar => scalar::multiply_wide(a, width, b, out),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => simd128::multiply_wide(a, width, b, out),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::multiply_wide(a, width, b, out),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => vnni::multiply_wide(a, width, b, out),
        }
    }

    /// Cuts `values`, `[n_rows, width]`, to whole numbers of magnitude at most `max`.
    pub(super) fn quantize(self, values: &[f32], width: usize, max: u32, rows: &mut Rows) {
        let n_rows = values.len() / width;
        rows.width = width;
        rows.steps.clear();
        #[cfg(target_arch = "x86_64")]
        if self == Self::Vnni && max <= 127 {
            rows.values.clear();
            rows.bytes.resize(n_rows * width, 0);
            let rows_of_bytes = rows.bytes.chunks_exact_mut(width);
            for (row, out) in values.chunks_exact(width).zip(rows_of_bytes) {
                rows.steps.push(vnni::quantize_bytes(row, max as f32, out));
            }
            return;
        }
        rows.values.resize(n_rows * width, 0);
        for (row, out) in values
            .chunks_exact(width)
            .zip(rows.values.chunks_exact_mut(width))
        {
            rows.steps.push(self.quantize_row(row, max as f32, out));
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        if self == Self::Simd128 {
            simd128::pack(&rows.values, width, &mut rows.packed);
        }
        #[cfg(target_arch = "x86_64")]
        if self == Self::Vnni {
            vnni::bytes(&rows.values, &mut rows.bytes);
        }
    }
}

/// The stages of [`math`], compiled for the vectors that a kernel may use.
macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident = $stage:path, ($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        impl Kernel {
            $($(#[$doc])*
            #[inline]
            pub(super) fn $name(self, $($argument: $type),*) $(-> $result)? {
                match self {
                    #[cfg(target_arch = "x86_64")]
                    Self::Avx2 => avx2::stage::$name($($argument),*),
                    #[cfg(target_arch = "x86_64")]
                    Self::Vnni => vnni::stage::$name($($argument),*),
                    _ => $stage($($argument),*),
                }
            })*
        }
    };
}

/// Names every stage with its arguments to the macro `$to`.
macro_rules! each_stage {
    ($to:ident) => {
        $to! {
            /// [`math::quantize`]
            quantize_row = math::quantize, (row: &[f32], max: f32, out: &mut [i16]) -> f32;
            /// [`math::quantize_heads`]
            quantize_heads = math::quantize_heads, (row: &[f32], width: usize, max: f32, stride: usize, steps: &mut [f32], out: &mut [i16]);
            /// [`math::raise_tops`]
            raise_tops = math::raise_tops, (row: &[f32], width: usize, tops: &mut [f32]);
            /// [`math::pack_pairs`]
            pack_pairs = math::pack_pairs, (a: &[f32], b: &[f32], per_step: f32, stride: usize, out: &mut [i16]);
            /// [`math::scale`]
            scale = math::scale, (sums: &[i32], step: f32, out: &mut [f32]);
            /// [`math::rescale`]
            rescale = math::rescale, (sums: &[i32], scales: &[f32], biases: &[f32], step: f32, out: &mut [f32]);
            /// [`math::rescale_add`]
            rescale_add = math::rescale_add, (sums: &[i32], scales: &[f32], biases: &[f32], step: f32, out: &mut [f32]);
            /// [`math::rescale_gelu`]
            rescale_gelu = math::rescale_gelu, (sums: &[i32], scales: &[f32], biases: &[f32], step: f32, out: &mut [f32]);
            /// [`math::normalize`]
            normalize = math::normalize, (row: &mut [f32], gain: &[f32], shift: &[f32], epsilon: f32);
            /// [`math::softmax`]
            softmax = math::softmax, (sums: &[i32], n: usize, row_step: f32, column_steps: &[f32], room: &mut [f32], out: &mut [i16]);
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(super) use each_stage;

each_stage!(stages);

#[cfg(test)]
mod tests;
