//! The web UI: static files with a strict content security policy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use sha2::{Digest, Sha256};

use super::{document, reply};

/// First parts of paths that are interfaces of programs: an unknown one below them is told, not answered by the app.
const INTERFACES: &[&str] = &["api", "v1", "avatar", "__openclaw__", "hooks", "tools"];

/// Largest file that a configured UI folder may serve.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// Where the web UI comes from.
#[derive(Debug, Clone)]
pub enum UiSource {
    /// Files that were built into the program.
    Embedded(&'static [UiAsset]),
    /// A folder with a built UI (`gateway.controlUi.root`).
    Directory(PathBuf),
    /// One page of HTML: what a gateway serves that was built without the UI.
    Page(String),
    /// No web UI (`gateway.controlUi.enabled: false`).
    Off,
}

/// One file of the web UI, built into the program.
#[derive(Debug, Clone, Copy)]
pub struct UiAsset {
    /// Path below the root, such as `assets/index-4f2a.js` or `index.html`.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Strong validator with quotes, such as `"4f2a…"`.
    pub etag: &'static str,
    /// The file as it is.
    pub bytes: &'static [u8],
    /// The file compressed by gzip, if that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// The file compressed by brotli, if that is smaller.
    pub brotli: Option<&'static [u8]>,
    /// The name carries a hash of the content: clients may keep it for ever.
    pub immutable: bool,
}

/// A web UI and the path that it is served below.
#[derive(Debug, Clone)]
pub(crate) struct Hosting {
    /// Where its files are.
    pub(crate) source: UiSource,
    /// Empty, or a path such as `/gateway` (`gateway.controlUi.basePath`).
    pub(crate) base: String,
}

/// A file that was found.
struct Found {
    content_type: &'static str,
    /// A page: the scripts in it that may run.
    scripts: Vec<String>,
    etag: String,
    body: Body,
    length: usize,
    encoding: Option<&'static str>,
    varies: bool,
    immutable: bool,
}

/// Serves a path that no other route took.
pub(crate) async fn serve(
    ui: Arc<Hosting>,
    method: Method,
    path: String,
    headers: HeaderMap,
) -> Response<Body> {
    let nothing = || reply::error(StatusCode::NOT_FOUND, "not_found", "Not Found");
    if method != Method::GET && method != Method::HEAD {
        return nothing();
    }
    let Some(below) = path.strip_prefix(ui.base.as_str()) else { return nothing() };
    if below.is_empty() && !ui.base.is_empty() {
        return to_the_slash(&ui.base);
    }
    let Some(wanted) = below.strip_prefix('/') else { return nothing() };
    let Some(found) = find(&ui, wanted.trim_start_matches('/'), &headers).await else { return nothing() };
    answer(found, &headers, Origin::of(&ui.source))
}

/// `/gateway` is `/gateway/`: links of the page are relative to it.
fn to_the_slash(base: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    if let Ok(to) = HeaderValue::from_str(&format!("{base}/")) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

/// The file of a path; for a page of the app (no extension) the app itself, if HTML is what the caller takes.
async fn find(ui: &Hosting, wanted: &str, headers: &HeaderMap) -> Option<Found> {
    let interface = INTERFACES.contains(&wanted.split('/').next().unwrap_or_default());
    let is_page =
        wanted.is_empty() || (!interface && !last_segment(wanted).contains('.') && takes_html(headers));
    match &ui.source {
        UiSource::Off => None,
        UiSource::Page(html) => (is_page || wanted == "index.html").then(|| page(html)),
        UiSource::Embedded(assets) => {
            let by_path = |path: &str| assets.iter().find(|asset| asset.path == path);
            let asset = by_path(wanted).or_else(|| if is_page { by_path("index.html") } else { None })?;
            // Its links are relative: they lead elsewhere from below a folder.
            if asset.path == "index.html" && (!ui.base.is_empty() || wanted.contains('/')) {
                return Some(page(&document::mounted(std::str::from_utf8(asset.bytes).ok()?, &ui.base)));
            }
            Some(embedded(asset, headers))
        }
        UiSource::Directory(root) => match file(root, wanted, &ui.base).await {
            Some(found) => Some(found),
            None if is_page => file(root, "index.html", &ui.base).await,
            None => None,
        },
    }
}

/// Whether a caller takes HTML: browsers say so, and who says nothing takes everything. A plain no (`q=0`) wins.
fn takes_html(headers: &HeaderMap) -> bool {
    let mut any = false;
    let mut all = None;
    let mut html = None;
    for value in headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
        for entry in value.split(',') {
            any = true;
            let mut parts = entry.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let wanted = !parts.any(|part| {
                part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
            });
            match kind.as_str() {
                "text/html" | "application/xhtml+xml" => html = Some(html.unwrap_or(true) && wanted),
                "*/*" | "text/*" => all = Some(all.unwrap_or(false) || wanted),
                _ => {}
            }
        }
    }
    !any || html.or(all).unwrap_or(false)
}

fn last_segment(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn page(html: &str) -> Found {
    Found {
        scripts: document::inline_scripts(html),
        content_type: "text/html; charset=utf-8",
        etag: etag_of(html.as_bytes()),
        length: html.len(),
        body: Body::from(html.to_owned()),
        encoding: None,
        varies: false,
        immutable: false,
    }
}

fn embedded(asset: &UiAsset, headers: &HeaderMap) -> Found {
    let (bytes, encoding) = match (asset.brotli, asset.gzip) {
        (Some(bytes), _) if accepts(headers, "br") => (bytes, Some("br")),
        (_, Some(bytes)) if accepts(headers, "gzip") => (bytes, Some("gzip")),
        _ => (asset.bytes, None),
    };
    let etag = match encoding {
        // A strong validator names one representation.
        Some(name) => format!("\"{}-{name}\"", asset.etag.trim_matches('"')),
        None => asset.etag.to_owned(),
    };
    Found {
        scripts: Vec::new(),
        content_type: asset.content_type,
        etag,
        length: bytes.len(),
        body: Body::from(bytes),
        encoding,
        varies: asset.gzip.is_some() || asset.brotli.is_some(),
        immutable: asset.immutable,
    }
}

/// Reads a file below `root`; links and `..` that lead out of it find nothing.
async fn file(root: &Path, wanted: &str, base: &str) -> Option<Found> {
    let decoded = percent_decode(wanted)?;
    let relative = Path::new(&decoded);
    let plain = relative.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let hidden = decoded.split('/').any(|part| part.starts_with('.'));
    if decoded.is_empty() || !plain || hidden || decoded.contains(['\\', ':', '\0']) {
        return None;
    }
    let root = tokio::fs::canonicalize(root).await.ok()?;
    let full = tokio::fs::canonicalize(root.join(relative)).await.ok()?;
    if !full.starts_with(&root) {
        return None;
    }
    let meta = tokio::fs::metadata(&full).await.ok()?;
    if !meta.is_file() || meta.len() > MAX_FILE {
        return None;
    }
    let bytes = tokio::fs::read(&full).await.ok()?;
    if decoded == "index.html" {
        return Some(page(&document::mounted(std::str::from_utf8(&bytes).ok()?, base)));
    }
    Some(Found {
        scripts: Vec::new(),
        content_type: content_type(&decoded),
        etag: etag_of(&bytes),
        length: bytes.len(),
        body: Body::from(bytes),
        encoding: None,
        varies: false,
        immutable: document::is_hashed(&decoded),
    })
}

fn percent_decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn etag_of(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(bytes)[..16]))
}

