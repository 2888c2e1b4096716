//! The memory of the module.
//!
//! Rust's own allocator for WebAssembly is four times as large as this one, which finds a block in
//! constant time too.
//!
//! Source: Masmano, Ripoll, Crespo, Real, "TLSF: a new dynamic memory allocator for real-time
//! systems" (ECRTS 2004).

use rlsf::{GlobalTlsf, GlobalTlsfOptions};

#[global_allocator]
static ALLOCATOR: GlobalTlsf<Small> = GlobalTlsf::new();

struct Small;

impl GlobalTlsfOptions for Small {
    /// Growing in place saves little time and costs code.
    const ENABLE_REALLOCATION: bool = false;
    /// Lists of megabytes grow by doubling: what one leaves must join what comes after.
    const COALESCE_POOLS: bool = true;
}
