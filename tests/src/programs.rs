//! The programs under test, beside the test's own executable in cargo's target folder.

use std::path::PathBuf;

/// A program of the same build, by its name. Tests lie in `target/<profile>/deps`, programs one folder up.
pub fn beside(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("the test knows its own path");
    let folder = exe.parent().expect("a program lies in a folder");
    let folder = if folder.ends_with("deps") { folder.parent().expect("target/<profile>") } else { folder };
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} is not built: run `cargo xtask test`, or `cargo build -p {name}` first",
        path.display()
    );
    path
}

/// Gateway and command line.
pub fn bulkhead() -> PathBuf {
    beside("bulkhead")
}

/// The desktop app.
pub fn app() -> PathBuf {
    beside("bulkhead-app")
}

/// Top folder of the checkout.
pub fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout").to_path_buf()
}
