//! Why the GPU did not answer.

/// Why the GPU did not answer. Whatever it is, the CPU can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// There is no adapter that may be used.
    #[error("there is no GPU that can be used: {reason}")]
    Absent {
        /// What was looked for and found.
        reason: String,
    },
    /// An adapter computed known values wrongly.
    #[error("{adapter} computes wrongly: {what}")]
    Wrong {
        /// Name of the adapter.
        adapter: String,
        /// The test that it failed.
        what: &'static str,
    },
    /// The device is lost: reset, unplugged, or gone with its driver.
    #[error("the GPU was lost: {reason}")]
    Lost {
        /// What the driver reports.
        reason: String,
    },
    /// The device has no memory left for it.
    #[error("the GPU is out of memory")]
    OutOfMemory,
    /// The device does not serve this shape.
    #[error("the GPU cannot take {what} of {size}; its limit is {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The largest that can be had.
        limit: u64,
    },
    /// The driver refused a call.
    #[error("the GPU's driver refused a call: {reason}")]
    Refused {
        /// What it reports.
        reason: String,
    },
}

impl From<wgpu::Error> for GpuError {
    fn from(error: wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => Self::OutOfMemory,
            error => Self::Refused {
                reason: error.to_string(),
            },
        }
    }
}

impl GpuError {
    /// A stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "gpu-absent",
            Self::Wrong { .. } => "gpu-wrong",
            Self::Lost { .. } => "gpu-lost",
            Self::OutOfMemory => "gpu-out-of-memory",
            Self::TooLarge { .. } => "gpu-too-large",
            Self::Refused { .. } => "gpu-refused",
        }
    }
}
