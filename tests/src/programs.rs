//! The programs under test, beside the test's own executable in cargo's target folder.

use std::path::PathBuf;

fn built(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("the test knows its own path");
    let folder = exe.parent().and_then(std::path::Path::parent).expect("target/<profile>/deps/<test>");
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
    built("bulkhead")
}

/// The desktop app.
pub fn app() -> PathBuf {
    built("bulkhead-app")
}

/// Top folder of the checkout.
pub fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout").to_path_buf()
}
