//! The engine as a plain WebAssembly module: no WASI, no clock, no randomness. What it needs it asks
//! of the host that keeps it, through four imports.
//!
//! ```text
//! export allocate(bytes) → address            import find(keys, bytes) → bytes of the answer
//!        release(address, bytes)                     embed(model, text, bytes) → …
//!        open(request, bytes) → reply                rerank(model, query, bytes, texts, bytes, n) → …
//!        search(request, bytes) → reply              take(address, bytes)
//!        read(request, bytes) → reply
//! ```
//!
//! Requests and replies are the JSON of [`littoral_guest::wire`]; a reply is its address in the upper
//! half of 64 bits and its length in the lower, and the caller releases it. An import says how long
//! its answer is, -1 for none; `take` then copies the answer's next bytes.
//!
//! On other targets the crate is empty.

#[cfg(target_arch = "wasm32")]
mod exports;
#[cfg(target_arch = "wasm32")]
mod imports;
