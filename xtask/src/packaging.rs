//! `cargo xtask packaging`: the .deb in a bare Debian. What is looked at there stands in `tests/scripts/bare-debian.sh`.

use crate::{packages, tools};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release that the package has to run on, and its mirror.
const SUITE: &str = "bookworm";
const MIRROR: &str = "http://deb.debian.org/debian";

/// Which package.
#[derive(clap::Args)]
pub struct Args {
    /// The package; by default the newest that `cargo xtask bundle` made.
    #[arg(long)]
    deb: Option<PathBuf>,
    /// Keep the root for a look afterwards (`target/bare-debian/root`).
    #[arg(long)]
    keep: bool,
    /// Install missing system packages without asking.
    #[arg(long)]
    yes: bool,
}

pub fn run(args: &Args) -> Result<()> {
    ensure!(
        cfg!(target_os = "linux") && tools::is_root(),
        "a root of its own needs root: run this with sudo, on Linux"
    );
    packages::ensure(&[packages::PACKAGING], args.yes)?;
    let deb = match &args.deb {
        Some(deb) => deb.clone(),
        None => newest(&tools::target_dir().join("release/bundle/deb"))?,
    };
    eprintln!("  {}", deb.display());
    let folder = tools::target_dir().join("bare-debian");
    let base = folder.join("base");
    if !base.join("etc/debian_version").exists() {
        fs::create_dir_all(&folder)?;
        tools::step(
            "fetching a bare Debian",
            Command::new("debootstrap")
                .args(["--variant=minbase", "--include=ca-certificates,procps", SUITE])
                .arg(&base)
                .arg(MIRROR),
        )?;
    }
    let root = folder.join("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    tools::step(
        "copying it",
        Command::new("cp").args(["-a", "--reflink=auto", "--one-file-system"]).arg(&base).arg(&root),
    )?;
    let inside = root.join("packages");
    fs::create_dir_all(&inside)?;
    fs::copy(&deb, inside.join("first.deb"))?;
    next_version(&deb, &folder.join("next"), &inside.join("next.deb"))?;
    fs::copy(tools::root().join("tests/scripts/bare-debian.sh"), inside.join("bare-debian.sh"))?;
    fs::copy("/etc/resolv.conf", root.join("etc/resolv.conf"))?;
    // A daemon that a package brings is not started in a root.
    fs::write(root.join("usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n")?;
    tools::step("making it quiet", Command::new("chmod").arg("+x").arg(root.join("usr/sbin/policy-rc.d")))?;
    // Processes and mounts of its own: whatever happens in there ends with it.
    let enter = "mount --make-rprivate / && mount -t proc proc \"$1/proc\" && mount --rbind /dev \"$1/dev\" && \
                 mount -t tmpfs tmpfs \"$1/dev/shm\" && \
                 exec chroot \"$1\" bash /packages/bare-debian.sh /packages/first.deb /packages/next.deb";
    let outcome = tools::step(
        "the package in a bare Debian",
        Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--ipc", "sh", "-c", enter, "sh"])
            .arg(&root)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root"),
    );
    if !args.keep {
        fs::remove_dir_all(&root)?;
    }
    outcome
}

fn newest(folder: &Path) -> Result<PathBuf> {
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = fs::read_dir(folder)
        .with_context(|| {
            format!("nothing in {}; make the package first: cargo xtask bundle", folder.display())
        })?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "deb"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path).context("no .deb there; make one first: cargo xtask bundle")
}

/// The same package with a higher version, and another gateway in it: a program stays the same when something is appended.
fn next_version(deb: &Path, work: &Path, made: &Path) -> Result<()> {
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    tools::step("unpacking", Command::new("dpkg-deb").arg("-R").arg(deb).arg(work))?;
    let control = work.join("DEBIAN/control");
    let text = fs::read_to_string(&control)?;
    let Some(version) = text.lines().find_map(|line| line.strip_prefix("Version: ")) else {
        bail!("{} names no version", control.display());
    };
    fs::write(&control, text.replace(&format!("Version: {version}"), &format!("Version: {version}+next1")))?;
    let mut program = fs::OpenOptions::new().append(true).open(work.join("usr/bin/bulkhead"))?;
    program.write_all(b"another one\n")?;
    drop(program);
    // The sums that dpkg checks stand beside it.
    let sums = work.join("DEBIAN/md5sums");
    if sums.exists() {
        fs::remove_file(&sums)?;
    }
    tools::step(
        "packing the next version",
        Command::new("dpkg-deb").args(["--root-owner-group", "-Zgzip", "-z1", "-b"]).arg(work).arg(made),
    )?;
    fs::remove_dir_all(work)?;
    Ok(())
}
