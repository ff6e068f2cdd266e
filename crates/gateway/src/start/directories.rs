//! Directories of a profile: made on demand, readable by their owner only.

use std::fs;
use std::path::Path;

use crate::error::GatewayError;

/// Makes a directory (and its parents) with mode 0700.
pub(crate) fn private(path: &Path) -> Result<(), GatewayError> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|source| GatewayError::Io {
        action: "make the directory",
        path: path.into(),
        source,
    })
}
