//! A small web site for the tests, on two addresses of loopback: 127.0.0.1 and 127.0.0.2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, Redirect};
use axum::routing::get;

#[derive(Clone)]
pub struct Site {
    pub port: u16,
    inner_hits: Arc<AtomicUsize>,
}

const FRONT: &str = r#"<!doctype html><title>Front</title><h1>Harbour</h1>
<p id=out>nothing yet</p>
<button onclick="out.textContent='pressed ' + (++window.n || (window.n = 1))">Press me</button>
<form action="/hello"><label>Name <input name=name value="old"></label>
<label>Ship <select name=ship><option value=a>Brig</option><option value=b>Sloop</option></select></label></form>
<a href="/second">Second page</a> <button onclick="alert('stop')">Ask</button>
<iframe src="/framed" title="Inside"></iframe>"#;

impl Site {
    pub async fn start() -> Self {
        let first = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let second = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let site = Self { port, inner_hits: Arc::default() };
        let inner = Router::new()
            .fallback(async |State(site): State<Self>| {
                site.inner_hits.fetch_add(1, Ordering::SeqCst);
                Html("<title>Inner</title><h1>secret of the inside</h1>")
            })
            .with_state(site.clone());
        let inner_url = site.inner("/secret");
        let lures = format!(
            "<title>Lures</title><img src='{inner_url}'><iframe src='{inner_url}'></iframe>\
             <script>fetch('{inner_url}', {{mode: 'no-cors'}}).catch(() => 0)</script>\
             <a href='{inner_url}'>Same tab</a> <a href='{inner_url}' target=_blank>New tab</a>"
        );
        let outer = Router::new()
            .route("/", get(Html(FRONT)))
            .route("/second", get(Html("<title>Second</title><h1>Second deck</h1><a href='/'>Back</a>")))
            .route("/framed", get(Html("<title>F</title><button>In the frame</button>")))
            .route(
                "/hello",
                get(async |Query(asked): Query<std::collections::BTreeMap<String, String>>| {
                    Html(format!("<title>Hello</title><h1>Hello {} on {}</h1>", asked["name"], asked["ship"]))
                }),
            )
            .route("/lures", get(Html(lures)))
            .route("/away", get(async move || Redirect::temporary(&inner_url)));
        tokio::spawn(async move { axum::serve(first, outer).await });
        tokio::spawn(async move { axum::serve(second, inner).await });
        site
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn inner(&self, path: &str) -> String {
        format!("http://127.0.0.2:{}{path}", self.port)
    }

    pub fn inner_hits(&self) -> usize {
        self.inner_hits.load(Ordering::SeqCst)
    }
}

/// The reference of the element on the line that holds this text.
pub fn reference(snapshot: &str, text: &str) -> String {
    let line = snapshot.lines().find(|line| line.contains(text) && line.contains("[ref="));
    let line = line.unwrap_or_else(|| panic!("no {text} with a reference in:\n{snapshot}"));
    line.split("[ref=").nth(1).unwrap().split(']').next().unwrap().to_owned()
}
