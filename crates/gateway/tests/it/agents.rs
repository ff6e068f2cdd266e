//! Several agents in one gateway.

use serde_json::{Value, json};

use crate::harness::{World, text};

#[tokio::test]
async fn an_agent_is_made_used_changed_and_removed() {
    let world = World::new().await;
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    let ask = async |method: &str, params: Value| client.request(method, params).await;
    let made = ask("agents.create", json!({"name": "Ops Team", "model": "fake/fake-2", "emoji": "🦊"}))
        .await
        .unwrap();
    let home = world.state().join("agents/ops-team/workspace");
    assert_eq!(
        (&made["agentId"], &made["workspace"]),
        (&json!("ops-team"), &json!(home.display().to_string()))
    );
    let twice = ask("agents.create", json!({"name": "ops team"})).await.unwrap_err().to_string();
    assert!(twice.contains("already exists"), "{twice}");
    let listed = ask("agents.list", json!({})).await.unwrap();
    assert_eq!(listed["defaultId"], "main");
    assert_eq!(listed["agents"].as_array().unwrap().len(), 2);
    assert_eq!(listed["agents"][1]["identity"], json!({"name": "Ops Team", "emoji": "🦊"}));

    // It answers with its own model, from its own workspace, with its own tools.
    let known = ask("agents.files.get", json!({"agentId": "ops-team", "name": "AGENTS.md"})).await.unwrap();
    let write = |content: &str, hash: &Value| json!({"agentId": "ops-team", "name": "AGENTS.md", "content": content, "expectedHash": hash});
    ask("agents.files.set", write("MARKER: 1000", &known["file"]["hash"])).await.unwrap();
    let stale = ask("agents.files.set", write("MARKER: 1", &known["file"]["hash"])).await.unwrap_err();
    assert!(stale.to_string().contains("changed in between"), "{stale}");
    for name in ["../bulkhead.json", "notes.md", "/etc/passwd", ""] {
        let params = json!({"agentId": "ops-team", "name": name, "content": "x"});
        assert!(ask("agents.files.set", params).await.is_err(), "{name}");
    }
    let send =
        json!({"sessionKey": "agent:ops-team:main", "message": "DO: say marker + 1", "idempotencyKey": "r1"});
    ask("chat.send", send).await.unwrap();
    assert_eq!(text(&events.end_of("r1").await), "1001");
    let send =
        json!({"sessionKey": "agent:ops-team:main", "message": "DO: say model", "idempotencyKey": "r2"});
    ask("chat.send", send).await.unwrap();
    assert_eq!(text(&events.end_of("r2").await), "fake-2");

    ask("agents.update", json!({"agentId": "ops-team", "name": "Ops", "model": null, "emoji": ""}))
        .await
        .unwrap();
    let identity = ask("agent.identity.get", json!({"agentId": "ops-team"})).await.unwrap();
    assert_eq!(identity, json!({"agentId": "ops-team", "name": "Ops", "nameSource": "agent", "avatar": "A"}));
    let send =
        json!({"sessionKey": "agent:ops-team:main", "message": "DO: say model", "idempotencyKey": "r3"});
    ask("chat.send", send).await.unwrap();
    assert_eq!(text(&events.end_of("r3").await), "fake-1");

    // What would find nobody goes with it: conversations, jobs, what it may run. Transcripts are put away.
    for (agent, name) in [("ops-team", "theirs"), ("main", "ours")] {
        let job = json!({
            "name": name, "agentId": agent, "schedule": {"kind": "every", "everyMs": 3_600_000}, "sessionTarget": "isolated",
            "wakeMode": "now", "payload": {"kind": "agentTurn", "message": "ECHO x"}, "delivery": {"mode": "none"},
        });
        ask("cron.add", job).await.unwrap();
    }
    let known = ask("exec.approvals.get", json!({})).await.unwrap();
    let file = json!({"version": 1, "agents": {"ops-team": {"allowlist": [{"pattern": "rg"}]}, "main": {"ask": "always"}}});
    ask("exec.approvals.set", json!({"file": file, "baseHash": known["hash"]})).await.unwrap();
    let gone = ask("agents.delete", json!({"agentId": "ops-team"})).await.unwrap();
    assert_eq!((&gone["removedBindings"], &gone["removed"][0]["method"]), (&json!(0), &json!("trash")));
    assert!(!home.exists() && gone.get("purgeFailed").is_none(), "{gone}");
    let sessions = ask("sessions.list", json!({})).await.unwrap();
    assert_eq!(sessions["sessions"], json!([]), "{sessions:#}");
    let jobs = ask("cron.list", json!({"includeDisabled": true})).await.unwrap();
    let names: Vec<&str> =
        jobs["jobs"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"ours") && !names.contains(&"theirs"), "{names:?}");
    let approvals = ask("exec.approvals.get", json!({})).await.unwrap();
    assert_eq!(approvals["file"]["agents"], json!({"main": {"ask": "always"}}));
    let kept = crate::harness::files(&world.state().join("trash"));
    let transcripts = kept.iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl")).count();
    assert_eq!(transcripts, 1, "{kept:?}");
    let last = ask("agents.delete", json!({"agentId": "main"})).await.unwrap_err().to_string();
    assert!(last.contains("only configured agent"), "{last}");
}

