//! Folders: can they be made and written to?

use std::fs;
use std::path::Path;

use crate::event::{Reporter, Step, error};
use crate::target::Target;

pub(super) fn check(targets: &[Target<'_>], report: &Reporter<'_>) {
    for target in targets {
        let name = target.name();
        let config_dir = target.place.config_path().parent().unwrap_or(Path::new("/"));
        for (what, dir, fix) in [
            (
                "state directory",
                target.place.state_dir(),
                "correct its permissions, or set BULKHEAD_STATE_DIR to another folder",
            ),
            (
                "folder of the configuration",
                config_dir,
                "correct its permissions, or set BULKHEAD_CONFIG_PATH to another file",
            ),
            ("workspace", target.workspace.as_path(), "correct its permissions, or choose another workspace"),
        ] {
            if let Err(found) = writable(dir) {
                let finding = error(
                    "path-not-writable",
                    &[name],
                    format!("{what} {}", dir.display()),
                    found,
                    "a folder that your user may write to",
                    fix,
                );
                report.found(Step::Isolation, Some(name), finding);
            }
        }
    }
}

/// Whether a folder can be written to, or made where its nearest parent is.
pub(crate) fn writable(dir: &Path) -> Result<(), String> {
    let mut place = dir;
    let meta = loop {
        match fs::metadata(place) {
            Ok(meta) => break meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match place.parent() {
                Some(parent) => place = parent,
                None => return Err(format!("no existing folder above it ({error})")),
            },
            Err(error) => return Err(format!("{} cannot be looked at ({error})", place.display())),
        }
    };
    let whose = if place == dir { "it".to_owned() } else { place.display().to_string() };
    if !meta.is_dir() {
        return Err(format!("{whose} is a file"));
    }
    may_write(place, &meta).map_err(|why| format!("{whose} may not be written to ({why})"))
}

#[cfg(unix)]
fn may_write(dir: &Path, _: &fs::Metadata) -> Result<(), String> {
    use rustix::fs::{Access, access};
    access(dir, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| error.to_string())?;
    // Whoever may do everything is allowed even where the file system refuses.
    let stat = rustix::fs::statvfs(dir).map_err(|error| error.to_string())?;
    if stat.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) {
        return Err("the disk is read only".to_owned());
    }
    Ok(())
}

#[cfg(not(unix))]
fn may_write(_: &Path, meta: &fs::Metadata) -> Result<(), String> {
    if meta.permissions().readonly() { Err("it is read only".to_owned()) } else { Ok(()) }
}
