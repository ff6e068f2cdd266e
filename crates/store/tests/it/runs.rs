use bulkhead_store::{
    Delivery, NewMessage, NewOutbox, NewRun, NewSession, OutgoingOnce, RunEnd, RunStart, RunStatus,
    SessionTotals, Store,
};
use serde_json::json;

use crate::in_memory;

fn new_run(id: &str) -> NewRun {
    NewRun {
        id: id.into(),
        session_key: "k".into(),
        source: "webchat".into(),
        user_message: Some(NewMessage::new("k", "user", json!("ask")).in_run(id).once(format!("{id}:user"))),
    }
}

async fn store_with_session() -> Store {
    let (store, _) = in_memory();
    store.sessions().get_or_create(NewSession::new("k", "main")).await.unwrap();
    store
}

#[tokio::test]
async fn a_run_happens_once_per_id() {
    let store = store_with_session().await;
    assert!(matches!(store.runs().start(new_run("r1")).await.unwrap(), RunStart::Started(_)));
    assert!(
        matches!(store.runs().start(new_run("r1")).await.unwrap(), RunStart::Existing(run) if run.status == RunStatus::Running)
    );
    store.runs().finish("r1", RunEnd::new(RunStatus::Ok, Some("answer".into()))).await.unwrap();
    let RunStart::Existing(run) = store.runs().start(new_run("r1")).await.unwrap() else {
        panic!("ran twice")
    };
    assert_eq!((run.status, run.text.as_deref()), (RunStatus::Ok, Some("answer")));
    assert_eq!(store.sessions().message_count("k").await.unwrap(), 1);
}

#[tokio::test]
async fn an_end_records_answer_messages_and_totals_together() {
    let store = store_with_session().await;
    store.runs().start(new_run("r1")).await.unwrap();
    let end = RunEnd {
        messages: vec![NewMessage::new("k", "assistant", json!("answer")).in_run("r1")],
        totals: Some(SessionTotals { input_tokens: 5, ..Default::default() }),
        ..RunEnd::new(RunStatus::Ok, Some("answer".into()))
    };
    let messages = store.runs().finish("r1", end).await.unwrap();
    assert_eq!(messages[0].seq, 2);
    assert_eq!(store.sessions().get("k").await.unwrap().unwrap().input_tokens, 5);
    assert_eq!(store.sessions().messages_of_run("r1").await.unwrap().len(), 2);

    // All or nothing: a message into a missing session leaves the run as it was, and nothing goes out.
    store.runs().start(new_run("r2")).await.unwrap();
    let broken = RunEnd {
        outgoing: Some(outgoing("r2")),
        messages: vec![NewMessage::new("nowhere", "assistant", json!("x"))],
        ..RunEnd::new(RunStatus::Ok, None)
    };
    assert_eq!(store.runs().finish("r2", broken).await.unwrap_err().code(), "store_not_found");
    assert_eq!(store.runs().by_key("r2").await.unwrap().unwrap().status, RunStatus::Running);
    assert_eq!(store.outbox().sent_under("r2").await.unwrap(), None);
}

fn outgoing(key: &str) -> OutgoingOnce {
    let to = Delivery { channel: "telegram".into(), account: "default#7".into(), target: "42".into() };
    let part = |text: &str| NewOutbox { to: to.clone(), text: text.into(), options: json!({}) };
    OutgoingOnce { key: key.into(), parts: vec![part("one"), part("two")] }
}

#[tokio::test]
async fn an_answer_that_goes_out_is_recorded_with_the_end_of_its_run_and_once() {
    let store = store_with_session().await;
    store.runs().start(new_run("r1")).await.unwrap();
    let end = RunEnd { outgoing: Some(outgoing("r1")), ..RunEnd::new(RunStatus::Ok, Some("answer".into())) };
    store.runs().finish("r1", end.clone()).await.unwrap();
    store.runs().finish("r1", end).await.unwrap();
    let waiting = store.outbox().pending("telegram", "default#7").await.unwrap();
    assert_eq!(waiting.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let rows = store.outbox().sent_under("r1").await.unwrap().unwrap();
    assert_eq!(rows, waiting.iter().map(|row| row.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_run_cut_off_by_a_crash_is_marked_and_may_begin_again_with_its_tools_told_apart() {
    let store = store_with_session().await;
    store.runs().start(new_run("r1")).await.unwrap();
    store.runs().tool_started("r1", "c1", "write", &json!({"path": "a"})).await.unwrap();
    store.runs().tool_finished("r1", "c1", &json!("done"), false).await.unwrap();
    store.runs().tool_started("r1", "c2", "exec", &json!({"command": "rm"})).await.unwrap();

    let cut = store.runs().interrupted_on_start().await.unwrap();
    assert_eq!(
        cut.iter().map(|run| (run.id.as_str(), run.status)).collect::<Vec<_>>(),
        [("r1", RunStatus::Interrupted)]
    );
    let tools = store.runs().tools("r1").await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.state.as_str()).collect::<Vec<_>>(), ["ok", "interrupted"]);
    assert!(store.runs().interrupted_on_start().await.unwrap().is_empty());

    assert!(matches!(store.runs().start(new_run("r1")).await.unwrap(), RunStart::Resumed(_)));
    assert_eq!(store.sessions().message_count("k").await.unwrap(), 1, "the question is not asked twice");
}

#[tokio::test]
async fn unknown_runs_and_tools_are_errors_and_old_runs_can_be_forgotten() {
    let store = store_with_session().await;
    let error = store.runs().finish("nope", RunEnd::new(RunStatus::Ok, None)).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no run `nope` in this profile's database.");
    assert_eq!(
        store.runs().tool_finished("r", "c", &json!(1), false).await.unwrap_err().code(),
        "store_not_found"
    );
    store.runs().start(new_run("r1")).await.unwrap();
    store.runs().tool_started("r1", "c", "read", &json!({})).await.unwrap();
    store.runs().finish("r1", RunEnd::new(RunStatus::Aborted, None)).await.unwrap();
    store.runs().start(new_run("r2")).await.unwrap();
    assert_eq!(store.runs().prune(i64::MAX).await.unwrap(), 1, "a running one stays");
    assert_eq!(store.runs().tools("r1").await.unwrap(), []);
    assert_eq!(store.runs().of_session("k", 9).await.unwrap().len(), 1);
}
