//! The HTTP shell: health, bearer, web UI, headers, upgrades.

use std::fmt::Write as _;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use bulkhead_server::UiSource;

use crate::world::{PATIENCE, TOKEN, World, quick, starting, world};

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(world, "GET", path, headers, b"").await
}

pub(crate) async fn ask(
    world: &World,
    verb: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = format!("{verb} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        let _ = write!(request, "host: {}\r\n", world.addr);
    }
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    if !body.is_empty() {
        let _ = write!(request, "content-length: {}\r\n", body.len());
    }
    request += "\r\n";
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    parse(&raw(world, &bytes).await)
}

/// Sends bytes and reads until the server closes.
pub(crate) async fn raw(world: &World, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(world.addr).await.unwrap();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer in time");
    answer
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| {
        panic!("no HTTP answer: {:?}", String::from_utf8_lossy(bytes));
    });
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}

#[tokio::test]
async fn health_routes() {
    let world = world().await;
    for path in ["/health", "/healthz"] {
        assert_eq!(get(&world, path, &[]).await.json(), serde_json::json!({ "ok": true, "status": "live" }));
    }
    for path in ["/ready", "/readyz"] {
        let answer = get(&world, path, &[]).await.json();
        assert_eq!((answer["ready"].as_bool(), answer["failing"].as_array().unwrap().len()), (Some(true), 0));
    }
    for path in ["/startup", "/startupz"] {
        let answer = get(&world, path, &[]).await.json();
        assert_eq!((answer["ok"].as_bool(), answer["status"].as_str()), (Some(true), Some("started")));
        assert_eq!(answer["version"], "1.2.3");
        assert!(answer["uptimeMs"].is_u64());
    }
    for verb in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        assert_eq!(ask(&world, verb, "/healthz", &[], b"").await.status, 405, "{verb}");
    }
    let head = ask(&world, "HEAD", "/healthz", &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn readiness_says_what_is_failing() {
    let world = starting().await;
    assert_eq!(get(&world, "/healthz", &[]).await.status, 200);
    assert_eq!(get(&world, "/startupz", &[]).await.status, 503);
    assert_eq!(get(&world, "/readyz", &[]).await.json()["failing"], serde_json::json!(["startup"]));
    world.info.lifecycle().set_started();
    world.info.lifecycle().set_failing(vec!["config".into()]);
    let answer = get(&world, "/readyz", &[]).await;
    assert_eq!((answer.status, answer.json()["failing"].clone()), (503, serde_json::json!(["config"])));
    world.info.lifecycle().set_failing(Vec::new());
    assert_eq!(get(&world, "/readyz", &[]).await.status, 200);
}

#[tokio::test]
async fn bearer_routes() {
    let world = world().await;
    let refused = get(&world, "/v1/models", &[]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.json(),
        serde_json::json!({ "error": { "message": "Unauthorized", "type": "unauthorized" } })
    );
    for wrong in ["Bearer wrong", "Bearer", "Basic abc", TOKEN, "Bearer  "] {
        assert_eq!(get(&world, "/v1/models", &[("authorization", wrong)]).await.status, 401, "{wrong:?}");
    }
    for right in [format!("Bearer {TOKEN}"), format!("bearer {TOKEN}")] {
        let answer = get(&world, "/v1/models", &[("authorization", &right)]).await;
        assert_eq!((answer.status, answer.text()), (200, "models".into()));
    }
    assert_eq!(get(&world, "/open", &[]).await.status, 200);
    assert_eq!(get(&world, &format!("/v1/models?token={TOKEN}"), &[]).await.status, 401);
    // The check comes before the verb's.
    assert_eq!(ask(&world, "POST", "/v1/models", &[], b"").await.status, 401);
}

#[tokio::test]
async fn the_web_ui() {
    let world = world().await;
    for path in ["/", "/index.html", "/chat", "/chat/some/session"] {
        let page = get(&world, path, &[]).await;
        assert_eq!((page.status, page.text()), (200, "<!doctype html>the app".into()), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-cache"));
    }
    for path in ["/missing.js", "/assets/missing-1.css", "/../Cargo.toml", "/favicon.ico"] {
        assert_eq!(get(&world, path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(ask(&world, "POST", "/", &[], b"").await.status, 404);

    let page = get(&world, "/", &[]).await;
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe-eval") && policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.contains("style-src 'self';") && !policy.contains("unsafe-inline"), "{policy}");
    assert!(page.header("x-powered-by").is_none() && page.header("server").is_none());
    for path in ["/", "/healthz", "/v1/models", "/missing.js"] {
        let answer = get(&world, path, &[]).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
    }
}

#[tokio::test]
async fn assets_are_compressed_and_validated() {
    let world = world().await;
    let path = "/assets/app-1.js";
    for (accepts, body, encoding) in [
        ("gzip, br", "brotli script", Some("br")),
        ("gzip", "gzip script", Some("gzip")),
        ("br;q=0, gzip;q=0.5", "gzip script", Some("gzip")),
        ("identity", "plain script", None),
    ] {
        let answer = get(&world, path, &[("accept-encoding", accepts)]).await;
        assert_eq!(
            (answer.text().as_str(), answer.header("content-encoding")),
            (body, encoding),
            "{accepts}"
        );
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        let etag = answer.header("etag").unwrap().to_owned();
        let again = get(&world, path, &[("accept-encoding", accepts), ("if-none-match", &etag)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
    }
    let stale = get(&world, path, &[("if-none-match", "\"other\"")]).await;
    assert_eq!(stale.status, 200);
}

#[tokio::test]
async fn a_gateway_without_routes_and_without_ui() {
    let world = crate::world::bare().await;
    assert_eq!(get(&world, "/healthz", &[]).await.status, 200);
    assert_eq!(get(&world, "/", &[]).await.status, 404);
    world.admin().await;
}

#[tokio::test]
async fn a_folder_of_files_never_leads_out_of_itself() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("ui");
    std::fs::create_dir_all(root.join("assets")).unwrap();
    std::fs::write(root.join("index.html"), "page").unwrap();
    std::fs::write(root.join("assets/a b.js"), "script").unwrap();
    std::fs::write(place.path().join("secret.txt"), "secret").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(place.path().join("secret.txt"), root.join("link.txt")).unwrap();
    let world = crate::world::with_ui(bulkhead_server::UiSource::Directory(root)).await;
    assert_eq!(get(&world, "/chat", &[]).await.text(), "page");
    let script = get(&world, "/assets/a%20b.js", &[]).await;
    assert_eq!(
        (script.text().as_str(), script.header("content-type")),
        ("script", Some("text/javascript; charset=utf-8"))
    );
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/link.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%5csecret.txt",
        "/assets%00.js",
        "/%zz.js",
    ] {
        let answer = get(&world, path, &[]).await;
        assert!(answer.status == 404 && !answer.text().contains("secret.txt\""), "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn upgrades_that_are_none() {
    let world = world().await;
    let upgrade = [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (left_out, status) in [("sec-websocket-key", 400), ("sec-websocket-version", 426)] {
        let headers: Vec<_> = upgrade.into_iter().filter(|(name, _)| *name != left_out).collect();
        let mut request = format!("GET /ws HTTP/1.1\r\nhost: {}\r\n", world.addr);
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        // Another request behind it ends the connection.
        request += "\r\nGET / HTTP/1.1\r\nconnection: close\r\n\r\n";
        assert_eq!(parse(&raw(&world, request.as_bytes()).await).status, status, "{left_out}");
    }
    assert_eq!(ask(&world, "POST", "/", &upgrade, b"").await.status, 400);
}

#[tokio::test]
async fn compression_is_never_negotiated() {
    let world = world().await;
    let mut request = tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(
        format!("ws://{}/", world.addr),
    )
    .unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-extensions", "permessage-deflate; client_max_window_bits".parse().unwrap());
    let (_, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert!(response.headers().get("sec-websocket-extensions").is_none());
}

#[tokio::test]
async fn bodies_are_bounded() {
    let world = crate::world::limited(bulkhead_server::Limits { http_body: 1000, ..quick() }).await;
    let auth = format!("Bearer {TOKEN}");
    let headers = [("authorization", auth.as_str())];
    assert_eq!(ask(&world, "POST", "/v1/echo", &headers, &[b'x'; 1000]).await.text(), "1000");
    assert_eq!(ask(&world, "POST", "/v1/echo", &headers, &[b'x'; 1001]).await.status, 413);
}

/// A folder as a build of OpenClaw's Control UI leaves it.
fn control_ui() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("assets")).unwrap();
    let page = "<html data-openclaw-control-ui-build-id=\"7\"><script>boot()</script>\
                <script type=\"module\" src=\"./assets/index-DsEuFQRE.js\"></script></html>";
    std::fs::write(root.path().join("index.html"), page).unwrap();
    std::fs::write(root.path().join("assets/index-DsEuFQRE.js"), "app()").unwrap();
    std::fs::write(root.path().join(".secret"), "hidden").unwrap();
    root
}

#[tokio::test]
async fn a_foreign_ui_is_mounted_below_its_path_with_the_hashes_of_its_scripts() {
    let root = control_ui();
    let world = crate::world::with_ui_below(UiSource::Directory(root.path().into()), "/ui/").await;
    for path in ["/ui/", "/ui/chat/main", "/ui/index.html"] {
        let page = get(&world, path, &[]).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text().contains("src=\"/ui/assets/index-DsEuFQRE.js\""), "{}", page.text());
        assert!(page.text().contains("data-openclaw-control-ui-base-path=\"/ui\""));
        let policy = page.header("content-security-policy").unwrap();
        // printf 'boot()' | openssl dgst -sha256 -binary | base64
        assert!(
            policy.contains("script-src 'self' 'sha256-") && !policy.contains("script-src 'self' 'unsafe")
        );
    }
    let asset = get(&world, "/ui/assets/index-DsEuFQRE.js", &[]).await;
    assert_eq!((asset.status, asset.text().as_str()), (200, "app()"));
    assert!(asset.header("cache-control").unwrap().contains("immutable"));
    let again =
        get(&world, "/ui/assets/index-DsEuFQRE.js", &[("if-none-match", asset.header("etag").unwrap())])
            .await;
    assert_eq!(again.status, 304);
    let bare = get(&world, "/ui", &[]).await;
    assert_eq!((bare.status, bare.header("location")), (308, Some("/ui/")));
    for nothing in ["/", "/chat", "/uix", "/ui/gone.js", "/ui/.secret", "/ui/%2e%2e/x.js", "/ui/v1/unknown"] {
        assert_eq!(get(&world, nothing, &[]).await.status, 404, "{nothing}");
    }
    assert_eq!(get(&world, "/ui/chat", &[("accept", "application/json")]).await.status, 404);
    assert_eq!(get(&world, "/ui/chat", &[("accept", "text/html;q=0, */*")]).await.status, 404);
    assert_eq!(get(&world, "/ui/chat", &[("accept", "text/html, */*;q=0.8")]).await.status, 200);
}
