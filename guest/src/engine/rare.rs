//! Stages that few queries have.
//!
//! A page loads the engine without their code, and fetches it with the first query that comes to one
//! (`web/build/rest.mjs` names them). Called as they are, the compiler would make such a stage part of
//! the one that waits for it; called through a pointer, it stays a function that can be elsewhere.

use std::pin::Pin;

/// `stage`, called through a pointer.
pub(super) fn rare<'a, T>(
    stage: impl Future<Output = T> + 'a,
) -> Pin<Box<dyn Future<Output = T> + 'a>> {
    Box::pin(stage)
}
