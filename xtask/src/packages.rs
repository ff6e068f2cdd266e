//! System packages: what a purpose needs, what is missing, and how this distribution installs it.

use crate::tools;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, IsTerminal, Write};
use std::process::{Command, Stdio};

/// Something that must be on the machine: how to see it, and its package per package manager.
pub struct Need {
    /// What to look for.
    present: Probe,
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
}

enum Probe {
    Program(&'static str),
    AnyProgram(&'static [&'static str]),
    PkgConfig(&'static str),
    File(&'static [&'static str]),
}

impl Need {
    const fn program(name: &'static str, apt: &'static str, dnf: &'static str, pacman: &'static str) -> Self {
        Self { present: Probe::Program(name), apt, dnf, pacman }
    }
    const fn library(name: &'static str, apt: &'static str, dnf: &'static str, pacman: &'static str) -> Self {
        Self { present: Probe::PkgConfig(name), apt, dnf, pacman }
    }
    fn is_present(&self) -> bool {
        match self.present {
            Probe::Program(name) => tools::find_on_path(name).is_some(),
            Probe::AnyProgram(names) => names.iter().any(|name| tools::find_on_path(name).is_some()),
            Probe::PkgConfig(name) => Command::new("pkg-config")
                .args(["--exists", name])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success()),
            Probe::File(paths) => paths.iter().any(|path| std::path::Path::new(path).exists()),
        }
    }
}

/// A C compiler for SQLite: all that `cargo build` needs.
pub const GATEWAY: &[Need] = &[Need {
    present: Probe::AnyProgram(&["cc", "gcc", "clang"]),
    apt: "build-essential",
    dnf: "gcc",
    pacman: "base-devel",
}];

/// Headers of the desktop app.
pub const APP: &[Need] = &[
    Need::program("pkg-config", "pkg-config", "pkgconf-pkg-config", "pkgconf"),
    Need::library("webkit2gtk-4.1", "libwebkit2gtk-4.1-dev", "webkit2gtk4.1-devel", "webkit2gtk-4.1"),
    Need::library(
        "ayatana-appindicator3-0.1",
        "libayatana-appindicator3-dev",
        "libayatana-appindicator-gtk3-devel",
        "libayatana-appindicator",
    ),
    Need::library("librsvg-2.0", "librsvg2-dev", "librsvg2-devel", "librsvg"),
    Need {
        present: Probe::File(&["/usr/include/xdo.h"]),
        apt: "libxdo-dev",
        dnf: "libxdo-devel",
        pacman: "xdotool",
    },
];

