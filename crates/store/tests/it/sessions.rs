use bulkhead_store::{
    Archived, NewCompaction, NewMessage, NewSession, SessionFilter, SessionOrder, SessionPatch,
    SessionTotals, StoredPicture,
};
use serde_json::json;

use crate::in_memory;

#[tokio::test]
async fn a_session_is_made_once_and_keeps_its_id() {
    let (store, _) = in_memory();
    let new =
        NewSession::new("agent:main:telegram:direct:42", "main").on_channel("telegram", "default", "42");
    let first = store.sessions().get_or_create(new.clone()).await.unwrap();
    let second = store.sessions().get_or_create(new).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first.peer.as_deref(), Some("42"));
    assert_eq!(store.sessions().by_session_id(&first.session_id).await.unwrap(), Some(first));
}

#[tokio::test]
async fn messages_are_numbered_without_gaps_even_when_many_write_at_once() {
    let (store, _) = in_memory();
    store.sessions().get_or_create(NewSession::new("k", "main")).await.unwrap();
    let writers: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store.sessions().append_message(NewMessage::new("k", "user", json!(n))).await.unwrap()
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let history = store.sessions().history("k", 100, None).await.unwrap();
    assert_eq!(history.iter().map(|m| m.seq).collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_with_the_same_key_is_added_once() {
    let (store, _) = in_memory();
    store.sessions().get_or_create(NewSession::new("k", "main")).await.unwrap();
    let message = || NewMessage::new("k", "user", json!("hi")).once("telegram:1");
    let first = store.sessions().append_message(message()).await.unwrap();
    let again = store.sessions().append_message(message()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(store.sessions().message_count("k").await.unwrap(), 1);
}

#[tokio::test]
async fn history_pages_backwards_and_forwards() {
    let (store, _) = in_memory();
    store.sessions().get_or_create(NewSession::new("k", "main")).await.unwrap();
    let all = (1..=5).map(|n| NewMessage::new("k", "user", json!(n))).collect();
    store.sessions().append_messages(all).await.unwrap();
    let texts = |messages: Vec<bulkhead_store::Message>| {
        messages.into_iter().map(|m| m.content.as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(texts(store.sessions().history("k", 2, None).await.unwrap()), [4, 5]);
    assert_eq!(texts(store.sessions().history("k", 2, Some(4)).await.unwrap()), [2, 3]);
    assert_eq!(texts(store.sessions().history_after("k", 3, 10).await.unwrap()), [4, 5]);
    assert_eq!(store.sessions().history("nobody", 2, None).await.unwrap(), []);
    assert_eq!(store.sessions().last_message("k").await.unwrap().unwrap().seq, 5);
    assert_eq!(store.sessions().first_message("k", "user").await.unwrap().unwrap().seq, 1);
}

#[tokio::test]
async fn appending_to_nothing_says_what_is_missing_and_keeps_a_batch_whole() {
    let (store, _) = in_memory();
    store.sessions().get_or_create(NewSession::new("k", "main")).await.unwrap();
    let batch = vec![NewMessage::new("k", "user", json!(1)), NewMessage::new("gone", "user", json!(2))];
    let error = store.sessions().append_messages(batch).await.unwrap_err();
    assert_eq!(error.code(), "store_not_found");
    assert_eq!(error.to_string(), "there is no session `gone` in this profile's database.");
    assert_eq!(store.sessions().message_count("k").await.unwrap(), 0);
}

#[tokio::test]
async fn a_reset_begins_an_empty_transcript_under_the_same_key() {
    let (store, _) = in_memory();
    let before = store.sessions().get_or_create(NewSession::new("k", "main")).await.unwrap();
    store.sessions().append_message(NewMessage::new("k", "user", json!("old"))).await.unwrap();
    let after = store.sessions().reset("k").await.unwrap();
    assert_ne!(before.session_id, after.session_id);
    assert_eq!(store.sessions().message_count("k").await.unwrap(), 0);
    let message = store.sessions().append_message(NewMessage::new("k", "user", json!("new"))).await.unwrap();
    assert_eq!(message.seq, 1);
}

#[tokio::test]
async fn sessions_are_listed_by_last_use_and_filtered() {
    let (store, clock) = in_memory();
    for (key, agent) in [("agent:main:a", "main"), ("agent:main:b", "main"), ("agent:other:c", "other")] {
        store.sessions().get_or_create(NewSession::new(key, agent)).await.unwrap();
        clock.advance(10);
    }
    store.sessions().touch("agent:main:a").await.unwrap();
    store.sessions().set_label("agent:main:b", Some("Groceries")).await.unwrap();
    let keys = |filter| async {
        store.sessions().list(filter).await.unwrap().into_iter().map(|s| s.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(SessionFilter::default()).await, ["agent:main:a", "agent:other:c", "agent:main:b"]);
    let main = SessionFilter { agent_id: Some("main".into()), ..Default::default() };
    assert_eq!(store.sessions().count(main.clone()).await.unwrap(), 2);
    assert_eq!(keys(SessionFilter { limit: Some(1), offset: 1, ..main }).await, ["agent:main:b"]);
    assert_eq!(
        keys(SessionFilter { search: Some("grocer".into()), ..Default::default() }).await,
        ["agent:main:b"]
    );
    assert_eq!(keys(SessionFilter { search: Some("%".into()), ..Default::default() }).await, [""; 0]);
}

#[tokio::test]
async fn totals_add_up_and_deletion_takes_the_transcript_along() {
    let (store, _) = in_memory();
    store.sessions().get_or_create(NewSession::new("k", "main")).await.unwrap();
    let totals = SessionTotals {
        model: Some("m".into()),
        input_tokens: 3,
        output_tokens: 2,
        context_tokens: 9,
        ..Default::default()
    };
    store.sessions().add_totals("k", totals.clone()).await.unwrap();
    store.sessions().add_totals("k", totals).await.unwrap();
    let session = store.sessions().get("k").await.unwrap().unwrap();
    assert_eq!((session.input_tokens, session.output_tokens, session.context_tokens), (6, 4, 9));
    store.sessions().append_message(NewMessage::new("k", "user", json!("x"))).await.unwrap();
    assert!(store.sessions().delete("k").await.unwrap());
    assert!(!store.sessions().delete("k").await.unwrap());
    assert_eq!(store.sessions().history("k", 1, None).await.unwrap(), []);
}

#[tokio::test]
async fn what_people_set_stays_and_lists_follow_it() {
    let (store, clock) = in_memory();
    let sessions = store.sessions();
    for key in ["a", "b", "c"] {
        sessions.get_or_create(NewSession::new(key, "main")).await.unwrap();
        clock.advance(10);
    }
    let patch = SessionPatch {
        pinned: Some(true),
        category: Some(Some("Home".into())),
        choices: serde_json::Map::from_iter([("model".to_owned(), json!("p/m"))]),
        ..SessionPatch::default()
    };
    let a = sessions.patch("a", patch).await.unwrap();
    assert_eq!((a.choice("model"), a.pinned_at.is_some()), (Some("p/m"), true));
    let taken = SessionPatch {
        choices: serde_json::Map::from_iter([("model".to_owned(), json!(null))]),
        ..SessionPatch::default()
    };
    assert_eq!(sessions.patch("a", taken).await.unwrap().choice("model"), None);
    sessions.patch("b", SessionPatch { archived: Some(true), ..SessionPatch::default() }).await.unwrap();
    sessions.append_message(NewMessage::new("b", "user", json!("hi"))).await.unwrap();
    let keys = |filter| async {
        store.sessions().list(filter).await.unwrap().into_iter().map(|s| s.key).collect::<Vec<_>>()
    };
    let pinned =
        SessionFilter { order: SessionOrder::Pinned, archived: Archived::Without, ..Default::default() };
    assert_eq!(keys(pinned).await, ["a", "c"]);
    let spoken = SessionFilter { order: SessionOrder::Spoken, spoken_in: true, ..Default::default() };
    assert_eq!(keys(spoken).await, ["b"]);
    assert_eq!(sessions.groups().await.unwrap(), ["Home"]);
    assert_eq!(sessions.put_groups(vec![]).await.unwrap(), Err("Home".to_owned()));
    assert_eq!(sessions.delete_group("Home").await.unwrap(), Some(1));
    assert_eq!(sessions.get("a").await.unwrap().unwrap().category, None);
}

#[tokio::test]
async fn words_are_found_in_any_case_and_language() {
    let (store, clock) = in_memory();
    let sessions = store.sessions();
    sessions.get_or_create(NewSession::new("k", "main")).await.unwrap();
    for text in ["Die Größe des Gartens", "a \"quoted\" word", "nothing of it"] {
        sessions
            .append_message(NewMessage::new("k", "user", json!([{"type": "text", "text": text}])))
            .await
            .unwrap();
        clock.advance(1);
    }
    let found = |query: &'static str| async { sessions.search(query, None, None, 10).await.unwrap().0.len() };
    assert_eq!(found("GRÖSSE").await, 0, "ß is not SS");
    assert_eq!(found("größe GARTENS").await, 1);
    assert_eq!(found("quoted").await, 1);
    assert_eq!(found("garten missing").await, 0);
    assert_eq!(found("type").await, 0, "only words count");
}

#[tokio::test]
async fn summaries_and_pictures_go_with_their_transcript() {
    let (store, _) = in_memory();
    let sessions = store.sessions();
    let session = sessions.get_or_create(NewSession::new("k", "main")).await.unwrap();
    let picture = StoredPicture::new("image/png", vec![1, 2, 3]);
    let message =
        NewMessage { pictures: vec![picture.clone()], ..NewMessage::new("k", "user", json!("look")) };
    sessions.append_message(message).await.unwrap();
    assert_eq!(sessions.picture(&picture.id).await.unwrap(), Some(picture.clone()));
    for kept_from in [3, 7] {
        let new = NewCompaction {
            session_id: session.session_id.clone(),
            kept_from,
            summary: "s".into(),
            tokens_after: 9,
            ..NewCompaction::default()
        };
        sessions.compact(new).await.unwrap();
    }
    let (newest, count) = sessions.compaction(&session.session_id).await.unwrap();
    assert_eq!((newest.unwrap().kept_from, count), (7, 2));
    assert_eq!(sessions.get("k").await.unwrap().unwrap().context_tokens, 9);
    sessions.delete("k").await.unwrap();
    assert_eq!(sessions.picture(&picture.id).await.unwrap(), None);
    assert_eq!(sessions.compaction(&session.session_id).await.unwrap().1, 0);
}
