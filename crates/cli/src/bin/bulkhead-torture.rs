//! `bulkhead` with the points at which `cargo xtask torture` kills it. Never shipped.

fn main() -> std::process::ExitCode {
    bulkhead_cli::main()
}
