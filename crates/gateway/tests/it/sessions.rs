//! Sessions: made, named, sorted, put away, found again, summarised.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_client::Client;
use serde_json::{Value, json};

use crate::harness::{Events, World, text};
use crate::schema;

struct Asking(Client);

impl Asking {
    async fn ask(&self, method: &str, params: Value) -> Value {
        self.0.request(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn refusal(&self, method: &str, params: Value) -> String {
        self.0.request(method, params).await.unwrap_err().to_string()
    }

    async fn say(&self, events: &mut Events, key: &str, run: &str, message: &str) -> Value {
        let params = json!({"sessionKey": key, "message": message, "idempotencyKey": run});
        assert_eq!(self.ask("chat.send", params).await["status"], "started");
        events.end_of(run).await
    }

    async fn keys(&self, filter: Value) -> Vec<String> {
        let list = self.ask("sessions.list", filter).await;
        list["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["key"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn a_session_is_made_named_sorted_and_found() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let client = Asking(client);
    let list = client.ask("sessions.subscribe", json!({"limit": 5})).await;
    assert_eq!((&list["subscribed"], &list["list"]["totalCount"]), (&json!(true), &json!(0)));

    let made = client
        .ask(
            "sessions.create",
            json!({"label": "Groceries", "message": "ECHO apples", "idempotencyKey": "made"}),
        )
        .await;
    schema::is("SessionsCreateResult", &made);
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("agent:main:dashboard:"), "{key}");
    assert_eq!((&made["runStarted"], &made["runId"]), (&json!(true), &json!("made")));
    assert_eq!(text(&events.end_of("made").await), "apples");
    client.say(&mut events, "main", "other", "ECHO pears and plums").await;

    let row =
        client.ask("sessions.describe", json!({"key": key, "includeLastMessage": true})).await["session"]
            .clone();
    schema::is("SessionRow", &row);
    assert_eq!((&row["label"], &row["lastMessagePreview"]), (&json!("Groceries"), &json!("apples")));
    assert_eq!((&row["unread"], &row["classification"]), (&json!(true), &json!("dashboard")));
    assert!(row["activeLeafEntryId"].is_string() && row["lastInteractionAt"].is_u64());

    // Pinned ones come first; what was read is no longer unread.
    let pinned = client
        .ask("sessions.patch", json!({"key": key, "pinned": true, "unread": false, "category": "Home"}))
        .await;
    assert_eq!((&pinned["ok"], &pinned["entry"]["unread"]), (&json!(true), &json!(false)));
    let changed = events
        .next("the patch", |event, payload| event == "sessions.changed" && payload["reason"] == "patch")
        .await;
    assert_eq!((&changed["sessionKey"], &changed["session"]["pinned"]), (&json!(key), &json!(true)));
    assert_eq!(client.keys(json!({})).await, [key.clone(), "agent:main:main".to_owned()]);
    assert_eq!(client.keys(json!({"sortBy": "lastInteractionAt"})).await[0], "agent:main:main");
    assert_eq!(client.keys(json!({"search": "grocer"})).await, std::slice::from_ref(&key));
    assert_eq!(
        client.keys(json!({"label": "Groceries", "agentId": "main"})).await,
        std::slice::from_ref(&key)
    );
    let titled =
        client.ask("sessions.list", json!({"includeDerivedTitles": true, "limit": 1, "offset": 1})).await;
    assert_eq!(titled["sessions"][0]["derivedTitle"], "ECHO pears and plums");
    assert_eq!((&titled["hasMore"], &titled["nextOffset"]), (&json!(false), &Value::Null));
    let groups = client.ask("sessions.groups.list", json!({})).await;
    schema::is("SessionsGroupsListResult", &groups);
    assert_eq!(groups["groups"][0]["name"], "Home");
    assert!(client.refusal("sessions.groups.put", json!({"names": []})).await.contains("Home"));
    let renamed = client.ask("sessions.groups.rename", json!({"name": "Home", "to": "House"})).await;
    schema::is("SessionsGroupsMutationResult", &renamed);
    assert_eq!(renamed["updatedSessions"], 1);

    let found = client.ask("sessions.search", json!({"query": "PLUMS pears"})).await;
    schema::is("SessionsSearchResult", &found);
    assert_eq!(found["results"].as_array().unwrap().len(), 2);
    assert_eq!(found["results"][0]["sessionKey"], "agent:main:main");
    let resolved = client.ask("sessions.resolve", json!({"label": "Groceries"})).await;
    schema::is("SessionsResolveResult", &resolved);
    assert_eq!(resolved["key"], key.as_str());
    assert!(client.refusal("sessions.resolve", json!({"key": "nobody"})).await.contains("No session found"));
    let previews = client.ask("sessions.preview", json!({"keys": [key, "agent:main:none"]})).await;
    assert_eq!(previews["previews"][0]["items"][1], json!({"role": "assistant", "text": "apples"}));
    assert_eq!(previews["previews"][1]["status"], "missing");
    schema::is(
        "SessionsBranchesListResult",
        &client.ask("sessions.branches.list", json!({"sessionKey": key})).await,
    );

    // Put away only by somebody who knows which transcript it is, and never the main one.
    assert!(
        client
            .refusal("sessions.patch", json!({"key": key, "archived": true}))
            .await
            .contains("expectedSessionId")
    );
    let id = row["sessionId"].clone();
    client.ask("sessions.patch", json!({"key": key, "archived": true, "expectedSessionId": id})).await;
    assert_eq!(client.keys(json!({})).await, ["agent:main:main"]);
    assert_eq!(client.keys(json!({"archived": true})).await, std::slice::from_ref(&key));
    assert_eq!(client.keys(json!({"archived": "all"})).await.len(), 2);
    let many = client
        .ask(
            "sessions.patchMany",
            json!({"targets": [{"key": key}, {"key": "agent:ghost:x"}], "patch": {"color": "red"}}),
        )
        .await;
    schema::is("SessionsPatchManyResult", &many);
    assert_eq!((&many["outcomes"][0]["ok"], &many["outcomes"][1]["ok"]), (&json!(true), &json!(false)));
    let deleted = client.ask("sessions.delete", json!({"key": key})).await;
    schema::is("SessionsDeleteResult", &deleted);
    assert!(client.refusal("sessions.delete", json!({"key": "main"})).await.contains("main session"));
}

#[tokio::test]
async fn the_model_chosen_for_a_session_answers_in_it_alone() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let client = Asking(client);
    let patched = client.ask("sessions.patch", json!({"key": "main", "model": "fake/fake-2"})).await;
    assert_eq!(patched["resolved"]["model"], "fake-2");
    client.say(&mut events, "main", "a", "ECHO a").await;
    client.say(&mut events, "agent:main:other", "b", "ECHO b").await;
    let models: Vec<_> =
        world.model.control.chat_requests().iter().map(|asked| asked.body["model"].clone()).collect();
    assert_eq!(models, ["fake-2", "fake-1"]);
    let row = client.ask("sessions.describe", json!({"key": "main"})).await["session"].clone();
    assert_eq!((&row["model"], &row["modelOverrideSource"]), (&json!("fake-2"), &json!("user")));
    let unknown = client.refusal("sessions.patch", json!({"key": "main", "model": "nobody/none"})).await;
    assert!(unknown.contains("nobody") && unknown.contains("fake"), "{unknown}");
    let level = client.refusal("sessions.patch", json!({"key": "main", "thinkingLevel": "high"})).await;
    assert!(level.contains("thinkingLevel") && level.contains("off"), "{level}");
    client.ask("sessions.patch", json!({"key": "main", "sendPolicy": "deny"})).await;
    let blocked = json!({"sessionKey": "main", "message": "hi", "idempotencyKey": "c"});
    assert!(client.refusal("chat.send", blocked).await.contains("blocked"));
}

#[tokio::test]
async fn commands_are_answered_without_a_model_and_no_model_reads_them() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let client = Asking(client);
    let commands = client.ask("commands.list", json!({"scope": "text"})).await;
    schema::is("CommandsListResult", &commands);
    let status = client.say(&mut events, "main", "status", "/status").await;
    schema::is("ChatEvent", &status);
    assert!(text(&status).contains("fake/fake-1"), "{status}");
    let again = json!({"sessionKey": "main", "message": "/status", "idempotencyKey": "status"});
    assert_eq!(client.ask("chat.send", again).await["status"], "ok");
    assert!(text(&client.say(&mut events, "main", "model", "/model fake-2").await).contains("fake/fake-2"));
    assert!(text(&client.say(&mut events, "main", "wrong", "/model nobody/x").await).contains("nobody"));
    assert!(world.model.control.chat_requests().is_empty());
    client.say(&mut events, "main", "ask", "DO: say turns").await;
    let asked = world.model.control.chat_requests().pop().unwrap();
    assert_eq!(asked.body["model"], "fake-2");
    let roles: Vec<_> = asked.body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["role"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(roles, ["system", "user"]);
    let history = client.ask("chat.history", json!({"sessionKey": "main"})).await;
    assert_eq!(history["totalMessages"], 8);
    let last = history["messages"][7]["__openclaw"]["id"].clone();
    let one = client.ask("chat.message.get", json!({"sessionKey": "main", "messageId": last})).await;
    schema::is("ChatMessageGetResult", &one);
    assert_eq!(history["sessionInfo"]["activeLeafEntryId"], last);

    // A new conversation; its words go on to the model.
    let new = client.say(&mut events, "main", "new", "/new ECHO fresh").await;
    assert_eq!(text(&new), "fresh");
    assert_eq!(client.ask("chat.history", json!({"sessionKey": "main"})).await["totalMessages"], 2);
    let injected =
        client.ask("chat.inject", json!({"sessionKey": "main", "message": "by hand", "label": "note"})).await;
    let said =
        events.next("the injected", |event, payload| event == "chat" && payload["state"] == "final").await;
    assert_eq!(text(&said), "[note]\n\nby hand");
    assert!(injected["messageId"].is_string());
    // Stopping is no message.
    let stop = json!({"sessionKey": "main", "message": "/stop", "idempotencyKey": "stop"});
    assert_eq!(client.ask("chat.send", stop).await, json!({"ok": true, "aborted": false, "runIds": []}));
}

#[tokio::test]
async fn a_summary_takes_the_place_of_the_beginning_for_the_model_alone() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let client = Asking(client);
    client.ask("sessions.subscribe", json!({})).await;
    client.say(&mut events, "main", "a", "ECHO the code is 4711").await;
    client.say(&mut events, "main", "b", "ECHO second").await;
    let nothing = client.ask("sessions.compact", json!({"key": "main", "maxLines": 100})).await;
    assert_eq!((&nothing["ok"], &nothing["compacted"]), (&json!(true), &json!(false)));
    let done = client.ask("sessions.compact", json!({"key": "main"})).await;
    assert_eq!(done["compacted"], true, "{done}");
    let end = events
        .next("its end", |event, payload| event == "session.operation" && payload["completed"] == true)
        .await;
    schema::is("SessionOperationEvent", &end);
    let summary = done["result"]["summary"].as_str().unwrap().to_owned();
    client.say(&mut events, "main", "c", "DO: say turns").await;
    let asked = world.model.control.chat_requests().pop().unwrap();
    let messages = asked.body["messages"].as_array().unwrap();
    let first_line = summary.lines().next().unwrap();
    assert!(messages[0]["content"].to_string().contains(first_line.trim()), "{messages:#?}");
    let words: Vec<_> = messages[1..].iter().map(|m| m["content"].to_string()).collect();
    assert!(words[0].contains("second") && !words.join(" ").contains("4711"), "{words:#?}");
    let history = client.ask("chat.history", json!({"sessionKey": "main"})).await;
    assert_eq!(history["messages"][0]["content"], "ECHO the code is 4711");
    assert_eq!(history["messages"][4]["__openclaw"]["kind"], "compaction");
    let status = client.say(&mut events, "main", "d", "/status").await;
    assert!(text(&status).contains("Summarised: 1"), "{status}");
}

#[tokio::test]
async fn pictures_go_to_models_that_take_them() {
    let world = World::new().await;
    let mut config = world.config();
    config["models"]["providers"]["fake"]["models"][1]["input"] = json!(["text", "image"]);
    world.write_config(&config);
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let client = Asking(client);
    let picture = STANDARD.encode(b"\x89PNG\r\n\x1a\nthe rest of it");
    let send = |run: &str, content: &str| {
        json!({
            "sessionKey": "main", "message": "ECHO seen", "idempotencyKey": run,
            "attachments": [{"type": "image", "mimeType": "image/png", "fileName": "a.png", "content": content}],
        })
    };
    let refused = client.refusal("chat.send", send("no", &picture)).await;
    assert!(refused.contains("fake/fake-1") && refused.contains("input"), "{refused}");
    client.ask("sessions.patch", json!({"key": "main", "model": "fake/fake-2"})).await;
    assert!(client.refusal("chat.send", send("junk", "!!!")).await.contains("base64"));
    let other = STANDARD.encode(b"%PDF-1.7");
    assert!(client.refusal("chat.send", send("pdf", &other)).await.contains("PNG"));
    client.ask("chat.send", send("yes", &picture)).await;
    assert_eq!(text(&events.end_of("yes").await), "seen");
    let sent = |at: usize| world.model.control.chat_requests()[at].body["messages"].to_string();
    assert!(sent(0).contains(&picture), "{}", sent(0));
    // The next question shows it again; the transcript only names it.
    client.say(&mut events, "main", "again", "ECHO still").await;
    assert!(sent(1).contains(&picture));
    let history = client.ask("chat.history", json!({"sessionKey": "main"})).await;
    let block = &history["messages"][0]["content"][1];
    assert_eq!(
        (&block["type"], &block["omitted"], &block["bytes"]),
        (&json!("image"), &json!(true), &json!(22))
    );
}