/// What the end-to-end tests drive: a screen, a window manager, a bus, a keychain, browsers.
pub const TESTS: &[Need] = &[
    Need::program("Xvfb", "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
    Need::program("xvfb-run", "xvfb", "xorg-x11-server-Xvfb", "xorg-server-xvfb"),
    Need::program("xauth", "xauth", "xorg-x11-xauth", "xorg-xauth"),
    Need::program("openbox", "openbox", "openbox", "openbox"),
    Need::program("dbus-run-session", "dbus", "dbus-daemon", "dbus"),
    Need::program("gnome-keyring-daemon", "gnome-keyring", "gnome-keyring", "gnome-keyring"),
    Need::program("secret-tool", "libsecret-tools", "libsecret", "libsecret"),
    Need::program("WebKitWebDriver", "webkit2gtk-driver", "webkit2gtk-driver", "webkit2gtk-4.1"),
    Need {
        present: Probe::AnyProgram(&["chromium", "chromium-browser", "google-chrome"]),
        apt: "chromium",
        dnf: "chromium",
        pacman: "chromium",
    },
    Need::program("chromedriver", "chromium-driver", "chromedriver", "chromium"),
    Need::program("tmux", "tmux", "tmux", "tmux"),
    // A screen reader's bus: the accessibility tree is read over it.
    Need {
        present: Probe::File(&["/usr/share/dbus-1/services/org.a11y.Bus.service"]),
        apt: "at-spi2-core",
        dnf: "at-spi2-core",
        pacman: "at-spi2-core",
    },
];

/// What the torture uses besides: a keychain to lock, a clock to set.
pub const TORTURE: &[Need] = &[
    Need::program("dbus-run-session", "dbus", "dbus-daemon", "dbus"),
    Need::program("gnome-keyring-daemon", "gnome-keyring", "gnome-keyring", "gnome-keyring"),
    Need::program("faketime", "faketime", "libfaketime", "libfaketime"),
];

/// What makes a bare Debian, and looks at a package.
pub const PACKAGING: &[Need] = &[
    Need {
        // Where administrators' programs are not on a person's path.
        present: Probe::File(&["/usr/sbin/debootstrap", "/usr/bin/debootstrap"]),
        apt: "debootstrap",
        dnf: "debootstrap",
        pacman: "debootstrap",
    },
    Need::program("dpkg-deb", "dpkg", "dpkg", "dpkg"),
    Need::program("unshare", "util-linux", "util-linux", "util-linux"),
];

/// Node and npm build the web UI; we don't install them, because their version matters and people manage it themselves.
pub fn require_node() -> Result<()> {
    let version = Command::new("node").arg("--version").output().ok().filter(|out| out.status.success());
    let Some(version) = version else {
        bail!(
            "Node is not installed. The web UI needs Node 20 or newer: https://nodejs.org, or your version manager."
        );
    };
    let text = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let major: u32 = text.trim_start_matches('v').split('.').next().unwrap_or("0").parse().unwrap_or(0);
    if major < 20 {
        bail!("Node {text} is too old: the web UI needs Node 20 or newer.");
    }
    if !tools::has("npm") {
        bail!("npm is not on PATH, though Node {text} is. Install npm 10 or newer.");
    }
    Ok(())
}

enum Manager {
    Apt,
    Dnf,
    Pacman,
}

impl Manager {
    fn detect() -> Option<Self> {
        [("apt-get", Self::Apt), ("dnf", Self::Dnf), ("pacman", Self::Pacman)]
            .into_iter()
            .find(|(program, _)| tools::find_on_path(program).is_some())
            .map(|(_, manager)| manager)
    }

    fn package(&self, need: &Need) -> &'static str {
        match self {
            Self::Apt => need.apt,
            Self::Dnf => need.dnf,
            Self::Pacman => need.pacman,
        }
    }

    fn commands(&self, packages: &[&str]) -> Vec<Vec<String>> {
        let line = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let with = |words: &[&str]| [line(words), line(packages)].concat();
        match self {
            Self::Apt => vec![
                line(&["apt-get", "update"]),
                with(&["apt-get", "install", "-y", "--no-install-recommends"]),
            ],
            Self::Dnf => vec![with(&["dnf", "install", "-y"])],
            Self::Pacman => vec![with(&["pacman", "-Sy", "--needed", "--noconfirm"])],
        }
    }
}

/// Installs what is missing of `needs`; shows the command first, and asks unless root or `yes`.
pub fn ensure(needs: &[&[Need]], yes: bool) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing: Vec<&Need> =
        needs.iter().flat_map(|group| group.iter()).filter(|need| !need.is_present()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Some(manager) = Manager::detect() else {
        let names: Vec<&str> = missing.iter().map(|need| need.apt).collect();
        bail!(
            "these system packages are missing (Debian's names): {}. \
             This machine has none of apt, dnf and pacman: install them by hand, then run this again.",
            names.join(" ")
        );
    };
    let mut packages: Vec<&str> = missing.iter().map(|need| manager.package(need)).collect();
    packages.sort_unstable();
    packages.dedup();
    let root = tools::is_root();
    let commands: Vec<Vec<String>> = manager
        .commands(&packages)
        .into_iter()
        .map(|words| if root { words } else { [vec!["sudo".to_owned()], words].concat() })
        .collect();
    eprintln!("System packages are missing. This will run:");
    for words in &commands {
        eprintln!("    {}", words.join(" "));
    }
    if !root && !yes && !confirmed()? {
        bail!("not installed. Run the lines above yourself, or repeat with --yes.");
    }
    for words in &commands {
        let (program, args) = words.split_first().context("an empty install command")?;
        let mut command = Command::new(program);
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        tools::step(&words.join(" "), &mut command)?;
    }
    Ok(())
}

fn confirmed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask on. Repeat with --yes, or run the lines above yourself.");
    }
    eprint!("Go on? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manager_gets_one_install_line_with_all_packages() {
        for manager in [Manager::Apt, Manager::Dnf, Manager::Pacman] {
            let commands = manager.commands(&["a", "b"]);
            let last = commands.last().cloned().unwrap_or_default();
            assert_eq!(&last[last.len() - 2..], ["a", "b"]);
        }
    }

    #[test]
    fn every_need_names_a_package_for_each_manager() {
        for need in [GATEWAY, APP, TESTS, TORTURE, PACKAGING].into_iter().flatten() {
            for manager in [Manager::Apt, Manager::Dnf, Manager::Pacman] {
                assert!(!manager.package(need).is_empty());
            }
        }
    }
}
