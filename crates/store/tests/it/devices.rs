use bulkhead_store::Device;
use serde_json::json;

use crate::in_memory;

fn device(id: &str) -> Device {
    Device {
        id: id.into(),
        public_key: "key".into(),
        label: None,
        display_name: None,
        platform: Some("linux".into()),
        device_family: None,
        client_id: "cli".into(),
        client_mode: "cli".into(),
        role: "operator".into(),
        roles: vec!["operator".into()],
        scopes: vec!["operator.read".into()],
        approved_via: "silent".into(),
        created_at: 1,
        approved_at: 1,
        last_seen_at: None,
        last_seen_why: None,
        meta: json!({}),
    }
}

#[tokio::test]
async fn a_device_is_replaced_but_keeps_its_first_day() {
    let (store, clock) = in_memory();
    store.devices().upsert(device("a")).await.unwrap();
    store.devices().upsert(Device { created_at: 99, scopes: vec![], ..device("a") }).await.unwrap();
    clock.advance(5);
    store.devices().seen("a", "connect").await.unwrap();
    let found = store.devices().get("a").await.unwrap().unwrap();
    assert_eq!((found.created_at, found.scopes.len()), (1, 0));
    assert_eq!(found.last_seen_at, Some(store.now()));
    assert_eq!(store.devices().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_withdrawn_token_never_comes_back() {
    let (store, _) = in_memory();
    let scopes = vec!["operator.read".to_owned()];
    let generation = |token: bulkhead_store::DeviceToken| token.generation;
    let first = generation(store.devices().issue_token("a", "operator", &scopes).await.unwrap());
    assert_eq!(generation(store.devices().issue_token("a", "operator", &scopes).await.unwrap()), first);
    assert!(store.devices().revoke_token("a", "operator").await.unwrap());
    assert!(!store.devices().revoke_token("a", "operator").await.unwrap());
    assert!(store.devices().token("a", "operator").await.unwrap().unwrap().revoked_at.is_some());
    let second = store.devices().issue_token("a", "operator", &scopes).await.unwrap();
    assert!(second.generation > first && second.revoked_at.is_none());
    let third = store.devices().rotate_token("a", "operator", &["operator.read".into()]).await.unwrap();
    assert!(third.generation > second.generation);
    // Removing and pairing anew does not revive it either.
    store.devices().upsert(device("a")).await.unwrap();
    assert!(store.devices().remove("a").await.unwrap());
    assert!(
        store.devices().issue_token("a", "operator", &scopes).await.unwrap().generation > third.generation
    );
    store.devices().token_used("a", "operator").await.unwrap();
    assert_eq!(store.devices().tokens().await.unwrap().len(), 1);
    assert_eq!(
        store.devices().rotate_token("b", "operator", &[]).await.unwrap_err().code(),
        "store_not_found"
    );
}

#[tokio::test]
async fn a_device_waits_with_one_request_until_it_is_let_in() {
    let (store, _) = in_memory();
    store.devices().add_request("r1", "a", "not-paired", &json!({})).await.unwrap();
    store.devices().add_request("r2", "a", "not-paired", &json!({"scopes": []})).await.unwrap();
    store.devices().add_request("r3", "b", "not-paired", &json!({})).await.unwrap();
    let waiting: Vec<_> = store.devices().requests().await.unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(waiting, ["r2", "r3"]);
    assert_eq!(store.devices().take_request("r1").await.unwrap(), None);
    assert_eq!(store.devices().take_request("r3").await.unwrap().unwrap().device_id, "b");
    store.devices().upsert(device("a")).await.unwrap();
    assert_eq!(store.devices().requests().await.unwrap(), []);
}

#[tokio::test]
async fn audit_and_named_values() {
    let (store, _) = in_memory();
    for n in 1..=3 {
        store.audit().append("cli", "pairing.approve", &json!({"n": n})).await.unwrap();
    }
    let newest = store.audit().list(2, None).await.unwrap();
    assert_eq!(newest.iter().map(|entry| entry.id).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(store.audit().list(9, Some(2)).await.unwrap()[0].detail, json!({"n": 1}));

    store.kv().set("bot/default", &json!({"id": 1})).await.unwrap();
    store.kv().set("bot/default", &json!({"id": 2})).await.unwrap();
    store.kv().set("bo_/x", &json!(null)).await.unwrap();
    assert_eq!(store.kv().get("bot/default").await.unwrap(), Some(json!({"id": 2})));
    assert_eq!(store.kv().get("nothing").await.unwrap(), None);
    assert_eq!(store.kv().names("bot/").await.unwrap(), ["bot/default"]);
    assert!(store.kv().delete("bot/default").await.unwrap());
    assert!(!store.kv().delete("bot/default").await.unwrap());
}
