//! Questions of agents, and work beside conversations.

use serde_json::{Value, json};

use crate::harness::{PATIENCE, World, text};

fn ask() -> String {
    let question = json!({"questions": [{
        "id": "color", "header": "Colour", "question": "Which colour?",
        "options": [{"label": "Red"}, {"label": "Blue", "description": "calm"}],
    }]});
    format!("DO: tool ask_user {question}; say toolresult")
}

#[tokio::test]
async fn a_question_is_answered_by_a_client_once() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let params = json!({"sessionKey": "main", "message": ask(), "idempotencyKey": "r"});
    client.request("chat.send", params).await.unwrap();
    let asked = events.next("a question", |event, _| event == "question.requested").await;
    assert_eq!(
        (&asked["questions"][0]["questionId"], &asked["status"]),
        (&json!("color"), &json!("pending"))
    );
    assert_eq!(asked["runId"], "r");
    let list = client.request("question.list", json!({})).await.unwrap();
    assert_eq!(list, json!({"questions": [asked]}));
    let pending =
        client.request("question.waitAnswer", json!({"id": asked["id"], "timeoutMs": 1})).await.unwrap();
    assert_eq!(pending, json!({"status": "pending"}));
    let resolve = |answer: &str| {
        client.request(
            "question.resolve",
            json!({"id": asked["id"], "answers": {"answers": {"color": [answer]}}}),
        )
    };
    let wrong = client
        .request("question.resolve", json!({"id": asked["id"], "answers": {"answers": {"other": ["x"]}}}))
        .await;
    assert!(wrong.unwrap_err().to_string().contains("other"));
    let done = resolve("Blue").await.unwrap();
    assert_eq!(done, json!({"status": "answered", "answers": {"answers": {"color": ["Blue"]}}}));
    assert_eq!(resolve("Blue").await.unwrap(), done, "the same again is fine");
    assert!(resolve("Red").await.unwrap_err().to_string().contains("already answered"));
    let end = events.end_of("r").await;
    assert!(text(&end).contains("Blue"), "{end}");
    assert_eq!(client.request("question.list", json!({})).await.unwrap(), json!({"questions": []}));
}

#[tokio::test]
async fn an_abort_takes_a_question_back_and_a_client_may_ask_too() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let params = json!({"sessionKey": "main", "message": ask(), "idempotencyKey": "r"});
    client.request("chat.send", params).await.unwrap();
    let asked = events.next("a question", |event, _| event == "question.requested").await;
    client.request("chat.abort", json!({"sessionKey": "main"})).await.unwrap();
    let over = events.next("its end", |event, _| event == "question.resolved").await;
    assert_eq!(over, json!({"id": asked["id"], "status": "cancelled"}));

    let questions =
        json!([{"questionId": "ok", "header": "Ok?", "question": "Go on?", "options": [{"label": "Yes"}]}]);
    let filed = client
        .request("question.request", json!({"questions": questions, "timeoutMs": 60_000}))
        .await
        .unwrap();
    let wait = client.request("question.waitAnswer", json!({"id": filed["id"]}));
    let cancel = client.request("question.resolve", json!({"id": filed["id"], "cancel": true}));
    let (waited, cancelled) = tokio::join!(wait, cancel);
    assert_eq!(
        (waited.unwrap(), cancelled.unwrap()),
        (json!({"status": "cancelled"}), json!({"status": "cancelled"}))
    );
}

#[tokio::test]
async fn in_a_private_chat_a_button_or_the_next_message_answers() {
    let world = World::with_telegram().await;
    let mut config = world.config();
    config["channels"]["telegram"] = world.telegram_config();
    config["channels"]["telegram"]["dmPolicy"] = json!("allowlist");
    config["channels"]["telegram"]["allowFrom"] = json!([42]);
    world.write_config(&config);
    let _gateway = world.start().await;
    world.bot.expect_poll().await;
    world.bot.say(42, &ask());
    let question = world.bot.wait_for_text(42, "Which colour?").await;
    assert_eq!(question.now.labels(), ["Red", "Blue"]);
    world.bot.press(42, question.message_id, &question.now.button("Red").unwrap());
    world.bot.wait_for_text(42, "→ Red").await;
    world.bot.wait_for_text(42, "\"Red\"").await;
    world.bot.say(42, &ask());
    world
        .bot
        .expect("asked again", |bot| {
            bot.messages_to(42).iter().any(|one| one.now.labels() == ["Red", "Blue"]).then_some(())
        })
        .await;
    world.bot.say(42, "a light green");
    world.bot.wait_for_text(42, "\"a light green\"").await;
}

