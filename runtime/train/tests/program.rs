//! The program as `littoral tune train` runs it: what goes wrong is a line that says so.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use serde_json::Value;
use std::process::Command;

/// The only line of a run with `arguments`, which fails.
fn failed(arguments: &[&str]) -> Value {
    let program = env!("CARGO_BIN_EXE_littoral-train");
    let ran = Command::new(program).args(arguments).output().unwrap();
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn a_run_without_a_job_says_so() {
    let event = failed(&[]);
    assert_eq!(event["event"], "failed", "{event}");
    assert!(
        event["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("littoral tune train")),
        "{event}"
    );
}

#[test]
fn a_job_that_cannot_be_read_is_named() {
    let event = failed(&["no/such/job.json"]);
    assert!(
        event["message"]
            .as_str()
            .is_some_and(|m| m.contains("no/such/job.json")),
        "{event}"
    );
}
