//! `web_fetch` against a small site of its own; the site is reachable only as an explicit exception.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use bulkhead_agent::tools::{WebFetch, WebFetchOptions};
use bulkhead_agent::{Tool, ToolContext, ToolOutput};
use serde_json::json;

async fn site() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let to = |place: String| (StatusCode::FOUND, [(header::LOCATION, place)]).into_response();
    let site = Router::new()
        .route("/", get(async || Html("<h1>Title</h1><p>Some <em>text</em>.</p><script>evil()</script>")))
        .route("/json", get(async || axum::Json(json!({"a": 1}))))
        .route("/image", get(async || ([(header::CONTENT_TYPE, "image/png")], "x")))
        .route("/missing", get(async || (StatusCode::NOT_FOUND, "not here")))
        .route(
            "/latin",
            get(async || ([(header::CONTENT_TYPE, "text/plain; charset=ISO-8859-1")], vec![0xe4_u8])),
        )
        .route("/long", get(async || "x".repeat(100_000)))
        .route("/huge", get(async || "y".repeat(5_000_000)))
        .route("/never", get(async || std::future::pending::<String>().await))
        .route("/hop", get(async move || to("/".into())))
        .route("/round", get(async move || to("/round".into())))
        .route("/inside", get(async move || to("http://127.0.0.1:1/".into())))
        .route("/name", get(async move || to(format!("http://localhost:{}/", address.port()))))
        .route("/metadata", get(async move || to("http://169.254.169.254/latest/meta-data/".into())))
        .route("/file", get(async move || to("file:///etc/passwd".into())));
    tokio::spawn(async move { axum::serve(listener, site).await });
    address
}

async fn fetch_with(site: SocketAddr, url: &str, change: impl FnOnce(&mut WebFetchOptions)) -> ToolOutput {
    let mut options =
        WebFetchOptions { allowed: BTreeSet::from([site.to_string()]), ..WebFetchOptions::default() };
    change(&mut options);
    let url = if url.starts_with('/') { format!("http://{site}{url}") } else { url.to_owned() };
    WebFetch::new(options).call(&ToolContext::default(), json!({"url": url})).await
}

async fn fetch(site: SocketAddr, url: &str) -> ToolOutput {
    fetch_with(site, url, |_| {}).await
}

#[tokio::test]
async fn pages_come_as_readable_text() {
    let site = site().await;
    let page = fetch(site, "/").await;
    assert!(
        !page.is_error && page.text.contains("# Title") && page.text.contains("Some text."),
        "{}",
        page.text
    );
    assert!(!page.text.contains("evil"));
    assert!(fetch(site, "/json").await.text.ends_with(r#"{"a":1}"#));
    assert!(fetch(site, "/hop").await.text.contains("# Title"), "redirects are followed");
    assert!(fetch(site, "/latin").await.text.ends_with('ä'));
    let missing = fetch(site, "/missing").await;
    assert!(missing.is_error && missing.text.contains("status 404") && missing.text.ends_with("not here"));
}

#[tokio::test]
async fn the_inside_is_out_of_reach_directly_and_by_redirect() {
    let site = site().await;
    for url in ["/inside", "/name", "/metadata", "/file"] {
        let refused = fetch(site, url).await;
        assert!(refused.is_error && !refused.text.contains("Title"), "{url}: {}", refused.text);
        assert!(refused.text.contains("public addresses only"), "{url}: {}", refused.text);
    }
    for url in [
        format!("http://127.0.0.1:{}/", site.port().wrapping_add(1)),
        "http://localhost/".into(),
        "http://[::1]/".into(),
        "http://10.0.0.1/".into(),
        "http://2130706433/".into(),
    ] {
        let refused = fetch(site, &url).await;
        assert!(
            refused.is_error && refused.text.contains("public addresses only"),
            "{url}: {}",
            refused.text
        );
    }
    let nothing_allowed = fetch_with(site, "/", |options| options.allowed.clear()).await;
    assert!(nothing_allowed.text.contains("this computer itself"), "{}", nothing_allowed.text);
}

#[tokio::test]
async fn size_time_and_hops_are_bounded() {
    let site = site().await;
    let long = fetch(site, "/long").await.text;
    assert!(long.len() < 41_000 && long.contains("cut: 40000 of 100000"), "{}", long.len());
    let huge = fetch(site, "/huge").await.text;
    assert!(huge.len() < 41_000 && huge.contains("only its beginning was read"));
    assert!(fetch(site, "/round").await.text.contains("more than 5 redirects"));
    assert!(fetch(site, "/image").await.text.contains("image/png"));
    let never = fetch_with(site, "/never", |options| options.timeout = Duration::from_millis(50)).await;
    assert!(never.is_error && never.text.contains("no page within"));
}

#[tokio::test]
async fn a_proxy_is_used_and_does_not_open_the_inside() {
    // Stands in for a plain HTTP proxy: it answers whatever host it is asked for.
    let proxy = site().await;
    let through = |url: &'static str| {
        fetch_with(proxy, url, move |options| {
            options.allowed.clear();
            options.proxy = Some(format!("http://{proxy}"));
        })
    };
    assert!(through("http://a-name-that-only-the-proxy-knows.example.com/").await.text.contains("# Title"));
    for url in ["http://127.0.0.1/", "http://169.254.169.254/", "http://localhost/", "http://router/"] {
        assert!(through(url).await.text.contains("public addresses only"), "{url}");
    }
}
