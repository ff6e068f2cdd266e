//! What Linux packages put below `/usr/share` beside the programs: manual pages, completions, metadata, licences.

use crate::{licences, tools};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Who is named as the maintainer of the packages; the same stands in `tauri.bundle.conf.json`.
const MAINTAINER: &str = "The Bulkhead authors <bulkhead-ai@users.noreply.github.com>";

/// Writes the whole tree anew.
pub fn write(share: &Path, gateway: &Path, version: &str) -> Result<()> {
    if share.exists() {
        fs::remove_dir_all(share)?;
    }
    let linux = tools::root().join("src-tauri/linux");
    let doc = folder(share, "doc/bulkhead")?;
    fs::copy(linux.join("copyright"), doc.join("copyright"))?;
    let plain = doc.join("licences.txt");
    licences::write_for_package(&plain)?;
    pack(&plain)?;
    fs::write(doc.join("changelog"), changelog(version))?;
    pack(&doc.join("changelog"))?;

    let metainfo = folder(share, "metainfo")?;
    fs::copy(linux.join("ai.bulkhead.app.metainfo.xml"), metainfo.join("ai.bulkhead.app.metainfo.xml"))?;
    let overrides = folder(share, "lintian/overrides")?;
    fs::copy(linux.join("lintian-overrides"), overrides.join("bulkhead"))?;
    let scalable = folder(share, "icons/hicolor/scalable/apps")?;
    fs::copy(tools::root().join("icons/app/icon.svg"), scalable.join("bulkhead-app.svg"))?;

    let manual = folder(share, "man/man1")?;
    tools::step("writing the manual pages", Command::new(gateway).arg("manual").arg("--out").arg(&manual))?;
    fs::copy(linux.join("bulkhead-app.1"), manual.join("bulkhead-app.1"))?;
    for page in fs::read_dir(&manual)? {
        pack(&page?.path())?;
    }
    for (shell, path) in [
        ("bash", "bash-completion/completions/bulkhead"),
        ("zsh", "zsh/vendor-completions/_bulkhead"),
        ("fish", "fish/vendor_completions.d/bulkhead.fish"),
    ] {
        let out =
            Command::new(gateway).args(["completions", shell]).output().context("could not run bulkhead")?;
        ensure!(out.status.success(), "bulkhead completions {shell} failed");
        let path = share.join(path);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(path, out.stdout)?;
    }
    Ok(())
}

fn folder(share: &Path, name: &str) -> Result<std::path::PathBuf> {
    let path = share.join(name);
    fs::create_dir_all(&path).with_context(|| format!("could not make {}", path.display()))?;
    Ok(path)
}

/// Packs a file as Debian wants it (no name, no time) and takes the plain one away.
fn pack(path: &Path) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    let mut packed = flate2::GzBuilder::new().write(fs::File::create(&name)?, flate2::Compression::best());
    packed.write_all(&fs::read(path)?)?;
    packed.finish()?;
    fs::remove_file(path)?;
    Ok(())
}

/// The changelog of the package, in Debian's form: what changed in the program stands in CHANGELOG.md.
fn changelog(version: &str) -> String {
    format!(
        "bulkhead ({version}) stable; urgency=medium\n\n  * See https://github.com/bulkhead-ai/bulkhead/blob/main/CHANGELOG.md\n\n -- {MAINTAINER}  Fri, 20 Nov 2026 12:00:00 +0000\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> String {
        fs::read_to_string(tools::root().join("src-tauri").join(name)).expect(name)
    }

    #[test]
    fn the_metadata_names_this_version_and_the_desktop_entry() {
        let metainfo = read("linux/ai.bulkhead.app.metainfo.xml");
        assert!(metainfo.contains(&format!("<release version=\"{}\"", env!("CARGO_PKG_VERSION"))));
        assert!(metainfo.contains("<launchable type=\"desktop-id\">Bulkhead.desktop</launchable>"));
        assert!(
            read("tauri.conf.json").contains("\"productName\": \"Bulkhead\""),
            "the entry is named after it"
        );
        assert!(read("tauri.bundle.conf.json").contains(MAINTAINER));
    }

    #[test]
    fn the_desktop_entry_speaks_all_languages_and_takes_our_links() {
        let entry = read("linux/bulkhead.desktop");
        assert!(entry.contains("MimeType=x-scheme-handler/bulkhead;"));
        assert!(entry.contains("Exec=bulkhead-app %u"));
        for language in ["de", "ja", "ko", "zh_CN", "zh_TW"] {
            for key in ["GenericName", "Comment", "Keywords"] {
                assert!(entry.contains(&format!("\n{key}[{language}]=")), "{key}[{language}]");
            }
            assert!(
                read("linux/ai.bulkhead.app.metainfo.xml")
                    .contains(&format!("<summary xml:lang=\"{language}\">")),
                "summary {language}"
            );
        }
    }
}
