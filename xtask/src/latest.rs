//! `cargo xtask latest`: the file by which installed apps learn of a release. Made of the packages and their signatures;
//! nothing is signed here.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Of which release.
#[derive(clap::Args)]
pub struct Args {
    /// The folder with the packages and their `.sig` files, one folder per system below it or not.
    #[arg(long)]
    packages: PathBuf,
    /// Where the packages can be downloaded, without the name at the end.
    #[arg(long)]
    url: String,
    /// When it was released, such as `2026-11-20T12:00:00Z`.
    #[arg(long)]
    date: String,
    /// What is new, in a few words.
    #[arg(long, default_value = "")]
    notes: String,
    /// Where to write it.
    #[arg(long)]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let mut signed = Vec::new();
    collect(&args.packages, &mut signed)?;
    let latest = latest(env!("CARGO_PKG_VERSION"), args, &signed)?;
    fs::write(&args.out, serde_json::to_string_pretty(&latest)?)
        .with_context(|| format!("could not write {}", args.out.display()))
}

/// Names of signed packages, and their signatures.
fn collect(folder: &Path, signed: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, signed)?;
        } else if path.extension().is_some_and(|kind| kind == "sig") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            signed.push((name, fs::read_to_string(&path)?.trim().to_owned()));
        }
    }
    signed.sort();
    Ok(())
}

fn latest(version: &str, args: &Args, signed: &[(String, String)]) -> Result<Value> {
    let mut platforms = Map::new();
    for (name, signature) in signed {
        for platform in platforms_of(name) {
            let url = format!("{}/{name}", args.url.trim_end_matches('/'));
            let before =
                platforms.insert((*platform).to_owned(), json!({ "signature": signature, "url": url }));
            ensure!(before.is_none(), "two packages are for {platform}; one of them is {name}");
        }
    }
    ensure!(
        !platforms.is_empty(),
        "{} has no signed package (.AppImage, .app.tar.gz, -setup.exe, each with its .sig); were they built with TAURI_SIGNING_PRIVATE_KEY?",
        args.packages.display()
    );
    Ok(json!({ "version": version, "pub_date": args.date, "notes": args.notes, "platforms": platforms }))
}

/// For which of the updater's platforms a package is. Debian and RPM packages are their package manager's.
fn platforms_of(name: &str) -> &'static [&'static str] {
    let arm = name.contains("aarch64") || name.contains("arm64");
    if name.ends_with(".AppImage") {
        if arm { &["linux-aarch64"] } else { &["linux-x86_64"] }
    } else if name.ends_with(".app.tar.gz") {
        if name.contains("universal") {
            &["darwin-aarch64", "darwin-x86_64"]
        } else if arm {
            &["darwin-aarch64"]
        } else {
            &["darwin-x86_64"]
        }
    } else if name.ends_with("-setup.exe") {
        if arm { &["windows-aarch64"] } else { &["windows-x86_64"] }
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> Args {
        Args {
            packages: "packages".into(),
            url: "https://example.org/v1/".to_owned(),
            date: "2026-11-20T12:00:00Z".to_owned(),
            notes: String::new(),
            out: "latest.json".into(),
        }
    }

    #[test]
    fn every_system_gets_its_package() {
        let signed = |names: &[&str]| {
            names.iter().map(|name| ((*name).to_owned(), format!("sig of {name}"))).collect::<Vec<_>>()
        };
        let found = latest(
            "1.2.3",
            &args(),
            &signed(&[
                "Bulkhead_1.2.3_amd64.AppImage",
                "Bulkhead_aarch64.app.tar.gz",
                "Bulkhead_1.2.3_x64-setup.exe",
                "bulkhead_1.2.3_amd64.deb",
            ]),
        )
        .expect("made");
        assert_eq!(found["version"], "1.2.3");
        assert_eq!(
            found["platforms"]["linux-x86_64"],
            json!({ "signature": "sig of Bulkhead_1.2.3_amd64.AppImage", "url": "https://example.org/v1/Bulkhead_1.2.3_amd64.AppImage" })
        );
        let mut names: Vec<&String> = found["platforms"].as_object().expect("object").keys().collect();
        names.sort();
        assert_eq!(names, ["darwin-aarch64", "linux-x86_64", "windows-x86_64"]);
        assert!(latest("1.2.3", &args(), &signed(&["a_amd64.AppImage", "b_amd64.AppImage"])).is_err());
        assert!(latest("1.2.3", &args(), &[]).is_err());
    }
}
