//! The engine as a WebAssembly component: the world `littoral:retrieval` of `wit/`, whose records are
//! typed on both sides. It has no WASI, no clock and no randomness; what it needs it asks of the
//! world's `host`, whose functions have the names of [`littoral_guest::Host`].
//!
//! ```text
//! host (imported)   entry, read, embed, rerank
//! index (exported)  open → index: search, context, answer, read, filters, stats
//! ```
//!
//! A host answers before its function returns, so the engine's futures are done when they are first
//! asked. The program itself keeps `guest/sandbox` in its sandbox, whose calls cost as much.
//!
//! On other targets the crate is empty.

#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
mod exports;
#[cfg(target_arch = "wasm32")]
mod imports;
#[cfg(target_arch = "wasm32")]
mod request;
#[cfg(target_arch = "wasm32")]
mod result;

/// What `wit/` says, in Rust.
#[cfg(target_arch = "wasm32")]
#[expect(
    unsafe_code,
    clippy::pedantic,
    reason = "generated: the canonical ABI takes addresses"
)]
mod bindings {
    use crate::exports::Component;

    wit_bindgen::generate!({
        path: "wit",
        world: "retrieval",
    });

    export!(Component);
}
