//! Documents: bounded, replaced only by their own conversation, gone with it.

use bulkhead_store::{CanvasBounds, CanvasDraft, NewSession, Store};

use crate::in_memory;

const BOUNDS: CanvasBounds = CanvasBounds { per_session: 3, documents: 5, bytes: 100 };

fn draft(id: &str, session: &str, content: &str) -> CanvasDraft {
    CanvasDraft {
        id: id.into(),
        session_key: session.into(),
        kind: "html".into(),
        title: "T".into(),
        content: content.into(),
    }
}

async fn names(store: &Store, session: Option<&str>) -> Vec<String> {
    store.canvas().list(session).await.unwrap().into_iter().map(|document| document.id).collect()
}

#[tokio::test]
async fn a_document_is_replaced_by_its_own_conversation_only() {
    let (store, clock) = in_memory();
    let canvas = store.canvas();
    assert_eq!(canvas.put(draft("a", "one", "x"), BOUNDS).await.unwrap().unwrap().revision, 1);
    clock.advance(5);
    let second = canvas.put(draft("a", "one", "ü"), BOUNDS).await.unwrap().unwrap();
    assert_eq!((second.revision, second.bytes, second.updated_at - second.created_at), (2, 2, 5));
    assert_eq!(canvas.put(draft("a", "two", "y"), BOUNDS).await.unwrap(), None);
    assert_eq!(canvas.get("a").await.unwrap().unwrap().1, "ü");
    assert_eq!(canvas.remove("a").await.unwrap().unwrap().session_key, "one");
    assert_eq!(canvas.get("a").await.unwrap(), None);
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many() {
    let (store, clock) = in_memory();
    let canvas = store.canvas();
    for id in ["a", "b", "c", "d"] {
        clock.advance(1);
        canvas.put(draft(id, "one", "x"), BOUNDS).await.unwrap();
    }
    assert_eq!(names(&store, Some("one")).await, ["d", "c", "b"]);
    for id in ["e", "f", "g"] {
        clock.advance(1);
        canvas.put(draft(id, "two", "x"), BOUNDS).await.unwrap();
    }
    assert_eq!(names(&store, None).await, ["g", "f", "e", "d", "c"]);
    clock.advance(1);
    canvas.put(draft("h", "three", &"x".repeat(99)), BOUNDS).await.unwrap();
    assert_eq!(names(&store, None).await, ["h", "g"]);
}

#[tokio::test]
async fn documents_go_with_their_conversation() {
    let (store, _clock) = in_memory();
    store.sessions().get_or_create(NewSession::new("agent:main:main", "main")).await.unwrap();
    store.canvas().put(draft("a", "agent:main:main", "x"), BOUNDS).await.unwrap();
    assert!(store.sessions().delete("agent:main:main").await.unwrap());
    assert_eq!(names(&store, None).await, Vec::<String>::new());
}
