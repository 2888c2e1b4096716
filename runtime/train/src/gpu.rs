//! A GPU with the model on it, where one was asked for and there is one.

use crate::bert::Bert;
use crate::error::TrainError;
use littoral_runtime::models::folder::Weights;
use littoral_runtime::tune::encoder::{Computing, Job};

/// What was found of GPUs.
#[derive(Debug)]
pub enum Gpu {
    /// One, by its name, with the model on it.
    Open(String, Box<Bert>),
    /// None, and why.
    Absent(String),
    /// None was asked for.
    Unasked,
}

impl Gpu {
    /// Opens what `job` asks for, with the model of `weights`.
    ///
    /// # Errors
    /// [`TrainError::NoGpu`] where one is required and there is none.
    pub fn open(job: &Job, weights: &Weights) -> Result<Self, TrainError> {
        if job.computing == Computing::Cpu {
            return Ok(Self::Unasked);
        }
        match open(job, weights) {
            Ok((name, bert)) => Ok(Self::Open(name, Box::new(bert))),
            Err(reason) if job.computing == Computing::Gpu => Err(TrainError::NoGpu { reason }),
            Err(reason) => Ok(Self::Absent(reason)),
        }
    }
}

#[cfg(feature = "gpu")]
fn open(job: &Job, weights: &Weights) -> Result<(String, Bert), String> {
    use crate::bert::GPU_GROUP_TOKENS;
    use burn_tensor::{Device, DeviceKind};
    use littoral_gpu::Adapters;

    let adapters = if job.software {
        Adapters::Any
    } else {
        Adapters::Hardware
    };
    // Opened once to learn that it is there and computes rightly; the tensors open it for themselves.
    let found = littoral_gpu::Gpu::open(adapters).map_err(|error| error.to_string())?;
    let kind = if found.is_software() {
        DeviceKind::Cpu
    } else {
        DeviceKind::DefaultDevice
    };
    let name = found.name().to_owned();
    drop(found);
    let bert = crate::computer::attempt(|| {
        let mut bert = Bert::new(weights, &Device::wgpu(kind).autodiff());
        bert.group_tokens = GPU_GROUP_TOKENS;
        bert
    });
    Ok((name, bert?))
}

#[cfg(not(feature = "gpu"))]
fn open(_: &Job, _: &Weights) -> Result<(String, Bert), String> {
    Err("this littoral-train was built without what a GPU needs".to_owned())
}
