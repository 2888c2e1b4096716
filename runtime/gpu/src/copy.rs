//! What a device copies in a second: the limit that a scan of resident vectors is held to.

use crate::{Gpu, GpuError};

impl Gpu {
    /// Bytes that a kernel that only copies reads and writes in a second.
    ///
    /// # Errors
    /// [`GpuError`] when the device does not copy.
    pub fn copy_bytes_per_second(&self) -> Result<f64, GpuError> {
        // A group of the kernel copies 16 KiB; there are at most 65,535 groups.
        let n_groups = (self.max_binding() >> 14).min(65_535);
        let bytes = n_groups << 14;
        let measured = self.run(async || {
            let copy = self.kernel(wgsl!("copy"));
            let (from, to) = (self.buffer(bytes)?, self.buffer(bytes)?);
            let n_copies = 4;
            let mut best = 0f64;
            for _ in 0..5 {
                let commands = self.record(|pass| {
                    for _ in 0..n_copies {
                        self.dispatch(pass, &copy, &[&from, &to], [n_groups as u32, 1, 1]);
                    }
                    Ok(())
                })?;
                self.wait()?;
                let start = std::time::Instant::now();
                self.queue.submit([commands.finish()]);
                self.wait()?;
                let moved = (2 * n_copies * bytes) as f64;
                best = best.max(moved / start.elapsed().as_secs_f64());
            }
            Ok(best)
        });
        self.wait_for(measured)
    }
}
