//! Compiles the engine for the sandbox: `guest/sandbox` to WebAssembly, into a target folder of its
//! own below `OUT_DIR`, and embeds it. One command from a fresh clone is enough.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "sandbox";

/// Variables that speak of the build that runs this script, not of the one it starts.
const FOREIGN: [&str; 6] = [
    "RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "CLIPPY_ARGS",
];

fn main() {
    let root = variable("CARGO_MANIFEST_DIR")
        .parent()
        .expect("the workspace is above this crate")
        .to_owned();
    let out = variable("OUT_DIR");
    for part in [
        "guest/src",
        "guest/Cargo.toml",
        "guest/sandbox",
        "indexes/src",
        "indexes/Cargo.toml",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        // From this package on: another clone that shares the target folder is another file.
        println!("cargo:rerun-if-changed=../{part}");
    }
    let module = compile(&root, &out.join("sandbox"));
    println!(
        "cargo:rustc-env=LITTORAL_SANDBOX_MODULE={}",
        module.display()
    );
}

fn compile(root: &Path, target: &Path) -> PathBuf {
    let cargo = env::var_os("CARGO").expect("cargo says where it is");
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args([
            "build",
            "--locked",
            "--quiet",
            "--package",
            "littoral-sandbox",
        ])
        .args(["--target", TARGET, "--profile", PROFILE])
        .arg("--target-dir")
        .arg(target);
    for name in FOREIGN {
        command.env_remove(name);
    }
    // Paths of this machine in messages would make each machine's module another.
    let mut flags = vec!["-Ctarget-feature=+simd128".to_owned()];
    flags.push(format!("--remap-path-prefix={}=littoral", root.display()));
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    let done = command.status().expect("cargo starts");
    assert!(
        done.success(),
        "the engine for the sandbox could not be compiled; `rustup target add {TARGET}` gets what \
         its compiler needs"
    );
    let module = target
        .join(TARGET)
        .join(PROFILE)
        .join("littoral_sandbox.wasm");
    assert!(module.is_file(), "cargo made no {}", module.display());
    module
}

fn variable(name: &str) -> PathBuf {
    PathBuf::from(env::var_os(name).expect("cargo sets it for build scripts"))
}
