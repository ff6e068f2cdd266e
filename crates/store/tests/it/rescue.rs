use bulkhead_store::{RescueIncident, RescueNonce};
use serde_json::json;

use crate::in_memory;

fn incident(n: i64, over: bool) -> RescueIncident {
    RescueIncident {
        id: format!("{n:04}"),
        began_at: n,
        over_at: over.then_some(n + 1),
        body: json!({"cause": "killed", "n": n}),
    }
}

#[tokio::test]
async fn incidents_are_replaced_by_name_and_the_oldest_that_are_over_go() {
    let (store, _) = in_memory();
    let log = store.rescue();
    log.put_incident(incident(0, false)).await.unwrap();
    for n in 1..=505 {
        log.put_incident(incident(n, true)).await.unwrap();
    }
    let kept = log.incidents(1000).await.unwrap();
    assert_eq!((kept.len(), kept[0].id.as_str()), (501, "0505"), "the newest come first");
    assert_eq!(kept.last().unwrap().id, "0000", "one that lasts is never forgotten");
    log.put_incident(RescueIncident {
        over_at: Some(9),
        body: json!({"cause": "over"}),
        ..incident(505, true)
    })
    .await
    .unwrap();
    let newest = log.incidents(1).await.unwrap();
    assert_eq!((newest.len(), newest[0].over_at, &newest[0].body["cause"]), (1, Some(9), &json!("over")));
}

#[tokio::test]
async fn a_used_button_stays_used_and_is_known_for_a_day() {
    let (store, clock) = in_memory();
    let log = store.rescue();
    let now = store.now();
    let fresh = RescueNonce {
        nonce: "abc".into(),
        expires_at: now + 1000,
        used_at: None,
        body: json!({"remedy": "restart"}),
    };
    log.put_nonce(fresh.clone()).await.unwrap();
    log.put_nonce(RescueNonce { nonce: "left".into(), ..fresh.clone() }).await.unwrap();
    log.put_nonce(RescueNonce { used_at: Some(now), ..fresh.clone() }).await.unwrap();
    log.put_nonce(fresh.clone()).await.unwrap();
    let used = log.nonces().await.unwrap().into_iter().find(|one| one.nonce == "abc").unwrap();
    assert_eq!(used.used_at, Some(now), "a late write of the unused state takes nothing back");

    clock.advance(2000);
    let names: Vec<_> = log.nonces().await.unwrap().into_iter().map(|one| one.nonce).collect();
    assert_eq!(names, ["abc"], "one that ended unused cannot be pressed any more");
    clock.advance(25 * 60 * 60 * 1000);
    assert_eq!(log.nonces().await.unwrap(), []);
}

#[tokio::test]
async fn the_strip_of_the_last_hours_is_one() {
    let (store, _) = in_memory();
    assert_eq!(store.rescue().timeline().await.unwrap(), None);
    for n in [1, 2] {
        store.rescue().put_timeline(&json!({"runs": [n]})).await.unwrap();
    }
    assert_eq!(store.rescue().timeline().await.unwrap(), Some(json!({"runs": [2]})));
}
