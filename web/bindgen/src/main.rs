//! Makes the JavaScript module and the stripped WebAssembly of the core: the work of the
//! `wasm-bindgen` program, at the version that the workspace's lock file holds.
//!
//! ```text
//! littoral-web-bindgen INPUT.wasm OUT_FOLDER
//! ```

use std::env::args_os;
use std::path::PathBuf;
use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = args_os().skip(1).map(PathBuf::from).collect();
    let [input, out] = arguments.as_slice() else {
        return fail("usage: littoral-web-bindgen INPUT.wasm OUT_FOLDER");
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(input)
        .out_name("littoral")
        // What optimises the module finds functions by their names, and takes the names off.
        .remove_name_section(false)
        .remove_producers_section(true)
        .typescript(true)
        // The caller says where the WebAssembly lies: bundlers then have no path to guess.
        .omit_default_module_path(true);
    match bindgen.web(true).and_then(|bindgen| bindgen.generate(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(format!("{error:#}")),
    }
}

#[expect(clippy::print_stderr, reason = "a program's last words")]
fn fail(message: impl std::fmt::Display) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(2)
}
