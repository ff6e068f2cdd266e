use bulkhead_store::{Cut, NewCompaction, NewMessage, NewSession, Store, StoredPicture};
use serde_json::json;

use crate::in_memory;

async fn talk(store: &Store) -> Vec<String> {
    let sessions = store.sessions();
    sessions.get_or_create(NewSession::new("k", "main")).await.unwrap();
    let mut ids = Vec::new();
    for (role, text) in [("user", "one"), ("assistant", "1"), ("user", "two"), ("assistant", "2")] {
        ids.push(sessions.append_message(NewMessage::new("k", role, json!(text))).await.unwrap().id);
    }
    ids
}

async fn texts(store: &Store, key: &str) -> Vec<String> {
    let messages = store.sessions().history(key, 100, None).await.unwrap();
    messages.iter().map(|message| message.content.as_str().unwrap_or("?").to_owned()).collect()
}

#[tokio::test]
async fn going_back_keeps_the_other_way_and_switching_brings_it_back() {
    let (store, _) = in_memory();
    let ids = talk(&store).await;
    let sessions = store.sessions();
    let before = sessions.get("k").await.unwrap().unwrap();
    let Cut::Done { message, made, .. } = sessions.rewind("k", &ids[2]).await.unwrap() else {
        panic!("not done")
    };
    assert_eq!((message.content, &made.session_id), (json!("two"), &before.session_id));
    assert_eq!(
        (texts(&store, "k").await, made.meta["turned"].clone()),
        (vec!["one".into(), "1".into()], json!(1))
    );
    assert_eq!(sessions.last_message("k").await.unwrap().unwrap().id, ids[1], "what stays is what it was");
    sessions.append_message(NewMessage::new("k", "user", json!("three"))).await.unwrap();
    let branches = sessions.branches("k").await.unwrap();
    assert_eq!(branches.len(), 2);
    assert_eq!((branches[0].messages, branches[0].active), (3, true));
    assert_eq!((branches[1].leaf.id.as_str(), branches[1].messages), (ids[3].as_str(), 4));
    let back = sessions.switch_branch("k", &ids[3]).await.unwrap().unwrap();
    assert_eq!((back.session_id, back.meta["turned"].clone()), (before.session_id, json!(2)));
    assert_eq!(texts(&store, "k").await, ["one", "1", "two", "2"]);
    let other = sessions.branches("k").await.unwrap();
    assert_eq!((other.len(), other[1].leaf.content.clone()), (2, json!("three")));
    assert!(sessions.switch_branch("k", "nowhere").await.unwrap().is_none());
    assert_eq!(sessions.rewind("k", "nowhere").await.unwrap(), Cut::NoMessage);
    assert_eq!(sessions.rewind("k", &ids[3]).await.unwrap(), Cut::NotAPersons);
    assert!(sessions.delete("k").await.unwrap());
    sessions.get_or_create(NewSession::new("k", "main")).await.unwrap();
    assert!(sessions.branches("k").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_summary_of_what_was_taken_back_holds_no_more() {
    let (store, _) = in_memory();
    let ids = talk(&store).await;
    let sessions = store.sessions();
    let id = sessions.get("k").await.unwrap().unwrap().session_id;
    let summary = |kept_from, text: &str| NewCompaction {
        session_id: id.clone(),
        kept_from,
        summary: text.into(),
        reason: "manual".into(),
        ..NewCompaction::default()
    };
    sessions.compact(summary(2, "of one")).await.unwrap();
    sessions.compact(summary(4, "of one and two")).await.unwrap();
    sessions.rewind("k", &ids[2]).await.unwrap();
    assert_eq!(sessions.compaction(&id).await.unwrap().0.unwrap().summary, "of one");
    sessions.switch_branch("k", &ids[3]).await.unwrap();
    assert_eq!(sessions.compaction(&id).await.unwrap().0.unwrap().summary, "of one and two");
}

#[tokio::test]
async fn a_fork_has_the_beginning_and_pictures_of_its_own() {
    let (store, _) = in_memory();
    let sessions = store.sessions();
    sessions.get_or_create(NewSession::new("k", "main")).await.unwrap();
    let picture = StoredPicture::new("image/png", vec![1, 2, 3]);
    let shown = json!([{"type": "image", "mimeType": "image/png", "pictureId": picture.id}]);
    let first = NewMessage { pictures: vec![picture.clone()], ..NewMessage::new("k", "user", shown.clone()) };
    sessions.append_message(first).await.unwrap();
    let last = sessions.append_message(NewMessage::new("k", "user", json!("again"))).await.unwrap();
    let Cut::Done { made, message, .. } =
        sessions.fork("k", &last.id, NewSession::new("f", "main")).await.unwrap()
    else {
        panic!("not done")
    };
    assert_eq!((made.key.as_str(), message.id), ("f", last.id));
    sessions.delete("k").await.unwrap();
    let kept = sessions.history("f", 10, None).await.unwrap();
    assert_eq!(kept.len(), 1);
    let own = kept[0].content[0]["pictureId"].as_str().unwrap();
    assert_ne!(own, picture.id);
    assert_eq!(sessions.picture(own).await.unwrap().unwrap().data, [1, 2, 3]);
}
