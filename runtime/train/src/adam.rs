//! AdamW over one vector of numbers.
//!
//! Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.

/// Decay of the mean of gradients, and of that of their squares.
const BETA: [f64; 2] = [0.9, 0.999];

/// Keeps the divisor from nothing.
const EPSILON: f64 = 1e-8;

/// Longest gradient; longer ones are cut to it.
const MAX_NORM: f64 = 1.0;

/// Running means of gradients and of their squares.
#[derive(Debug, Clone, PartialEq)]
pub struct Adam {
    /// Of gradients.
    pub means: Vec<f32>,
    /// Of their squares.
    pub squares: Vec<f32>,
}

impl Adam {
    /// For `n` numbers.
    pub fn new(n: usize) -> Self {
        Self {
            means: vec![0.0; n],
            squares: vec![0.0; n],
        }
    }

    /// Moves `numbers` against `gradient` in the step `step`, counted from 1. Returns the length of the
    /// gradient before it was cut.
    pub fn step(
        &mut self,
        numbers: &mut [f32],
        gradient: &[f32],
        step: u32,
        rate: f64,
        decay: f64,
    ) -> f64 {
        let squares = gradient.iter().map(|g| f64::from(*g) * f64::from(*g));
        let norm = squares.sum::<f64>().sqrt();
        let cut = if norm > MAX_NORM {
            MAX_NORM / norm
        } else {
            1.0
        };
        let [fall, fall_of_squares] = BETA.map(|beta| 1.0 - libm::pow(beta, f64::from(step)));
        for (i, x) in numbers.iter_mut().enumerate() {
            let g = f64::from(gradient[i]) * cut;
            let mean = BETA[0] * f64::from(self.means[i]) + (1.0 - BETA[0]) * g;
            let square = BETA[1] * f64::from(self.squares[i]) + (1.0 - BETA[1]) * g * g;
            (self.means[i], self.squares[i]) = (mean as f32, square as f32);
            let toward = (mean / fall) / ((square / fall_of_squares).sqrt() + EPSILON);
            *x = (f64::from(*x) * (1.0 - rate * decay) - rate * toward) as f32;
        }
        norm
    }
}

/// The rate of the step `step` of `steps`, counted from 1: it rises to `rate` over the first `warm_up` of
/// them and falls to nothing over the others.
pub fn rate(step: u32, steps: u32, warm_up: f64, rate: f64) -> f64 {
    let warm = (f64::from(steps) * warm_up).round().max(1.0);
    let step = f64::from(step);
    if step <= warm {
        rate * step / warm
    } else {
        rate * (f64::from(steps) - step + 1.0) / (f64::from(steps) - warm + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_goes_by_the_rate_against_the_gradient() {
        let mut numbers = [1.0, 1.0, 1.0];
        let mut adam = Adam::new(3);
        let norm = adam.step(&mut numbers, &[0.3, -0.4, 0.0], 1, 0.1, 0.0);
        assert!((norm - 0.5).abs() < 1e-7);
        for (x, expected) in numbers.iter().zip([0.9, 1.1, 1.0]) {
            assert!((x - expected).abs() < 1e-5, "{numbers:?}");
        }
    }

    #[test]
    fn a_bowl_is_gone_down_to_its_bottom() {
        let mut numbers = [3.0f32, -2.0];
        let mut adam = Adam::new(2);
        for step in 1..=400 {
            let gradient = [numbers[0] - 1.0, 10.0 * (numbers[1] - 0.5)];
            let rate = rate(step, 400, 0.1, 0.1);
            adam.step(&mut numbers, &gradient, step, rate, 0.0);
        }
        assert!((numbers[0] - 1.0).abs() < 1e-2, "{numbers:?}");
        assert!((numbers[1] - 0.5).abs() < 1e-2, "{numbers:?}");
    }

    #[test]
    fn the_rate_rises_and_falls() {
        let rates: Vec<f64> = (1..=10).map(|step| rate(step, 10, 0.2, 1.0)).collect();
        assert_eq!(rates[..2], [0.5, 1.0]);
        assert!(rates[1..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!(rates[9] > 0.0);
    }
}