#[tokio::test]
async fn a_workspace_is_shown_and_nothing_around_it() {
    let world = World::new().await;
    let workspace = world.state().join("workspace");
    std::fs::create_dir_all(workspace.join("notes")).unwrap();
    std::fs::write(workspace.join("notes/a.md"), "four").unwrap();
    std::fs::write(workspace.join("dot.png"), [0x89, b'P', b'N', b'G']).unwrap();
    std::os::unix::fs::symlink(world.config_path(), workspace.join("way-out")).unwrap();
    let gateway = world.start().await;
    let (client, _) = gateway.client().await;
    let ask = async |method: &str, path: &str| {
        client
            .request(method, json!({"agentId": "main", "path": path}))
            .await
            .map_err(|error| error.to_string())
    };
    let top = ask("agents.workspace.list", "").await.unwrap();
    let names: Vec<&str> =
        top["entries"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dot.png", "notes"]);
    let below = ask("agents.workspace.list", "notes").await.unwrap();
    assert_eq!((&below["entries"][0]["path"], &below["parentPath"]), (&json!("notes/a.md"), &json!("")));
    assert_eq!(ask("agents.workspace.get", "notes/a.md").await.unwrap()["file"]["content"], "four");
    assert_eq!(ask("agents.workspace.get", "dot.png").await.unwrap()["file"]["encoding"], "base64");
    for path in ["../bulkhead.json", "way-out", "/etc/passwd", "notes/../../bulkhead.json"] {
        let error = ask("agents.workspace.get", path).await.unwrap_err();
        assert!(error.contains("escapes") || error.contains("not found"), "{path}: {error}");
    }
}

#[tokio::test]
async fn tools_are_taken_from_one_agent_only() {
    let world = World::new().await;
    let mut config = world.config();
    config["agents"]["entries"] =
        json!({"main": {"default": true}, "mute": {"tools": {"deny": ["group:fs"]}}});
    world.write_config(&config);
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    for (agent, there) in [("main", true), ("mute", false)] {
        let run = format!("tools-{agent}");
        let message = "DO: tool write {\"path\":\"made.txt\",\"content\":\"x\"}; say 1";
        let params =
            json!({"sessionKey": format!("agent:{agent}:main"), "message": message, "idempotencyKey": run});
        client.request("chat.send", params).await.unwrap();
        events.end_of(&run).await;
        let folder =
            if agent == "main" { "workspace".to_owned() } else { format!("agents/{agent}/workspace") };
        assert_eq!(world.state().join(folder).join("made.txt").exists(), there, "{agent}");
    }
}
