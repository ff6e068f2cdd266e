//! Skills of a running gateway.

use std::path::Path;

use bulkhead_protocol::device_auth::DeviceKey;
use serde_json::{Value, json};

use crate::harness::{TOKEN, World, text};
use crate::wire::{Wire, node};

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

#[tokio::test]
async fn the_library_is_the_folders_of_all_agents() {
    let world = World::new().await;
    put(&world.state().join("skills/shared"), "shared", "");
    std::fs::write(world.state().join("skills/shared/more.md"), "More of it.").unwrap();
    let mut config = world.config();
    config["agents"]["list"] = json!([{"id": "main", "default": true}, {"id": "clerk", "name": "Clerk"}]);
    config["skills"] = json!({"entries": {"shared": {"enabled": false}}});
    world.write_config(&config);
    let own = world.state().join("agents/clerk/workspace/skills/own");
    put(&own, "own", "metadata: { openclaw: { requires: { bins: [jq] } } }\n");
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let list = client.request("skills.library.list", json!({"scope": "all"})).await.unwrap();
    let brief: Vec<Value> = list["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["slug"], one["ownerLabel"], one["shared"], one["enabled"], one["canEdit"]]))
        .collect();
    assert_eq!(
        brief,
        [
            json!(["own", "Workspace of Clerk", false, true, false]),
            json!(["shared", "This profile", true, false, false])
        ],
        "{list:#}"
    );
    assert_eq!((&list["profileId"], &list["canManageWorkspace"]), (&Value::Null, &json!(false)));
    let mine = client.request("skills.library.list", json!({"scope": "mine"})).await.unwrap();
    assert_eq!(mine["entries"], json!([]));

    let id = &list["entries"][1]["skillId"];
    let read = client.request("skills.library.read", json!({"skillId": id})).await.unwrap();
    assert!(read["content"].as_str().unwrap().contains("kiwi"));
    assert_eq!(
        read["files"],
        json!([{"path": "more.md", "content": "More of it.", "encoding": "utf8", "executable": false}])
    );
    assert_eq!(read["entry"], list["entries"][1]);
    // Only what the list names, in the version that is there.
    for params in [
        json!({"skillId": "00000000-0000-4000-8000-000000000000"}),
        json!({"skillId": id, "revision": "0".repeat(64)}),
    ] {
        let refused = client.request("skills.library.read", params).await.unwrap_err().to_string();
        assert!(refused.contains("not found") || refused.contains("was changed"), "{refused}");
    }
    let refused = client.request("skills.bins", json!({})).await.unwrap_err();
    assert!(refused.to_string().contains("unauthorized role: operator"), "{refused}");
    let key = DeviceKey::generate().unwrap();
    let (mut wire, _) = Wire::admitted(&gateway, &key, node(json!({"token": TOKEN}), &[])).await;
    assert_eq!(wire.ask("skills.bins", json!({})).await, json!({"bins": ["jq"]}));
}
