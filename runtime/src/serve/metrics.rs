//! What a server counts, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper ends of the buckets of times, in seconds.
const BUCKETS: [f64; 12] = [
    0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0,
];

#[derive(Debug, Default, Clone)]
struct Times {
    /// By bucket, not added up.
    counts: [u64; BUCKETS.len()],
    n: u64,
    seconds: f64,
}

/// Counters of a server.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    times: Mutex<BTreeMap<&'static str, Times>>,
    refused: Mutex<BTreeMap<String, u64>>,
    pub(super) connections: AtomicU64,
    in_flight: AtomicU64,
}

/// A request that is being answered, until it is dropped: also where its caller has gone.
pub(super) struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Counts a request that is being answered.
    pub(super) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    /// Counts an answer.
    pub(super) fn answered(&self, route: &'static str, status: u16, time: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route, status)).or_default() += 1;
        drop(requests);
        let seconds = time.as_secs_f64();
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let times = times.entry(route).or_default();
        times.n += 1;
        times.seconds += seconds;
        if let Some(i) = BUCKETS.iter().position(|&end| seconds <= end) {
            times.counts[i] += 1;
        }
    }

    /// Counts a refusal by its code.
    pub(super) fn refused(&self, code: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(code.to_owned()).or_default() += 1;
    }

    /// All counters as text; `gauges` are added as they are.
    pub(super) fn text(&self, gauges: &[(&str, &str, u64)]) -> String {
        let mut out = String::new();
        let head = |out: &mut String, name: &str, kind: &str, help: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        };
        head(
            &mut out,
            "littoral_requests_total",
            "counter",
            "Answers by route and status.",
        );
        for ((route, status), n) in &*self.requests.lock().unwrap_or_else(PoisonError::into_inner) {
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            let _ = writeln!(out, "littoral_requests_total{{{labels}}} {n}");
        }
        head(
            &mut out,
            "littoral_errors_total",
            "counter",
            "Errors by code.",
        );
        for (code, n) in &*self.refused.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = writeln!(out, "littoral_errors_total{{code=\"{code}\"}} {n}");
        }
        let name = "littoral_request_seconds";
        head(&mut out, name, "histogram", "Time from request to answer.");
        for (route, times) in &*self.times.lock().unwrap_or_else(PoisonError::into_inner) {
            let mut sum = 0;
            for (end, n) in BUCKETS.iter().zip(times.counts) {
                sum += n;
                let _ = writeln!(out, "{name}_bucket{{route=\"{route}\",le=\"{end}\"}} {sum}");
            }
            let Times { n, seconds, .. } = times;
            let _ = writeln!(out, "{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {n}");
            let _ = writeln!(out, "{name}_sum{{route=\"{route}\"}} {seconds}");
            let _ = writeln!(out, "{name}_count{{route=\"{route}\"}} {n}");
        }
        let own = [
            (
                "littoral_connections",
                "Open connections.",
                &self.connections,
            ),
            (
                "littoral_in_flight",
                "Requests being answered.",
                &self.in_flight,
            ),
        ];
        for (name, help, value) in own {
            head(&mut out, name, "gauge", help);
            let _ = writeln!(out, "{name} {}", value.load(Ordering::Relaxed));
        }
        for (name, help, value) in gauges {
            head(&mut out, name, "gauge", help);
            let _ = writeln!(out, "{name} {value}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let metrics = Metrics::default();
        for ms in [0, 1, 3, 30, 9000] {
            metrics.answered("search", 200, Duration::from_millis(ms));
        }
        metrics.refused("overloaded");
        let text = metrics.text(&[("littoral_indexes", "Open indexes.", 2)]);
        for line in [
            "littoral_requests_total{route=\"search\",status=\"200\"} 5",
            "littoral_request_seconds_bucket{route=\"search\",le=\"0.0005\"} 1",
            "littoral_request_seconds_bucket{route=\"search\",le=\"0.005\"} 3",
            "littoral_request_seconds_bucket{route=\"search\",le=\"5\"} 4",
            "littoral_request_seconds_bucket{route=\"search\",le=\"+Inf\"} 5",
            "littoral_request_seconds_count{route=\"search\"} 5",
            "littoral_errors_total{code=\"overloaded\"} 1",
            "littoral_indexes 2",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
