//! No page leads inside. Here 127.0.0.2 plays the inside, and 127.0.0.1 the public web.

use std::net::{IpAddr, Ipv4Addr};

use bulkhead_browser::{AddressRules, BrowserError, Reach};

use crate::site::{Site, reference};
use crate::stage;

const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn public() -> Reach {
    Reach::Public(AddressRules {
        address: |address| (address == INSIDE).then_some("a private address"),
        name: |name| (name == "inner.localhost").then_some("a private name"),
    })
}

#[tokio::test]
async fn no_way_leads_inside() {
    if stage::browser().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let site = Site::start().await;
    let seat = stage::seat(stage::settings(home.path(), "main", 21_200, public()));
    let inner = site.inner("/secret");
    for url in
        [inner.as_str(), "file:///etc/passwd", "chrome://version", "http://inner.localhost/", "javascript:1"]
    {
        let error = seat.open(None, url).await.unwrap_err();
        assert!(matches!(error, BrowserError::Refused { .. }), "{url}: {error}");
    }
    assert!(!seat.status(None).await.unwrap().running, "a refused address starts nothing");

    // A redirect, in a new tab and in this one.
    seat.open(None, &site.url("/second")).await.unwrap();
    let error = seat.open(None, &site.url("/away")).await.unwrap_err();
    assert!(error.to_string().contains("is a private address"), "{error}");
    let error = seat.navigate(None, None, &site.url("/away")).await.unwrap_err();
    assert_eq!(error.code(), "browser-refused");

    // Pictures, frames, scripts; a link; a link into a new tab.
    let lures = seat.navigate(None, None, &site.url("/lures")).await.unwrap();
    assert_eq!(lures.title, "Lures");
    let page = seat.snapshot(None, None, None).await.unwrap();
    assert!(!page.text.contains("secret of the inside"));
    let before = seat.tabs(None).await.unwrap().len();
    seat.click(None, None, &reference(&page.text, "New tab")).await.unwrap();
    while seat.tabs(None).await.unwrap().len() == before {
        tokio::task::yield_now().await;
    }
    seat.focus(None, &lures.tab).await.unwrap();
    let _ = seat.click(None, Some(&lures.tab), &reference(&page.text, "Same tab")).await;
    for tab in seat.tabs(None).await.unwrap() {
        match seat.snapshot(None, Some(&tab.id), None).await {
            Ok(page) => assert!(!page.text.contains("secret of the inside"), "{}", page.text),
            Err(error) => assert_eq!(error.code(), "browser-refused", "{error}"),
        }
    }
    assert_eq!(site.inner_hits(), 0, "a request went inside");
    seat.stop_all().await;
}
