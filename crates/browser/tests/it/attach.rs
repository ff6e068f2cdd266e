//! `cdpUrl`: a browser that somebody else runs.

use bulkhead_browser::{ProfileSettings, Reach};

use crate::site::Site;
use crate::stage;

#[tokio::test]
async fn attaching_uses_a_running_browser_and_leaves_it_running() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let site = Site::start().await;
    let owner = stage::seat(stage::settings(home.path(), "main", 21_400, Reach::Anywhere));
    let status = owner.start(None).await.unwrap();
    let port = status.cdp_port.unwrap();

    let mut settings = stage::settings(home.path(), "rescue", 21_600, Reach::Anywhere);
    let attach = ProfileSettings { cdp_port: None, cdp_url: Some(format!("http://127.0.0.1:{port}")) };
    settings.profiles.insert("shared".to_owned(), attach);
    let guest = stage::seat(settings);
    let attached = guest.start(Some("shared")).await.unwrap();
    assert!(attached.attached && attached.running && attached.pid.is_none());
    assert_eq!(attached.version, status.version);
    let page = guest.open(Some("shared"), &site.url("/second")).await.unwrap();
    assert!(guest.snapshot(Some("shared"), None, None).await.unwrap().text.contains("Second deck"));
    assert!(
        owner.tabs(None).await.unwrap().iter().any(|tab| tab.id == page.tab),
        "it is one and the same browser"
    );
    assert!(!home.path().join(".bulkhead-rescue/browser").exists(), "nothing was launched");

    assert!(guest.stop(Some("shared")).await.unwrap());
    assert!(owner.status(None).await.unwrap().running);
    assert!(owner.tabs(None).await.unwrap().iter().any(|tab| tab.id == page.tab));

    owner.stop_all().await;
    let error = guest.start(Some("shared")).await.unwrap_err();
    assert_eq!(error.code(), "browser-attach");
    assert!(error.to_string().starts_with(&format!("http://127.0.0.1:{port}: cannot attach:")), "{error}");
    assert!(stage::processes_of(home.path()).is_empty());
}

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_address_with_a_secret_shows_nowhere() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let home = tempfile::tempdir().unwrap();
    // It answers, with something that is no browser.
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(server, axum::Router::new()).await });
    let url = format!("ws://127.0.0.1:{port}/devtools?token=planted-secret");
    let mut settings = stage::settings(home.path(), "main", 23_800, Reach::Anywhere);
    settings.profiles.insert("far".to_owned(), ProfileSettings { cdp_port: None, cdp_url: Some(url) });
    let seat = stage::seat(settings);
    tracing::info!("the log is heard");
    let error = seat.start(Some("far")).await.unwrap_err();
    assert_eq!(error.code(), "browser-attach");
    let status = seat.status(Some("far")).await.unwrap();
    assert_eq!(status.cdp_url, Some(format!("ws://127.0.0.1:{port}")));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the log is heard"), "{logged}");
    for told in [error.to_string(), format!("{error:?} {seat:?} {status:?}"), logged] {
        assert!(!told.contains("planted-secret"), "{told}");
    }
}
