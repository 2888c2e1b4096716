//! The fuzzers' targets, on sound bytes, cut and flipped ones, and noise: what can be had without a
//! fuzzer. `tests/fuzz` has the same targets for hours of it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test says what it finds, and ends where it cannot go on"
)]

use littoral_tests::fuzz::{TARGETS, seeds};
use littoral_tests::random::Random;
use std::path::Path;

#[test]
fn no_target_panics_on_sound_damaged_or_random_bytes() {
    let mut random = Random::new(5);
    for (name, target) in TARGETS {
        target(b"");
        let seeds = seeds();
        let own: Vec<&Vec<u8>> = seeds
            .iter()
            .filter(|(of, _)| *of == name)
            .map(|(_, seed)| seed)
            .collect();
        assert!(!own.is_empty(), "{name} has no seed");
        // The whole of an index is used by each run of `index`: few runs are enough here.
        let runs = if ["index", "manifest", "query"].contains(&name) {
            60
        } else {
            400
        };
        for run in 0..runs {
            let mut bytes = own[run % own.len()].clone();
            match run / own.len() {
                0 => {}
                1 => bytes.truncate(random.below(bytes.len() + 1)),
                2 => {
                    bytes = (0..random.below(400))
                        .map(|_| random.bits() as u8)
                        .collect();
                }
                _ => {
                    for _ in 0..=random.below(4) {
                        if !bytes.is_empty() {
                            let at = random.below(bytes.len());
                            bytes[at] = random.bits() as u8;
                        }
                    }
                }
            }
            target(&bytes);
        }
    }
}

#[test]
fn every_target_has_its_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(
            manifest.contains(&format!("path = \"targets/{name}.rs\"")),
            "{name}"
        );
        let program = std::fs::read_to_string(folder.join(format!("targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("fuzz::{name}(data)")), "{name}");
    }
    let programs = std::fs::read_dir(folder.join("targets")).unwrap().count();
    assert_eq!(programs, TARGETS.len());
}
