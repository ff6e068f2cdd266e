//! Going back in a session, going on elsewhere, and the files that a session was about.

use serde_json::{Value, json};

use crate::harness::{World, text};

fn ids(history: &Value) -> Vec<String> {
    let messages = history["messages"].as_array().unwrap();
    messages.iter().map(|message| message["__openclaw"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_session_goes_back_forks_and_switches() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    client.request("sessions.subscribe", json!({})).await.unwrap();
    let mut said = async |run: &str, message: &str| {
        let params = json!({"sessionKey": "main", "message": message, "idempotencyKey": run});
        client.request("chat.send", params).await.unwrap();
        text(&events.end_of(run).await).to_owned()
    };
    said("1", "REMEMBER 20").await;
    assert_eq!(said("2", "DO: say recall + 2").await, "22");
    let ask = async |method: &str, params: Value| client.request(method, params).await;
    let before = ask("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    let messages = ids(&before);
    assert_eq!(messages.len(), 4);
    let of = |id: &str| json!({"sessionKey": "main", "entryId": id});
    let refused = ask("sessions.rewind", of(&messages[3])).await.unwrap_err().to_string();
    assert!(refused.contains("message of a person"), "{refused}");
    assert!(ask("sessions.rewind", of("nowhere")).await.is_err());

    // Elsewhere first: the fork knows what was said before the message, and hands that back.
    let fork = ask("sessions.fork", of(&messages[2])).await.unwrap();
    assert_eq!(fork["editorText"], "DO: say recall + 2");
    let key = fork["sessionKey"].as_str().unwrap().to_owned();
    assert!(key.starts_with("agent:main:dashboard:"), "{key}");
    let there = ask("chat.history", json!({"sessionKey": key})).await.unwrap();
    assert_eq!(there["messages"].as_array().unwrap().len(), 2);
    assert_eq!(there["sessionInfo"]["parentSessionKey"], "agent:main:main");

    let back = ask("sessions.rewind", of(&messages[2])).await.unwrap();
    assert_eq!(back, json!({"editorText": "DO: say recall + 2"}));
    let cursor = before["deltaCursor"].clone();
    let caught_up = ask("chat.history", json!({"sessionKey": "main", "cursor": cursor})).await.unwrap();
    assert_eq!(caught_up["kind"], "reset", "what was read holds no more");
    let now = ask("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    assert_eq!(ids(&now), messages[..2]);
    assert_eq!(said("3", r#"DO: say "turn-number-" . turns . "-" . recall"#).await, "turn-number-2-20");
    let branches = ask("sessions.branches.list", json!({"sessionKey": "main"})).await.unwrap();
    let rows = branches["branches"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["active"], &rows[0]["messageCount"]), (2, &json!(true), &json!(4)));
    assert_eq!((&rows[1]["leafEntryId"], &rows[1]["headline"]), (&json!(messages[3]), &json!("22")));
    let to = json!({"sessionKey": "main", "leafEntryId": messages[3]});
    assert_eq!(ask("sessions.branches.switch", to).await.unwrap(), json!({}));
    let now = ask("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    assert_eq!(ids(&now)[2..], messages[2..]);
    assert_eq!(now["sessionId"], before["sessionId"]);
    let to = json!({"sessionKey": "main", "leafEntryId": "nowhere"});
    assert!(ask("sessions.branches.switch", to).await.unwrap_err().to_string().contains("branch not found"));
}

#[tokio::test]
async fn the_files_of_a_session_are_listed_read_and_written() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let message = r#"DO: tool write {"path":"notes/new.txt","content":"four"}; say 1"#;
    let params = json!({"sessionKey": "main", "message": message, "idempotencyKey": "w"});
    client.request("chat.send", params).await.unwrap();
    events.end_of("w").await;
    let ask = async |method: &str, more: Value| {
        let mut params = json!({"sessionKey": "main"});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.request(method, params).await
    };
    let list = ask("sessions.files.list", json!({})).await.unwrap();
    assert_eq!(list["files"][0]["path"], "notes/new.txt", "{list:#}");
    assert_eq!((&list["files"][0]["kind"], &list["files"][0]["size"]), (&json!("modified"), &json!(4)));
    let folder = list["browser"]["entries"].as_array().unwrap();
    assert!(folder.iter().any(|entry| entry["name"] == "notes" && entry["sessionKind"] == "modified"));
    let found = ask("sessions.files.list", json!({"search": "new"})).await.unwrap();
    assert_eq!(found["browser"]["entries"][0]["path"], "notes/new.txt");
    let file = ask("sessions.files.get", json!({"path": "notes/new.txt"})).await.unwrap()["file"].clone();
    assert_eq!((&file["content"], &file["previewKind"]), (&json!("four"), &json!("text")));
    let write = |hash: &Value| json!({"path": "notes/new.txt", "content": "fives", "expectedHash": hash});
    let written = ask("sessions.files.set", write(&file["hash"])).await.unwrap();
    assert_eq!(written["file"]["content"], "fives");
    let stale = ask("sessions.files.set", write(&file["hash"])).await.unwrap_err().to_string();
    assert!(stale.contains("changed in between"), "{stale}");
    for path in ["../bulkhead.json", "/etc/passwd", "notes/../../x"] {
        assert!(ask("sessions.files.get", json!({"path": path})).await.is_err(), "{path}");
    }
    assert_eq!(ask("sessions.files.get", json!({"path": "gone"})).await.unwrap()["file"]["missing"], true);
}
