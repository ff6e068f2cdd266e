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
