//! The numbers that are trained: both halves of the change of each matrix, in one vector, and behind them
//! those of a cross-encoder's `head`.

use crate::error::TrainError;
use crate::head::Head;
use crate::random::uniform;
use burn_tensor::activation::tanh;
use burn_tensor::{Device, Gradients, Tensor, TensorData};
use littoral_guest::encoder::format::Config;
use littoral_runtime::models::adapter::{Adapter, Factors, Part, Place};
use littoral_runtime::models::folder::Linear;
use std::collections::BTreeMap;

/// Where the numbers of a matrix lie.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    place: Place,
    n_out: usize,
    n_in: usize,
    /// First number of the first half, `[rank, n_in]`; the second, `[n_out, rank]`, follows.
    start: usize,
}

/// Where all numbers lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    rank: usize,
    alpha: f64,
    by_root: bool,
    slots: Vec<Slot>,
    head: Option<Head>,
}

impl Layout {
    /// The change of `places` in a model of `config`.
    fn new(
        config: &Config,
        places: impl Iterator<Item = Place>,
        (rank, alpha, by_root): (usize, f64, bool),
    ) -> Self {
        let mut start = 0;
        let slots = places.map(|place| {
            let [n_out, n_in] = place.1.shape(config);
            let slot = Slot {
                place,
                n_out,
                n_in,
                start,
            };
            start += rank * (n_in + n_out);
            slot
        });
        Self {
            rank,
            alpha,
            by_root,
            slots: slots.collect(),
            head: None,
        }
    }

    /// The same with the head of a cross-encoder, whose numbers follow `numbers`.
    #[must_use]
    pub fn with_head(mut self, mut numbers: Vec<f32>, head: &[Linear; 2]) -> (Self, Vec<f32>) {
        numbers.extend(Head::numbers(head));
        self.head = Some(Head::of(head));
        (self, numbers)
    }

    /// The head in `numbers`, where there is one.
    pub fn head(&self, numbers: &[f32]) -> Option<[Linear; 2]> {
        let head = self.head.as_ref()?;
        Some(head.linears(&numbers[self.n_of_changes()..]))
    }

    /// Changes of the matrices `parts` of every layer, which begin at nothing: the first halves are drawn
    /// by `seed`, as `peft` has them, and the second are zeros.
    pub fn begin(
        config: &Config,
        parts: &[Part],
        rank: usize,
        alpha: f64,
        seed: u64,
    ) -> (Self, Vec<f32>) {
        let mut parts = parts.to_vec();
        parts.sort_unstable();
        parts.dedup();
        let places = (0..config.layers).flat_map(|layer| parts.iter().map(move |&p| (layer, p)));
        let layout = Self::new(config, places, (rank, alpha, false));
        let mut numbers = vec![0.0; layout.len()];
        for slot in &layout.slots {
            let name = format!("{} {}", slot.place.0, slot.place.1.name());
            let size = 1.0 / (slot.n_in as f32).sqrt();
            let first = uniform(seed, &name, rank * slot.n_in, size);
            numbers[slot.start..][..first.len()].copy_from_slice(&first);
        }
        (layout, numbers)
    }

    /// The changes of an adapter.
    pub fn of(adapter: &Adapter, config: &Config) -> (Self, Vec<f32>) {
        let places = adapter.factors.keys().copied();
        let settings = (adapter.rank, adapter.alpha, adapter.by_root);
        let layout = Self::new(config, places, settings);
        let halves = adapter
            .factors
            .values()
            .flat_map(|f| f.a.iter().chain(&f.b));
        (layout, halves.copied().collect())
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.n_of_changes() + self.head.as_ref().map_or(0, Head::len)
    }