/// Whether a coding is named in `Accept-Encoding` and not refused by `q=0`.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let refused = parts.any(|part| {
                part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
            });
            named && !refused
        })
}

fn answer(found: Found, headers: &HeaderMap, origin: Origin) -> Response<Body> {
    let fresh =
        headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value == "*" || value.split(',').any(|tag| tag.trim().trim_start_matches("W/") == found.etag)
        });
    let (status, body) =
        if fresh { (StatusCode::NOT_MODIFIED, Body::empty()) } else { (StatusCode::OK, found.body) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(found.content_type));
    if !fresh {
        out.insert(header::CONTENT_LENGTH, HeaderValue::from(found.length));
        if let Some(encoding) = found.encoding {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    if let Ok(etag) = HeaderValue::from_str(&found.etag) {
        out.insert(header::ETAG, etag);
    }
    if found.varies {
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    let cache = if found.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    let policy = policy(headers, origin, &found.scripts);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Who built the UI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// We: nothing inline, nothing from elsewhere.
    Own,
    /// Somebody else: it may bring styles inline, run WebAssembly and show pictures of other hosts. Scripts still come
    /// from its own files only; those inside its page are named by their hash.
    Foreign,
}

impl Origin {
    fn of(source: &UiSource) -> Self {
        if matches!(source, UiSource::Embedded(_)) { Self::Own } else { Self::Foreign }
    }
}

/// The content security policy. The WebSocket is named by our own (already checked) Host, because some browsers
/// do not count it to `'self'`.
fn policy(headers: &HeaderMap, origin: Origin, scripts: &[String]) -> HeaderValue {
    let socket = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b)))
        .map(|host| format!(" ws://{host} wss://{host}"))
        .unwrap_or_default();
    let hashes = scripts.iter().fold(String::new(), |all, hash| all + " 'sha256-" + hash + "'");
    let (script, style, image, more) = match origin {
        Origin::Own => (String::new(), "", "", ""),
        Origin::Foreign => {
            let script = format!("{hashes} 'wasm-unsafe-eval'");
            (script, " 'unsafe-inline'", " https:", " media-src 'self' data: blob:; frame-src 'self';")
        }
    };
    let text = format!(
        "default-src 'self'; script-src 'self'{script}; style-src 'self'{style}; img-src 'self' data: blob:{image}; \
         font-src 'self' data:; connect-src 'self' data:{socket}; worker-src 'self';{more} form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
    ))
}

fn content_type(path: &str) -> &'static str {
    let extension = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
