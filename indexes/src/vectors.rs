//! Vectors: unit vectors of chunks, quantised, coded, and cut into cells.
//!
//! Vectors are first turned by a rotation fitted to the index ([`rotation`]), the principal axes of
//! its documents, so that most of what tells them apart stands in the first dimensions. Then one
//! step rounds all dimensions alike, and an entropy coder spends on each what it is worth
//! ([`codes`]): the optimal transform code for a mean squared error, half a byte for the first
//! dimensions and almost nothing for the last. A vector of 384 dimensions takes about 107 bytes.
//!
//! Vectors near each other form a cell ([`cell`]), and a cell is a file. The cells' centroids
//! ([`centroids`]), coded the same way with a wider step, tell which to fetch. Finer rows for
//! rescoring ([`rows`]) are optional and lie in files of their own.
//!
//! Source: Gersho, Gray, "Vector Quantization and Signal Compression" (1992), section 8.6 on
//! transform coding with uniform quantisers and entropy codes; the factor of a vector, which makes
//! the estimate of a dot product unbiased, is that of Gao, Long, "RaBitQ" (SIGMOD 2024), section 3.

pub mod cell;
pub mod centroids;
pub mod codes;
pub mod rotation;
pub mod rows;

pub use cell::Cell;
pub use centroids::Centroids;
pub use codes::{Axes, Codes};
pub use rotation::Rotation;

/// Most dimensions of the vectors of an index.
pub const MAX_DIMS: usize = 4_096;

/// Most vectors in a block: what a small file may grow to when it is decoded.
pub const MAX_CODED: usize = 1 << 14;
