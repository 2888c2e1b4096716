//! Waiting, where there are threads that may.

use crate::GpuError;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Waits for `future`. wgpu 30 panics where a device is lost while it is waited for; such a panic is
/// an error here, since the CPU can go on.
pub(crate) fn wait<T>(future: impl Future<Output = Result<T, GpuError>>) -> Result<T, GpuError> {
    let wait = || pollster::block_on(future);
    catch_unwind(AssertUnwindSafe(wait)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(GpuError::Lost {
            reason: text.unwrap_or("its driver's wrapper panicked").to_owned(),
        })
    })
}
