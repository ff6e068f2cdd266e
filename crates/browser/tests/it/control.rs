//! The control service over real HTTP.

use bulkhead_browser::{ControlService, Reach};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::site::Site;
use crate::stage::{self, TOKEN};

/// One request; the answer's status and body.
async fn ask(port: u16, head: &str, extra: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length = body.len();
    let text =
        format!("{head} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{extra}\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    (head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0), body.to_owned())
}

fn credentials(port: u16) -> String {
    format!("Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n")
}

#[tokio::test]
async fn only_who_has_the_token_comes_in() {
    let home = tempfile::tempdir().unwrap();
    let seat = stage::seat(stage::settings(home.path(), "main", 23_000, Reach::Anywhere));
    let service = ControlService::bind(seat).await.unwrap();
    let port = service.port();
    let stop = CancellationToken::new();
    let served = tokio::spawn(service.serve(stop.clone()));
    let good = credentials(port);

    let (code, body) = ask(port, "GET /", &good, "").await;
    assert_eq!(code, 200);
    assert!(body.contains("\"profile\":\"default\"") && body.contains("\"running\":false"), "{body}");
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    for (extra, expected) in [
        (host.clone(), 401),
        (format!("{host}Authorization: Bearer wrong\r\n"), 401),
        (format!("Host: evil.example:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"), 403),
        (format!("{good}Origin: http://evil.example\r\n"), 403),
    ] {
        let (code, body) = ask(port, "POST /start", &extra, "").await;
        assert_eq!(code, expected, "{extra}");
        assert!(!body.contains(TOKEN));
    }
    assert_eq!(ask(port, "GET /nothing", &good, "").await.0, 404);
    assert_eq!(ask(port, "GET /?profile=nope", &good, "").await.0, 404);
    assert_eq!(ask(port, "GET /tabs", &good, "").await.0, 409);
    assert_eq!(ask(port, "POST /navigate", &good, "{oops").await.0, 400);
    assert_eq!(ask(port, "POST /navigate", &good, "{\"url\":\"file:///etc/passwd\"}").await.0, 403);
    assert_eq!(ask(port, "POST /navigate", &good, &" ".repeat(300_000)).await.0, 413);

    // Whoever comes second is told who was first.
    let mut settings = stage::settings(home.path(), "rescue", 23_200, Reach::Anywhere);
    settings.control_port = port;
    let error = ControlService::bind(stage::seat(settings)).await.unwrap_err();
    assert_eq!(error.code(), "browser-port-taken");
    assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");

    stop.cancel();
    served.await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_whole_visit_and_nothing_left() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let site = Site::start().await;
    let seat = stage::seat(stage::settings(home.path(), "main", 23_400, Reach::Anywhere));
    let service = ControlService::bind(seat.clone()).await.unwrap();
    let port = service.port();
    let stop = CancellationToken::new();
    let served = tokio::spawn(service.serve(stop.clone()));
    let good = credentials(port);

    let (code, body) = ask(port, "POST /start", &good, "").await;
    assert_eq!(code, 200, "{body}");
    let open = format!("{{\"url\":\"{}\"}}", site.url("/"));
    let (code, body) = ask(port, "POST /tabs/open", &good, &open).await;
    assert!(code == 200 && body.contains("\"title\":\"Front\""), "{body}");
    let (_, body) = ask(port, "GET /snapshot", &good, "").await;
    assert!(body.contains("Harbour"), "{body}");
    let reference = crate::site::reference(&body.replace("\\n", "\n").replace("\\\"", "\""), "Second page");
    let act = format!("{{\"kind\":\"click\",\"ref\":\"{reference}\"}}");
    let (code, body) = ask(port, "POST /act", &good, &act).await;
    assert!(code == 200 && body.contains("\"title\":\"Second\""), "{body}");
    let (code, body) = ask(port, "POST /screenshot", &good, "").await;
    assert!(code == 200 && body.contains("PNG"));
    assert_eq!(ask(port, "POST /act", &good, "{\"kind\":\"dance\"}").await.0, 400);

    // Without a word to the browser: the service ends, and its browser with it.
    stop.cancel();
    served.await.unwrap();
    stage::eventually("no process of the browser is left", || stage::processes_of(home.path()).is_empty());
    assert_eq!(seat.start(None).await.unwrap_err().code(), "browser-closing");
}
