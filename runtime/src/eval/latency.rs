//! Percentiles of measured times.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Median and tail of a set of measured times, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the measurements took at most this long.
    pub p50: f64,
    /// 99 of 100 measurements took at most this long.
    pub p99: f64,
}

impl Latency {
    /// Takes the percentiles of `samples`, in any order; no samples give zeros.
    pub fn of(samples: &[Duration]) -> Self {
        let mut ms: Vec<f64> = samples
            .iter()
            .map(|sample| sample.as_secs_f64() * 1e3)
            .collect();
        ms.sort_unstable_by(f64::total_cmp);
        Self {
            p50: percentile(&ms, 50.0),
            p99: percentile(&ms, 99.0),
        }
    }
}

/// Returns the nearest-rank percentile of ascending values: the smallest value that at least
/// `percent` (0 to 100) of them do not exceed. It is always one of the values; 0 for none.
///
/// With fewer than 100 values the 99th percentile is the largest one.
pub fn percentile(ascending: &[f64], percent: f64) -> f64 {
    let rank = (percent / 100.0 * ascending.len() as f64).ceil() as usize;
    ascending
        .get(rank.saturating_sub(1))
        .or(ascending.last())
        .copied()
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values_by_nearest_rank() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        let of_200 = [0.0, 50.0, 99.0, 100.0].map(|percent| percentile(&values, percent) as u32);
        assert_eq!(of_200, [1, 100, 198, 200]);
        assert_eq!(
            [
                percentile(&[3.0], 50.0) as u32,
                percentile(&[], 50.0) as u32
            ],
            [3, 0]
        );
    }

    #[test]
    fn samples_may_come_in_any_order() {
        let samples = [30, 10, 20].map(Duration::from_millis);
        let latency = Latency::of(&samples);
        assert!((latency.p50 - 20.0).abs() < 1e-9);
        assert!((latency.p99 - 30.0).abs() < 1e-9);
        assert_eq!(Latency::of(&[]), Latency::default());
    }
}
