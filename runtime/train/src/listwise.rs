//! The loss of a cross-encoder's log odds, and its gradient.
//!
//! Two losses are added. A query's answer is to get the highest log odds of its candidates: the
//! cross-entropy of a softmax over them, which is what ranks. And each candidate is to be told apart by
//! itself: the binary cross-entropy, in which the answer weighs as much as all the others. It sees to it that
//! the relevance that a search shows means something, for a softmax knows differences alone.
//!
//! Source: Gao, Dai, Callan, "Rethink Training of BERT Rerankers in Multi-stage Retrieval Pipeline", 2021;
//! Nogueira and Cho, "Passage Re-ranking with BERT", 2019.

/// The mean loss of lists of candidates, and its gradient by their `log_odds`. Lists of the lengths
/// `n_candidates` stand one after another, and the first of each is the answer. Log odds are divided by
/// `temperature` before they are compared.
pub fn loss(log_odds: &[f32], n_candidates: &[usize], temperature: f64) -> (f64, Vec<f32>) {
    let share = 1.0 / n_candidates.len().max(1) as f64;
    let (mut loss, mut slopes) = (0.0, Vec::new());
    let mut rest = log_odds;
    for &n in n_candidates {
        let (list, others) = rest.split_at(n);
        rest = others;
        let scores: Vec<f64> = list.iter().map(|&x| f64::from(x) / temperature).collect();
        let top = scores.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = scores.iter().map(|s| libm::exp(s - top)).sum();
        for (i, (&x, score)) in list.iter().zip(&scores).enumerate() {
            let x = f64::from(x);
            // Of what is no answer, it is the log odds that it is none.
            let (sign, weight) = match i {
                0 => (1.0, 0.5),
                _ => (-1.0, 0.5 / (n - 1) as f64),
            };
            let mut slope = libm::exp(score - top) / sum / temperature;
            if i == 0 {
                loss -= share * (score - top - libm::log(sum));
                slope -= 1.0 / temperature;
            }
            loss += share * weight * softplus(-sign * x);
            slope -= weight * sign / (1.0 + libm::exp(sign * x));
            slopes.push((share * slope) as f32);
        }
    }
    (loss, slopes)
}

/// `ln(1 + e^x)`, for any `x`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::uniform;

    #[test]
    fn the_gradient_is_that_of_differences() {
        let lists = [3, 1, 4];
        let mut log_odds = uniform(3, "log odds", 8, 2.0);
        for temperature in [1.0, 0.4] {
            let (_, found) = loss(&log_odds, &lists, temperature);
            let step = 1e-2;
            for (i, found) in found.iter().enumerate() {
                let at = log_odds[i];
                let mut moved = |by: f32| {
                    log_odds[i] = at + by;
                    loss(&log_odds, &lists, temperature).0
                };
                let slope = (moved(step) - moved(-step)) / f64::from(2.0 * step);
                log_odds[i] = at;
                assert!(
                    (slope - f64::from(*found)).abs() < 1e-3,
                    "{i}: {found}, not {slope}"
                );
            }
        }
    }

    #[test]
    fn an_answer_above_the_others_and_above_even_costs_nothing_and_large_numbers_do_no_harm() {
        let (none, slopes) = loss(&[40.0, -40.0, -40.0], &[3], 1.0);
        assert!(none < 1e-9 && slopes.iter().all(|slope| slope.abs() < 1e-9));
        let (much, slopes) = loss(&[-900.0, 900.0], &[2], 1.0);
        assert!((much - (1800.0 + 900.0)).abs() < 1e-6, "{much}");
        assert!(slopes.iter().all(|slope| slope.is_finite()));
        // As good a ranking, but what answers is called irrelevant.
        assert!(loss(&[-3.0, -9.0], &[2], 1.0).0 > loss(&[3.0, -3.0], &[2], 1.0).0);
    }
}
