//! What a training is computed on: the CPU, or a GPU where one was asked for, finds the CPU's gradient, and
//! takes less time for it. One that fails on the way is left, and the CPU does what it was about to do.

use crate::error::TrainError;
use crate::gpu::Gpu;
use crate::objective::Objective;
use littoral_runtime::tune::encoder::{Computing, Event, cpu};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Cosine of the gradients of the CPU and of a GPU, at least: both sum in 32 bits, each in its own order.
const LEAST_COSINE: f64 = 0.999;

/// What computes.
#[derive(Debug)]
pub struct Computer<'a> {
    cpu: Objective<'a>,
    gpu: Option<Objective<'a>>,
    name: String,
    reason: String,
}

impl<'a> Computer<'a> {
    /// The CPU, as `objective` has it, or `gpu`, as `computing` asks. Tried is the first step with `numbers`,
    /// of which each has a gradient.
    ///
    /// # Errors
    /// [`TrainError::NoGpu`] where a GPU is required and computes wrongly or not at all.
    pub fn choose(
        objective: Objective<'a>,
        gpu: &'a Gpu,
        (computing, numbers): (Computing, &[f32]),
        tell: &mut impl FnMut(&Event),
    ) -> Result<Self, TrainError> {
        let mut computer = Self {
            cpu: objective,
            gpu: None,
            name: cpu(),
            reason: String::new(),
        };
        let (name, bert) = match gpu {
            Gpu::Unasked => return Ok(computer),
            Gpu::Absent(reason) => {
                computer.leave(reason.clone(), tell);
                return Ok(computer);
            }
            Gpu::Open(name, bert) => (name, bert),
        };
        let there = Objective { bert, ..objective };
        match measure(&objective, &there, numbers) {
            Ok([by_cpu, by_gpu]) if by_gpu < by_cpu || computing == Computing::Gpu => {
                computer.gpu = Some(there);
                computer.is_now(name.clone(), seconds(by_gpu, by_cpu), tell);
            }
            Ok([by_cpu, by_gpu]) => {
                let measured = seconds(by_gpu, by_cpu);
                computer.leave(format!("it is faster than {name}; {measured}"), tell);
            }
            Err(reason) if computing == Computing::Gpu => return Err(TrainError::NoGpu { reason }),
            Err(reason) => computer.leave(format!("{name} is not used: {reason}"), tell),
        }
        Ok(computer)
    }

    /// `CPU`, or the name of the GPU.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why that, where a GPU was asked for; else empty.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// As [`Objective::gradient`].
    pub fn gradient(
        &mut self,
        step: u32,
        numbers: &[f32],
        tell: &mut impl FnMut(&Event),
    ) -> (f64, Vec<f32>) {
        let is_finite = |(loss, slope): &(f64, Vec<f32>)| {
            loss.is_finite() && slope.iter().all(|x| x.is_finite())
        };
        self.compute(
            |objective| objective.gradient(step, numbers),
            is_finite,
            tell,
        )
    }

    /// As [`Objective::look`].
    pub fn look(&mut self, numbers: &[f32], tell: &mut impl FnMut(&Event)) -> f64 {
        self.compute(|objective| objective.look(numbers), |_| true, tell)
    }

    /// What `work` gives on the GPU, if that `is_sound`; else on the CPU, from now on.
    fn compute<T>(
        &mut self,
        work: impl Fn(&Objective<'_>) -> T,
        is_sound: impl Fn(&T) -> bool,
        tell: &mut impl FnMut(&Event),
    ) -> T {
        if let Some(gpu) = &self.gpu {
            match attempt(|| work(gpu)) {
                Ok(found) if is_sound(&found) => return found,
                Ok(_) => {
                    let name = &self.name;
                    self.leave(format!("{name} gave numbers that are not finite"), tell);
                }
                Err(reason) => self.leave(format!("{} failed: {reason}", self.name), tell),
            }
        }
        work(&self.cpu)
    }

    fn leave(&mut self, reason: String, tell: &mut impl FnMut(&Event)) {
        self.gpu = None;
        self.is_now(cpu(), reason, tell);
    }

    fn is_now(&mut self, name: String, reason: String, tell: &mut impl FnMut(&Event)) {
        tell(&Event::Device {
            name: name.clone(),
            reason: reason.clone(),
        });
        (self.name, self.reason) = (name, reason);
    }
}

fn seconds(by_gpu: Duration, by_cpu: Duration) -> String {
    format!(
        "a step takes {:.2} s on it, {:.2} s on the CPU",
        by_gpu.as_secs_f64(),
        by_cpu.as_secs_f64()
    )
}

/// The time of a step on the CPU and on a GPU, which finds what the CPU does.
fn measure(
    cpu: &Objective<'_>,
    gpu: &Objective<'_>,
    numbers: &[f32],
) -> Result<[Duration; 2], String> {
    let start = Instant::now();
    let expected = cpu.gradient(1, numbers);
    let by_cpu = start.elapsed();
    // Its first step compiles kernels.
    let found = attempt(|| gpu.gradient(1, numbers))?;
    compare(&expected, &found)?;
    let start = Instant::now();
    attempt(|| gpu.gradient(1, numbers))?;
    Ok([by_cpu, start.elapsed()])
}

fn compare(expected: &(f64, Vec<f32>), found: &(f64, Vec<f32>)) -> Result<(), String> {
    let dot = |a: &[f32], b: &[f32]| {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum::<f64>()
    };
    let (a, b) = (&expected.1, &found.1);
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let apart = (expected.0 - found.0).abs();
    if cosine >= LEAST_COSINE && apart <= 1e-2 * expected.0.abs().max(0.1) {
        return Ok(());
    }
    Err(format!(
        "it computes wrongly: a loss of {:.4}, not {:.4}, and a gradient with the cosine {cosine:.4}",
        found.0, expected.0
    ))
}

/// What `work` gives; what it says where it panics, which is how tensors tell that a device fails.
pub(crate) fn attempt<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| said(&*panic))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let first = text.unwrap_or_default().lines().next().unwrap_or_default();
    match first {
        "" => "the device gave up without a word".to_owned(),
        first => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gradient_that_is_another_is_noticed() {
        let expected = (1.0, vec![1.0, -2.0, 0.5]);
        assert_eq!(compare(&expected, &(1.001, vec![1.001, -2.0, 0.5])), Ok(()));
        for wrong in [
            (1.0, vec![1.0, 2.0, 0.5]),
            (1.5, vec![1.0, -2.0, 0.5]),
            (f64::NAN, vec![1.0, -2.0, 0.5]),
            (1.0, vec![0.0; 3]),
        ] {
            let said = compare(&expected, &wrong).unwrap_err();
            assert!(said.contains("computes wrongly"), "{said}");
        }
    }

    #[test]
    fn a_panic_is_told_by_its_first_line() {
        assert_eq!(attempt(|| 3), Ok(3));
        let failed: Result<(), String> = attempt(|| panic!("device lost\nbacktrace"));
        assert_eq!(failed, Err("device lost".to_owned()));
    }
}