#[tokio::test]
async fn work_of_programs_is_listed_and_can_be_stopped() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let params = json!({"message": "ECHO fine", "sessionId": "job", "idempotencyKey": "done"});
    let mut answers = client.request_streamed("agent", params, PATIENCE).await.unwrap();
    answers.next().await.unwrap().unwrap();
    let begun = events.next("a task", |event, _| event == "task").await;
    assert_eq!((&begun["action"], &begun["task"]["status"]), (&json!("upserted"), &json!("running")));
    assert_eq!(answers.next().await.unwrap().unwrap()["status"], "ok");
    let list = async |params: Value| client.request("tasks.list", params).await.unwrap()["tasks"].clone();
    let done = list(json!({"status": ["completed"], "sortBy": "endedAt"})).await;
    assert_eq!((&done[0]["runId"], &done[0]["title"]), (&json!("done"), &json!("ECHO fine")));
    let whole = client.request("tasks.get", json!({"taskId": done[0]["id"]})).await.unwrap();
    assert_eq!(whole["task"]["result"], "fine");
    let said = client.request("tasks.history", json!({"taskId": done[0]["id"]})).await.unwrap();
    let roles: Vec<&Value> = said["messages"].as_array().unwrap().iter().map(|one| &one["role"]).collect();
    assert_eq!(roles, ["user", "assistant"], "{said:#}");
    let last = client.request("tasks.history", json!({"taskId": "done", "limit": 1})).await.unwrap();
    assert_eq!((&last["messages"][0], &last["nextCursor"]), (&said["messages"][1], &json!("1")));
    let first = json!({"taskId": "done", "limit": 1, "cursor": last["nextCursor"]});
    let first = client.request("tasks.history", first).await.unwrap();
    assert_eq!(first, json!({"messages": [said["messages"][0]]}));
    let ids = json!({"taskIds": [done[0]["id"], "none"]});
    let results = client.request("tasks.retry", ids).await.unwrap()["results"].clone();
    assert_eq!((&results[0]["ok"], &results[0]["task"]["status"]), (&json!(false), &json!("completed")));
    assert_eq!(results[1], json!({"taskId": "none", "ok": false, "reason": "task not found"}));
    assert!(client.request("tasks.dismiss", json!({"taskIds": []})).await.is_err());
    // A chat is no such work.
    let params = json!({"sessionKey": "main", "message": "ECHO hi", "idempotencyKey": "chat"});
    client.request("chat.send", params).await.unwrap();
    events.end_of("chat").await;
    assert_eq!(list(json!({})).await.as_array().unwrap().len(), 1);

    let params = json!({"message": "DO: slow 50; piece 2; say words(400)", "sessionId": "job", "idempotencyKey": "long"});
    let mut answers = client.request_streamed("agent", params, PATIENCE).await.unwrap();
    answers.next().await.unwrap().unwrap();
    let running = list(json!({"status": "running"})).await;
    let stopped = client.request("tasks.cancel", json!({"taskId": running[0]["id"]})).await.unwrap();
    assert_eq!((&stopped["found"], &stopped["cancelled"]), (&json!(true), &json!(true)));
    assert_eq!(answers.next().await.unwrap().unwrap()["status"], "aborted");
    assert_eq!(
        list(json!({"sessionKey": "agent:main:explicit:job", "limit": 1})).await[0]["status"],
        "cancelled"
    );
    let none = client.request("tasks.cancel", json!({"taskId": "none"})).await.unwrap();
    assert_eq!(none, json!({"found": false, "cancelled": false}));
}
