use bulkhead_store::{Delivery, InboxState, NewOutbox, NewUpdate, OutboxState, Store};
use serde_json::{Value, json};

use crate::in_memory;

fn chat(target: &str) -> Delivery {
    Delivery { channel: "telegram".into(), account: "default".into(), target: target.into() }
}

fn update(update_id: i64) -> NewUpdate {
    NewUpdate { update_id, payload: json!({"update_id": update_id}), ignore: false }
}

async fn offset(store: &Store) -> Option<i64> {
    store.inbox().offset("telegram", "default").await.unwrap()
}

#[tokio::test]
async fn an_update_and_its_offset_are_recorded_together_and_once() {
    let (store, _) = in_memory();
    assert_eq!(offset(&store).await, None);
    let inbox = store.inbox();
    let fresh = inbox.record_all("telegram", "default", vec![update(7), update(8)]).await.unwrap();
    assert_eq!(fresh.iter().map(|row| row.update_id).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(offset(&store).await, Some(9));
    assert!(inbox.record("telegram", "default", 8, json!({})).await.unwrap().is_none(), "delivered twice");
    assert_eq!(inbox.record_all("telegram", "default", vec![update(7)]).await.unwrap(), []);
    assert_eq!(offset(&store).await, Some(9), "a repetition does not move it back");
    assert_eq!(inbox.pending("telegram", "default").await.unwrap().len(), 2);
    assert_eq!(inbox.pending("telegram", "second").await.unwrap(), []);
}

#[tokio::test]
async fn numbers_that_begin_anew_are_followed() {
    let (store, _) = in_memory();
    store.inbox().record_all("telegram", "default", vec![update(900_000)]).await.unwrap();
    store.inbox().record_all("telegram", "default", vec![update(12)]).await.unwrap();
    assert_eq!(offset(&store).await, Some(13));
}

#[tokio::test]
async fn what_needs_no_answer_moves_the_offset_only() {
    let (store, _) = in_memory();
    let ignored = NewUpdate { ignore: true, ..update(5) };
    assert_eq!(store.inbox().record_all("telegram", "default", vec![ignored]).await.unwrap(), []);
    assert_eq!(offset(&store).await, Some(6));
    assert_eq!(store.inbox().pending("telegram", "default").await.unwrap(), []);
}

#[tokio::test]
async fn old_updates_are_forgotten_but_the_newest_are_kept_to_recognise_repetitions() {
    let (store, clock) = in_memory();
    let rows = store.inbox().record_all("telegram", "default", (1..=4).map(update).collect()).await.unwrap();
    for row in &rows[..3] {
        store.inbox().mark_done(row.id).await.unwrap();
    }
    clock.advance(10);
    assert_eq!(store.inbox().prune(store.now(), 2).await.unwrap(), 2);
    assert!(store.inbox().record("telegram", "default", 3, json!({})).await.unwrap().is_none());
    let left = store.inbox().get(rows[2].id).await.unwrap().unwrap();
    assert_eq!(left.state, InboxState::Done);
    assert_eq!(store.inbox().begin_attempt(rows[3].id).await.unwrap(), 1);
    assert_eq!(store.inbox().begin_attempt(rows[3].id).await.unwrap(), 2);
    assert_eq!(store.inbox().begin_attempt(999).await.unwrap_err().code(), "store_not_found");
}

#[tokio::test]
async fn an_answer_becomes_final_in_one_step() {
    let (store, _) = in_memory();
    let row = store.inbox().record("telegram", "default", 1, json!({})).await.unwrap().unwrap();
    let open = store.outbox().open_part(chat("42"), row.id, 0).await.unwrap();
    assert_eq!(open.state, OutboxState::Open);
    store.outbox().set_message_id(open.id, 77).await.unwrap();
    assert_eq!(
        store.outbox().pending("telegram", "default").await.unwrap(),
        [],
        "an open part does not go out"
    );
    // After a crash the same placeholder is found again.
    assert_eq!(store.outbox().open_part(chat("42"), row.id, 0).await.unwrap().message_id, Some(77));

    let ready = store.outbox().settle(chat("42"), row.id, vec!["one".into(), "two".into()]).await.unwrap();
    let seen: Vec<_> = ready.iter().map(|row| (row.part, row.message_id, row.text.as_str())).collect();
    assert_eq!(seen, [(0, Some(77), "one"), (1, None, "two")]);
    assert_eq!(store.inbox().pending("telegram", "default").await.unwrap(), []);
    assert_eq!(store.outbox().pending("telegram", "default").await.unwrap(), ready);
}

#[tokio::test]
async fn placed_parts_that_the_answer_does_not_have_become_removals() {
    let (store, _) = in_memory();
    let row = store.inbox().record("telegram", "default", 1, json!({})).await.unwrap().unwrap();
    let placed = store.outbox().open_part(chat("42"), row.id, 0).await.unwrap();
    store.outbox().open_part(chat("42"), row.id, 1).await.unwrap();
    store.outbox().set_message_id(placed.id, 77).await.unwrap();
    let ready = store.outbox().settle(chat("42"), row.id, Vec::new()).await.unwrap();
    assert_eq!(ready.len(), 1, "a part that was never placed needs no removal");
    assert_eq!(
        (ready[0].message_id, ready[0].text.as_str(), ready[0].state),
        (Some(77), "", OutboxState::Ready)
    );
}

#[tokio::test]
async fn messages_to_one_chat_keep_their_order_and_do_not_hold_up_another() {
    let (store, clock) = in_memory();
    let outbox = store.outbox();
    let send = |target: &str, text: &str| {
        outbox.enqueue(NewOutbox { to: chat(target), text: text.into(), options: Value::Null })
    };
    let a1 = send("a", "1").await.unwrap();
    send("a", "2").await.unwrap();
    let b1 = send("b", "1").await.unwrap();
    let claim = || outbox.claim("telegram", "default");
    assert_eq!(claim().await.unwrap().unwrap().id, a1.id);
    store.outbox().postpone(a1.id, store.now() + 500, "429").await.unwrap();
    assert_eq!(claim().await.unwrap().unwrap().id, b1.id, "a's second message waits behind its first");
    store.outbox().complete(b1.id).await.unwrap();
    assert_eq!(claim().await.unwrap(), None);
    assert_eq!(store.outbox().next_due("telegram", "default").await.unwrap(), Some(store.now() + 500));
    clock.advance(500);
    let again = claim().await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts, again.last_error.as_deref()), (a1.id, 1, Some("429")));
    store.outbox().complete(a1.id).await.unwrap();
    store.outbox().complete(a1.id).await.unwrap();
    assert_eq!(claim().await.unwrap().unwrap().text, "2");
    assert_eq!(store.outbox().set_message_id(a1.id, 1).await.unwrap_err().code(), "store_not_found");
}
