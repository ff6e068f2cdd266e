//! Embeds the built web UI (`ui/dist`), compressed once here. Without it the gateway still builds,
//! and serves a page that says so: Node is never needed for `cargo build`.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// A file larger than this does not belong into the binary.
const LARGEST: u64 = 8 * 1024 * 1024;

fn main() {
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let dist = manifest.join("../../ui/dist");
    println!("cargo::rerun-if-changed=build.rs");
    // A watched path that does not exist would rebuild this crate every time.
    if manifest.join("../../ui/package.json").is_file() {
        let _ = fs::create_dir_all(&dist);
    }
    if dist.is_dir() {
        println!("cargo::rerun-if-changed={}", dist.display());
    }
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, &dist, &mut files);
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (index, (name, path)) in files.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", path.display());
        let Ok(bytes) = fs::read(path) else { continue };
        let packed = gzip(&bytes);
        let gz = out.join(format!("ui-{index}.gz"));
        let smaller = packed.len() + 64 < bytes.len() && fs::write(&gz, &packed).is_ok();
        let gzip = if smaller {
            format!("Some(include_bytes!({:?}).as_slice())", gz.display().to_string())
        } else {
            "None".to_owned()
        };
        let source = path.canonicalize().unwrap_or_else(|_| path.clone());
        let _ = writeln!(
            table,
            "    UiAsset {{ path: {name:?}, content_type: {:?}, etag: {:?}, bytes: include_bytes!({:?}), gzip: {gzip}, \
             brotli: None, immutable: {} }},",
            media_type(name),
            etag(&bytes),
            source.display().to_string(),
            is_hashed(name),
        );
    }
    table.push(']');
    if let Err(error) = fs::write(out.join("ui.rs"), table) {
        println!("cargo::error=cannot write the table of UI files to {}: {error}", out.display());
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if entry.metadata().is_ok_and(|meta| meta.len() <= LARGEST) {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            if !Path::new(&name).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("map")) {
                files.push((name, path));
            }
        }
    }
}

fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}-{:x}\"", hasher.finish(), bytes.len())
}

/// Bundlers put hashed files, whose content never changes under one name, into `assets/`.
fn is_hashed(name: &str) -> bool {
    let stem = name.strip_prefix("assets/").and_then(|file| file.rsplit_once('.')).map(|(stem, _)| stem);
    stem.and_then(|stem| stem.rsplit_once('-')).is_some_and(|(_, hash)| hash.len() >= 8)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "webmanifest" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    if encoder.write_all(bytes).is_err() {
        return Vec::new();
    }
    encoder.finish().unwrap_or_default()
}
