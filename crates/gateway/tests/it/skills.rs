//! Skills of a running gateway.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{World, text};

fn put(folder: &Path, name: &str, head: &str) {
    std::fs::create_dir_all(folder).unwrap();
    let whole =
        format!("---\nname: {name}\ndescription: What {name} is for\n{head}---\nThe secret word is kiwi.\n");
    std::fs::write(folder.join("SKILL.md"), whole).unwrap();
}

fn row(status: &Value, name: &str) -> Value {
    status["skills"].as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_default()
}

#[tokio::test]
async fn skills_are_told_read_switched_off_and_watched() {
    let world = World::new().await;
    // One of the profile, outside of the workspace.
    let shared = world.state().join("skills/shared");
    put(&shared, "shared", "");
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let status = client.request("skills.status", json!({})).await.unwrap();
    assert_eq!(row(&status, "shared")["eligible"], true, "{status:#}");

    let ask = async |run: &str, message: String| {
        let params =
            json!({"sessionKey": "main", "message": message, "idempotencyKey": run, "deliver": false});
        client.request("chat.send", params).await.unwrap();
    };
    let file = shared.canonicalize().unwrap().join("SKILL.md");
    ask("r1", format!("TOOL read {}", json!({"path": file}))).await;
    assert!(
        text(&events.end_of("r1").await).contains("kiwi"),
        "a skill outside of the workspace can be read"
    );
    let prompt = |world: &World| {
        let asked = world.model.control.chat_requests().pop().unwrap();
        asked.body["messages"][0]["content"].to_string()
    };
    assert!(prompt(&world).contains("<name>shared</name>"));
    // What lies beside it in the state directory stays out of reach.
    let config = json!({"path": world.config_path().canonicalize().unwrap()});
    ask("r2", format!("TOOL read {config}")).await;
    assert!(!text(&events.end_of("r2").await).contains("apiKey"));

    // A new one in a folder that was not there, noticed without anybody asking.
    let workspace = Path::new(status["workspaceDir"].as_str().unwrap()).to_owned();
    put(
        &workspace.join("skills/notes"),
        "notes",
        "metadata: { openclaw: { requires: { bins: [no-such-program-4711] } } }\n",
    );
    loop {
        events.next("skills changed", |event, _| event == "skills.changed").await;
        let status = client.request("skills.status", json!({"agentId": "main"})).await.unwrap();
        let notes = row(&status, "notes");
        if !notes.is_null() {
            assert_eq!(
                (&notes["eligible"], &notes["missing"]["bins"]),
                (&json!(false), &json!(["no-such-program-4711"]))
            );
            break;
        }
    }

    client.request("skills.update", json!({"skillKey": "shared", "enabled": false})).await.unwrap();
    let status = client.request("skills.status", json!({})).await.unwrap();
    assert_eq!(
        (&row(&status, "shared")["disabled"], &row(&status, "shared")["modelVisible"]),
        (&json!(true), &json!(false))
    );
    ask("r3", "ECHO done".to_owned()).await;
    events.end_of("r3").await;
    assert!(!prompt(&world).contains("available_skills"));
    let refused =
        client.request("skills.update", json!({"skillKey": "shared", "apiKey": "x"})).await.unwrap_err();
    assert!(refused.to_string().contains("on the machine itself"), "{refused}");
}