    fn n_of_changes(&self) -> usize {
        self.slots
            .last()
            .map_or(0, |slot| slot.start + self.rank * (slot.n_in + slot.n_out))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The adapter of `numbers`, of weights with the SHA-256 `base`.
    pub fn adapter(&self, numbers: &[f32], base: &str) -> Adapter {
        let factors = self.slots.iter().map(|slot| {
            let [a, b] = self.halves(slot, numbers);
            let factors = Factors {
                a: a.to_vec(),
                b: b.to_vec(),
            };
            (slot.place, factors)
        });
        Adapter {
            rank: self.rank,
            alpha: self.alpha,
            by_root: self.by_root,
            factors: factors.collect(),
            base: Some(base.to_owned()),
        }
    }

    /// `numbers` with second halves that are not nothing: where they are, the first have no gradient yet.
    pub fn stirred(&self, numbers: &[f32], seed: u64) -> Vec<f32> {
        let mut stirred = numbers.to_vec();
        for slot in &self.slots {
            let n = slot.n_out * self.rank;
            let name = format!("stirred {} {}", slot.place.0, slot.place.1.name());
            let more = uniform(seed, &name, n, 0.02);
            let second = &mut stirred[slot.start + self.rank * slot.n_in..][..n];
            second.iter_mut().zip(more).for_each(|(x, more)| *x += more);
        }
        stirred
    }

    /// `numbers` with `share` of every change: second halves are multiplied, and a head stays as it is.
    pub fn share(&self, numbers: &[f32], share: f64) -> Vec<f32> {
        let mut shared = numbers.to_vec();
        for slot in &self.slots {
            let second =
                &mut shared[slot.start + self.rank * slot.n_in..][..slot.n_out * self.rank];
            for x in second.iter_mut() {
                *x *= share as f32;
            }
        }
        shared
    }

    /// Refuses a gradient of which a half of a matrix or a part of the head has none, or one that is not
    /// finite.
    ///
    /// # Errors
    /// [`TrainError::NoGradient`].
    pub fn check_gradient(&self, gradient: &[f32]) -> Result<(), TrainError> {
        for slot in &self.slots {
            for (half, numbers) in ["A", "B"].iter().zip(self.halves(slot, gradient)) {
                let (layer, part) = slot.place;
                let name = || format!("lora_{half} of {} in layer {layer}", part.name());
                check(numbers, name)?;
            }
        }
        if let Some(head) = &self.head {
            for (name, numbers) in head.parts(&gradient[self.n_of_changes()..]) {
                check(numbers, || name.to_owned())?;
            }
        }
        Ok(())
    }

    fn halves<'a>(&self, slot: &Slot, numbers: &'a [f32]) -> [&'a [f32]; 2] {
        let n_first = self.rank * slot.n_in;
        let (first, rest) = numbers[slot.start..].split_at(n_first);
        [first, &rest[..self.rank * slot.n_out]]
    }

    /// The changes as tensors, whose gradients are known where they `are_trained`.
    pub fn changes(&self, numbers: &[f32], are_trained: bool, device: &Device) -> Changes {
        let tensor = |values: &[f32], shape: [usize; 2]| {
            let data = TensorData::new(values.to_vec(), shape);
            let tensor = Tensor::<2>::from_data(data, device);
            if are_trained {
                tensor.require_grad()
            } else {
                tensor
            }
        };
        let halves = self.slots.iter().map(|slot| {
            let [a, b] = self.halves(slot, numbers);
            let a = tensor(a, [self.rank, slot.n_in]);
            (slot.place, [a, tensor(b, [slot.n_out, self.rank])])
        });
        let below = if self.by_root {
            (self.rank as f64).sqrt()
        } else {
            self.rank as f64
        };
        let head = self.head.as_ref().map(|head| {
            let parts = head.matrices(&numbers[self.n_of_changes()..]);
            parts.map(|(values, shape)| tensor(values, shape))
        });
        Changes {
            scale: (self.alpha / below) as f32,
            halves: halves.collect(),
            head,
        }
    }
}

/// Refuses the gradient of what is called `name` when it is nothing, or no number.
fn check(gradient: &[f32], name: impl FnOnce() -> String) -> Result<(), TrainError> {
    let is_finite = gradient.iter().all(|x| x.is_finite());
    if is_finite && gradient.iter().any(|x| *x != 0.0) {
        return Ok(());
    }
    Err(TrainError::NoGradient { which: name() })
}

/// Changes of matrices as tensors, and a head.
#[derive(Debug)]
pub struct Changes {
    scale: f32,
    halves: BTreeMap<Place, [Tensor<2>; 2]>,
    /// As [`Head::matrices`] has them.
    head: Option<[Tensor<2>; 4]>,
}

impl Changes {
    /// What the change of the matrix at `place` adds to its outputs for the inputs `x`, `[n, n_in]`.
    pub fn of(&self, place: Place, x: &Tensor<2>) -> Option<Tensor<2>> {
        let [a, b] = self.halves.get(&place)?;
        let narrow = x.clone().matmul(a.clone().transpose());
        Some(narrow.matmul(b.clone().transpose()).mul_scalar(self.scale))
    }

    /// What the head makes of the first tokens' vectors `x`, `[n, hidden]`: log odds, `[n, 1]`. Without a
    /// head they are even.
    pub fn log_odds(&self, x: &Tensor<2>) -> Tensor<2> {
        let n = x.dims()[0];
        let Some([pooler, shift, classifier, bias]) = &self.head else {
            return Tensor::zeros([n, 1], &x.device());
        };
        let pooled = x.clone().matmul(pooler.clone().transpose()) + shift.clone();
        let out = tanh(pooled).matmul(classifier.clone().transpose()) + bias.clone();
        match out.dims()[1] {
            1 => out,
            _ => out.clone().narrow(1, 1, 1) - out.narrow(1, 0, 1),
        }
    }

    /// Adds to `sum` what `gradients` have of every number, in the order of the layout.
    pub fn add_gradients(&self, gradients: &Gradients, sum: &mut [f32]) {
        let mut start = 0;
        for part in self
            .halves
            .values()
            .flatten()
            .chain(self.head.iter().flatten())
        {
            let n = part.dims().iter().product::<usize>();
            if let Some(gradient) = part.grad(gradients) {
                let values = numbers(gradient);
                sum[start..][..n]
                    .iter_mut()
                    .zip(values)
                    .for_each(|(s, g)| *s += g);
            }
            start += n;
        }
    }
}

/// The numbers of a tensor, row by row.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
