//! What an agent does with pages.

use bulkhead_browser::Reach;

use crate::site::{Site, reference};
use crate::stage;

#[tokio::test]
async fn read_click_type_choose_and_look() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let site = Site::start().await;
    let seat = stage::seat(stage::settings(home.path(), "main", 21_000, Reach::Anywhere));
    assert_eq!(seat.snapshot(None, None, None).await.unwrap_err().code(), "browser-not-running");
    assert!(!home.path().join(".bulkhead/browser").exists(), "nothing is made before it is asked for");

    let front = seat.open(None, &site.url("/")).await.unwrap();
    assert_eq!((front.title.as_str(), front.loaded), ("Front", true));
    let page = seat.snapshot(None, None, None).await.unwrap();
    assert!(page.text.contains("- heading \"Harbour\" [level=1]"), "{}", page.text);
    assert!(page.text.contains("In the frame"), "frames are read too: {}", page.text);
    assert!(page.text.contains("nothing yet"));

    seat.click(None, None, &reference(&page.text, "Press me")).await.unwrap();
    let page = seat.snapshot(None, None, None).await.unwrap();
    assert!(page.text.contains("pressed 1"), "{}", page.text);

    // A dialog must not hold everything up.
    seat.click(None, None, &reference(&page.text, "\"Ask\"")).await.unwrap();

    seat.select(None, None, &reference(&page.text, "combobox"), "Sloop").await.unwrap();
    let hello =
        seat.type_text(None, None, &reference(&page.text, "textbox"), "Grace Ö 船", true).await.unwrap();
    assert_eq!(hello.title, "Hello");
    let page = seat.snapshot(None, None, None).await.unwrap();
    assert!(page.text.contains("Hello Grace Ö 船 on b"), "{}", page.text);
    assert_eq!(seat.click(None, None, "e1").await.unwrap_err().code(), "browser-stale-reference");

    seat.navigate(None, None, &site.url("/")).await.unwrap();
    let page = seat.snapshot(None, None, None).await.unwrap();
    let second = seat.click(None, None, &reference(&page.text, "Second page")).await.unwrap();
    assert_eq!((second.title.as_str(), second.url), ("Second", site.url("/second")));

    for whole in [false, true] {
        let picture = seat.screenshot(None, None, whole).await.unwrap();
        assert!(picture.png.starts_with(b"\x89PNG\r\n\x1a\n") && picture.png.len() > 500);
    }

    let other = seat.open(None, &site.url("/second")).await.unwrap();
    let tabs = seat.tabs(None).await.unwrap();
    assert!(tabs.iter().any(|tab| tab.id == other.tab && tab.current), "{tabs:?}");
    seat.focus(None, &front.tab).await.unwrap();
    seat.close_tab(None, &other.tab).await.unwrap();
    assert_eq!(seat.tabs(None).await.unwrap().iter().filter(|tab| tab.current).count(), 1);
    assert_eq!(seat.close_tab(None, "nope").await.unwrap_err().code(), "browser-no-tab");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = seat.navigate(None, None, &format!("http://{free}/?key=secret")).await.unwrap_err();
    assert_eq!(error.code(), "browser-page");
    assert!(
        error.to_string().contains("ERR_CONNECTION_REFUSED") && !error.to_string().contains("secret"),
        "{error}"
    );
    assert!(seat.stop(None).await.unwrap());
    assert!(!seat.stop(None).await.unwrap());
}
