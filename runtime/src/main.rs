//! The `littoral` program.

fn main() -> std::process::ExitCode {
    // Documents whose parsers may crash are parsed by a child: this program, called so.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "__parse")
    {
        return littoral_runtime::ingest::child_main();
    }
    littoral_runtime::cli::main()
}
