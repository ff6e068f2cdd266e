//! Approvals, questions, buttons and tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bulkhead_store::{
    ApprovalEnd, ApprovalStatus, NewApproval, PromptButton, PromptPlace, Question, QuestionEnd, Resolution,
    Store, StoreOptions, Task, TaskFilter,
};
use serde_json::json;

fn store() -> (Store, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(1_000));
    let clock = Arc::clone(&now);
    let options = StoreOptions { clock: Arc::new(move || clock.load(Ordering::Relaxed)) };
    (Store::open_in_memory_with(options).unwrap(), now)
}

fn asked(id: &str) -> NewApproval {
    NewApproval {
        id: id.into(),
        kind: "exec".into(),
        request: json!({"command": "ls"}),
        agent_id: Some("main".into()),
        session_key: Some("agent:main:main".into()),
        run_id: Some("r".into()),
        expires_at: 2_000,
    }
}

fn said(status: ApprovalStatus, decision: &str) -> ApprovalEnd {
    ApprovalEnd {
        status,
        decision: Some(decision.into()),
        reason: "user".into(),
        resolver: Some(json!({"kind": "device", "id": "d"})),
    }
}

#[tokio::test]
async fn the_first_answer_counts_and_what_it_allows_is_claimed_once() {
    let (store, _) = store();
    let approvals = store.approvals();
    approvals.add(asked("a")).await.unwrap();
    assert!(approvals.add(asked("a")).await.is_err(), "an id is taken once");
    assert!(!approvals.claim("a").await.unwrap(), "nothing is allowed yet");
    let (first, second) = tokio::join!(
        approvals.resolve("a", said(ApprovalStatus::Allowed, "allow-once")),
        approvals.resolve("a", said(ApprovalStatus::Denied, "deny")),
    );
    assert!(matches!(first.unwrap(), Resolution::Applied(one) if one.status == ApprovalStatus::Allowed));
    assert!(
        matches!(second.unwrap(), Resolution::Over(one) if one.decision.as_deref() == Some("allow-once"))
    );
    let (one, other) = tokio::join!(approvals.claim("a"), approvals.claim("a"));
    assert!(one.unwrap() ^ other.unwrap());
    assert_eq!(
        approvals.resolve("b", said(ApprovalStatus::Denied, "deny")).await.unwrap(),
        Resolution::Unknown
    );
    let history = approvals.history(10, None, None).await.unwrap();
    assert_eq!(history.len(), 1);
    assert!(approvals.history(10, Some((1_000, "a".into())), None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_late_answer_and_one_after_a_restart_allow_nothing() {
    let (store, now) = store();
    let approvals = store.approvals();
    approvals.add(asked("late")).await.unwrap();
    now.store(2_000, Ordering::Relaxed);
    let late = approvals.resolve("late", said(ApprovalStatus::Allowed, "allow-once")).await.unwrap();
    assert!(matches!(late, Resolution::Over(one) if one.status == ApprovalStatus::Pending));
    let ended = approvals.cancel_on_start().await.unwrap();
    assert_eq!((ended.len(), ended[0].reason.as_deref()), (1, Some("gateway-restart")));
    let after = approvals.resolve("late", said(ApprovalStatus::Allowed, "allow-once")).await.unwrap();
    assert!(matches!(after, Resolution::Over(one) if one.status == ApprovalStatus::Cancelled));
    assert!(!approvals.claim("late").await.unwrap());
}

#[tokio::test]
async fn the_document_is_replaced_only_by_who_knows_it() {
    let (store, _) = store();
    let approvals = store.approvals();
    assert_eq!(approvals.document().await.unwrap(), None);
    assert!(!approvals.replace_document(Some("x"), "y").await.unwrap());
    assert!(approvals.replace_document(None, "one").await.unwrap());
    assert!(!approvals.replace_document(None, "two").await.unwrap());
    assert!(approvals.replace_document(Some("one"), "two").await.unwrap());
    assert_eq!(approvals.document().await.unwrap().as_deref(), Some("two"));
}

#[tokio::test]
async fn a_button_is_good_once_and_only_in_time() {
    let (store, now) = store();
    let prompts = store.prompts();
    let button = |nonce: &str, expires_at| PromptButton {
        nonce: nonce.into(),
        subject: "a".into(),
        choice: "deny".into(),
        account: "default".into(),
        person: "42".into(),
        expires_at,
        used_at: None,
    };
    prompts.add_buttons(vec![button("n", 5_000), button("short", 1_500)]).await.unwrap();
    assert!(prompts.use_button("n").await.unwrap());
    assert!(!prompts.use_button("n").await.unwrap());
    now.store(2_000, Ordering::Relaxed);
    assert!(!prompts.use_button("short").await.unwrap());
    assert_eq!(prompts.button("n").await.unwrap().unwrap().used_at, Some(1_000));
    let place = PromptPlace {
        subject: "a".into(),
        channel: "telegram".into(),
        account: "default".into(),
        chat: "42".into(),
        message_id: 7,
    };
    prompts.add_place(place.clone()).await.unwrap();
    assert_eq!(prompts.take_places("a").await.unwrap(), [place]);
    assert!(prompts.take_places("a").await.unwrap().is_empty());
}

#[tokio::test]
async fn questions_are_answered_once() {
    let (store, _) = store();
    let questions = store.questions();
    let question = Question {
        id: "q".into(),
        questions: json!([]),
        agent_id: None,
        session_key: None,
        run_id: None,
        created_at: 0,
        expires_at: 2_000,
        status: "pending".into(),
        answers: None,
        resolved_by: None,
        resolved_at: None,
    };
    questions.add(question).await.unwrap();
    let end = |status| QuestionEnd { status, answers: Some(json!({"answers": {}})), resolved_by: None };
    let (first, applied) = questions.resolve("q", end("answered")).await.unwrap().unwrap();
    assert!(applied && first.status == "answered");
    let (second, applied) = questions.resolve("q", end("cancelled")).await.unwrap().unwrap();
    assert!(!applied && second.status == "answered");
    assert!(
        questions.pending().await.unwrap().is_empty()
            && questions.cancel_on_start().await.unwrap().is_empty()
    );
}

#[tokio::test]
async fn tasks_end_once_and_are_found_by_run_status_and_session() {
    let (store, now) = store();
    let tasks = store.tasks();
    let task = |id: &str, session: &str| Task {
        id: id.into(),
        runtime: "cli".into(),
        status: "running".into(),
        title: "t".into(),
        agent_id: "main".into(),
        session_key: session.into(),
        run_id: format!("run-{id}"),
        source_id: None,
        created_at: 0,
        updated_at: 0,
        ended_at: None,
        prompt: "p".into(),
        result: None,
        error: None,
    };
    tasks.begin(task("1", "a")).await.unwrap();
    now.store(1_100, Ordering::Relaxed);
    tasks.begin(task("2", "b")).await.unwrap();
    let ended = tasks.end("run-1", "completed", Some("done".into()), None).await.unwrap().unwrap();
    assert_eq!((ended.status.as_str(), ended.ended_at), ("completed", Some(1_100)));
    assert!(tasks.end("run-1", "failed", None, None).await.unwrap().is_none());
    assert_eq!(tasks.get("run-2").await.unwrap().unwrap().id, "2");
    let list = async |statuses: &[&str], session: Option<&str>| {
        let statuses = statuses.iter().map(ToString::to_string).collect();
        let session_key = session.map(str::to_owned);
        let found = tasks
            .list(TaskFilter { statuses, session_key, limit: 10, ..TaskFilter::default() })
            .await
            .unwrap();
        found.into_iter().map(|task| task.id).collect::<Vec<_>>()
    };
    assert_eq!(list(&[], None).await, ["2", "1"]);
    assert_eq!(list(&["running", "queued"], None).await, ["2"]);
    assert_eq!(list(&[], Some("a")).await, ["1"]);
    assert_eq!(tasks.fail_on_start().await.unwrap(), 1);
}
