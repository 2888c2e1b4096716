//! The `littoral` program.

fn main() -> std::process::ExitCode {
    littoral_runtime::cli::main()
}
