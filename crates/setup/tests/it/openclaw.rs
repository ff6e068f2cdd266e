//! An OpenClaw's home, written by hand after the form that OpenClaw 2026.9.6 (and, for the old one, 2026.4) leaves on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::machine::Machine;

pub(crate) const BOT: &str = "7000000001:AAopenclawopenclawopenclawopenclaw001";
pub(crate) const SECOND_BOT: &str = "7000000002:AAopenclawopenclawopenclawopenclaw002";
pub(crate) const GATEWAY_TOKEN: &str = "oc-gateway-token-0123456789";
pub(crate) const MODEL_KEY: &str = "sk-openclaw-model-key-1";
pub(crate) const OPENROUTER_KEY: &str = "sk-or-openclaw-profile-key";
pub(crate) const EXTRA: &str = "brave-Key-77AbCdEfGh0123456789";
pub(crate) const STORED: &str = "xai-kept-in-the-store-0001";
/// A message as OpenClaw packs it (zstd, level 1, with checksum).
const PACKED: &str = "28b52ffd64b4056d040092891e1e6035d6014821d8c82fdbc971d9c87c57950c466a380a64a11e2892412056cf93999a6ae8a028182ac1c58d244a138060646839468f211031dad5c9c1effbe83abae5783ad3b0f9be9585b9b3e9009929d0dccc4d75504928451034f5fbd738c26e2c3e5d0dd135c3efe945fb7eb1a7b70043d8edfb7e03f14e0400706619307f3d1fcac15a38ed2403a8fb19f4";

/// Every secret that stands somewhere at the source.
pub(crate) const SECRETS: [&str; 7] =
    [BOT, SECOND_BOT, GATEWAY_TOKEN, MODEL_KEY, OPENROUTER_KEY, EXTRA, STORED];

/// Databases that are open at the source, as those of a running gateway: their last changes are in the log beside them.
pub(crate) struct Running(#[expect(dead_code, reason = "held open")] Vec<Connection>);

/// The home of OpenClaw 2026.9.6.
pub(crate) fn present(machine: &Machine) -> Running {
    let config = json!({
        "agents": {
            "defaults": {
                "workspace": "~/.openclaw/workspace",
                "model": { "primary": "fakes/fake-1" },
                "models": { "fakes/fake-1": {} },
            },
            "entries": {
                "main": { "name": "main", "workspace": "~/.openclaw/workspace", "agentDir": "~/.openclaw/agents/main/agent", "identity": { "name": "main" } },
                "work": { "workspace": "~/work-agent" },
            },
        },
        "meta": { "lastTouchedVersion": "2026.9.6" },
        "gateway": { "$include": "./gateway.json5" },
        "tools": { "profile": "full", "web": { "search": { "apiKey": EXTRA } } },
        "logging": { "level": "verbose" },
        "models": { "mode": "merge", "providers": {
            "fakes": {
                "baseUrl": "http://127.0.0.1:18082/v1", "api": "openai-completions", "apiKey": "${FAKES_KEY}",
                "headers": { "X-Title": "mine", "Authorization": "Bearer ${FAKES_KEY}" },
                "models": [{ "id": "fake-1", "name": "Fake", "contextWindow": 128_000, "maxTokens": 4096, "input": ["text"] }],
            },
            "gemini": { "baseUrl": "https://generativelanguage.googleapis.com", "api": "google-generative-ai", "apiKey": "AIzaNotTaken" },
            "xai": { "baseUrl": "https://api.x.ai/v1", "api": "openai-responses", "apiKey": { "source": "store", "provider": "default", "id": "XAI_KEY" } },
        } },
        "browser": { "enabled": true, "controlPort": 28791, "profiles": { "mine": { "cdpPort": 28800 } } },
        "channels": {
            "telegram": {
                "enabled": true, "botToken": BOT, "dmPolicy": "pairing", "allowFrom": [424_242, "tg:434343", "@somebody"],
                "apiRoot": "http://127.0.0.1:18081", "groups": { "*": { "requireMention": true } },
                "accounts": { "second": { "botToken": { "source": "file", "provider": "mine", "id": "/bots/second" } } },
            },
            "discord": { "token": "discord-token-that-stays-0001" },
        },
        "secrets": { "providers": { "mine": { "source": "file", "path": "~/.openclaw/secrets.json", "mode": "json" } } },
        "auth": { "profiles": { "openrouter:manual": { "provider": "openrouter", "mode": "token" } } },
        "commands": { "ownerAllowFrom": ["telegram:424242"] },
        "hooks": { "enabled": true, "token": "hook-token-that-stays-0001" },
    });
    machine.put(".openclaw/openclaw.json", &format!("// mine\n{config:#}\n"));
    machine.put(
        ".openclaw/gateway.json5",
        "{ mode: 'local', port: 28789, bind: 'loopback', auth: { mode: 'token', token: '${OPENCLAW_GATEWAY_TOKEN}' }, tailscale: { mode: 'off' } }",
    );
    machine.put(".openclaw/.env", &format!("OPENCLAW_GATEWAY_TOKEN={GATEWAY_TOKEN}\nexport FAKES_KEY=\"{MODEL_KEY}\"\nHOME_ASSISTANT_URL=http://ha.local\n"));
    machine.put(".openclaw/secrets.json", &json!({ "bots": { "second": SECOND_BOT } }).to_string());
    machine.put(".openclaw/workspace/AGENTS.md", "# Be kind\n");
    machine.put(".openclaw/workspace/MEMORY.md", "Ann likes ships.\n");
    machine.put(".openclaw/workspace/memory/2026-11-01.md", "Talked about bulkheads.\n");
    machine.put(".openclaw/workspace/notes.txt", &format!("the key is {MODEL_KEY}\n"));
    machine.put("work-agent/AGENTS.md", "# Work\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/hostname", machine.home.path().join(".openclaw/workspace/host"))
        .unwrap();
    Running(vec![state(machine), agent(machine)])
}

fn open(machine: &Machine, path: &str, tables: &str) -> Connection {
    let path = machine.put(path, "");
    fs::remove_file(&path).unwrap();
    let database = Connection::open(path).unwrap();
    database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;").unwrap();
    database.execute_batch(tables).unwrap();
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    database
}

fn state(machine: &Machine) -> Connection {
    let database = open(
        machine,
        ".openclaw/state/openclaw.sqlite",
        "CREATE TABLE config_machine_state (state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL, updated_at_ms INTEGER NOT NULL) STRICT;
         CREATE TABLE channel_pairing_allow_entries (channel_key TEXT NOT NULL, account_id TEXT NOT NULL, entry TEXT NOT NULL, sort_order INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (channel_key, account_id, entry)) STRICT;
         CREATE TABLE cron_jobs (store_key TEXT NOT NULL, job_id TEXT NOT NULL, job_json TEXT NOT NULL, sort_order INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (store_key, job_id)) STRICT;
         CREATE TABLE secret_store_entries (scope_kind TEXT NOT NULL, scope_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, kind TEXT NOT NULL, deleted_at_ms INTEGER, PRIMARY KEY (scope_kind, scope_id, name)) STRICT;
         CREATE TABLE device_pairing_paired (device_id TEXT NOT NULL PRIMARY KEY, public_key TEXT NOT NULL) STRICT;",
    );
    let profiles = json!({ "version": 1, "profiles": {
        "openrouter:manual": { "type": "token", "provider": "openrouter", "token": OPENROUTER_KEY },
        "openai:me": { "type": "oauth", "provider": "openai", "access": "oauth-access-that-stays", "refresh": "oauth-refresh-that-stays" },
    } });
    // As it writes them (`job_json`).
    let job = |id: &str, name: &str, payload: Value, delivery: Value| {
        json!({
            "id": id, "name": name, "enabled": true, "createdAtMs": 1_793_520_000_000_i64,
            "schedule": { "kind": "cron", "expr": "0 8 * * *", "tz": "Europe/Berlin" }, "sessionTarget": "isolated",
            "wakeMode": "now", "payload": payload, "delivery": delivery,
            "scheduledToolPolicy": { "version": 1, "mode": "trusted" }, "state": {},
        })
    };
    let asks = json!({ "kind": "agentTurn", "message": "Say good morning", "toolsAllow": ["*"] });
    let morning = job("j1", "morning", asks.clone(), json!({ "mode": "announce", "channel": "last" }));
    let hook = job("j3", "report", asks, json!({ "mode": "webhook", "to": "https://x.example/?token=abc" }));
    let command =
        job("j4", "tidy", json!({ "kind": "command", "command": "rm *.tmp" }), json!({ "mode": "none" }));
    let own = json!({ "id": "j2", "declarationKey": "heartbeat:main", "name": "heartbeat-main" });
    database
        .execute(
            "INSERT INTO config_machine_state VALUES ('authProfiles.store', ?1, 1)",
            [profiles.to_string()],
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO channel_pairing_allow_entries VALUES ('telegram', 'default', '515151', 0, 1)",
            [],
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO cron_jobs VALUES ('s', 'j1', ?1, 0), ('s', 'j2', ?2, 1), ('s', 'j3', ?3, 2), ('s', 'j4', ?4, 3)",
            [morning, own, hook, command].map(|job| job.to_string()),
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO secret_store_entries VALUES ('team', '', 'XAI_KEY', ?1, 'secret', NULL)",
            [STORED],
        )
        .unwrap();
    database.execute("INSERT INTO device_pairing_paired VALUES ('d1', 'k1')", []).unwrap();
    database
}

fn agent(machine: &Machine) -> Connection {
    let database = open(
        machine,
        ".openclaw/agents/main/agent/openclaw-agent.sqlite",
        "CREATE TABLE session_nodes (session_key TEXT NOT NULL PRIMARY KEY, current_session_id TEXT NOT NULL, entry_json TEXT NOT NULL, updated_at INTEGER NOT NULL, created_at INTEGER, label TEXT, display_name TEXT) STRICT;
         CREATE TABLE transcript_events (session_id TEXT NOT NULL, seq INTEGER NOT NULL, event_json TEXT, created_at INTEGER NOT NULL, event_zstd BLOB, PRIMARY KEY (session_id, seq)) STRICT;
         CREATE TABLE session_transcript_active_events (session_id TEXT NOT NULL, active_position INTEGER NOT NULL, event_seq INTEGER NOT NULL, PRIMARY KEY (session_id, active_position)) STRICT;",
    );
    let node = |key: &str, id: &str, name: &str| {
        database
            .execute("INSERT INTO session_nodes VALUES (?1, ?2, '{\"chatType\":\"direct\"}', 1793527300000, 1793527200000, NULL, ?3)", [key, id, name])
            .unwrap();
    };
    node("agent:main:main", "s-main", "Hello from the owner");
    node("agent:main:telegram:direct:515151", "s-bob", "Bob");
    node("agent:main:cron:j1", "s-cron", "morning");
    let event = |id: &str, seq: i64, event: Value| {
        database
            .execute(
                "INSERT INTO transcript_events VALUES (?1, ?2, ?3, 1793527200000, NULL)",
                (id, seq, event.to_string()),
            )
            .unwrap();
    };
    event("s-main", 0, json!({"type": "session", "version": 4, "id": "s-main"}));
    event(
        "s-main",
        1,
        json!({"type": "message", "id": "m1", "parentId": null, "message": {"role": "user", "content": "hello", "timestamp": 1_793_527_200_000_i64, "__openclaw": {"senderName": "Ann"}}}),
    );
    event(
        "s-main",
        2,
        json!({"type": "message", "id": "m2", "parentId": "m1", "message": {"role": "assistant", "content": [{"type": "text", "text": format!("your key is {MODEL_KEY}, I think")}], "provider": "fakes", "model": "fake-1", "stopReason": "stop", "timestamp": 1_793_527_201_000_i64}}),
    );
    let packed: Vec<u8> =
        (0..PACKED.len()).step_by(2).map(|at| u8::from_str_radix(&PACKED[at..at + 2], 16).unwrap()).collect();
    database
        .execute("INSERT INTO transcript_events VALUES ('s-main', 3, NULL, 1793527202000, ?1)", [packed])
        .unwrap();
    event(
        "s-main",
        4,
        json!({"type": "message", "id": "mx", "parentId": "m1", "message": {"role": "assistant", "content": [{"type": "text", "text": "rewound"}]}}),
    );
    for (position, seq) in [1, 2, 3].into_iter().enumerate() {
        database
            .execute(
                "INSERT INTO session_transcript_active_events VALUES ('s-main', ?1, ?2)",
                (i64::try_from(position).unwrap(), seq),
            )
            .unwrap();
    }
    event(
        "s-bob",
        1,
        json!({"type": "message", "id": "b1", "parentId": null, "message": {"role": "user", "content": "hi from Bob", "timestamp": 1_793_527_203_000_i64}}),
    );
    database
}

/// The home that OpenClaw kept in files, before it had databases.
pub(crate) fn earlier(machine: &Machine) {
    machine.put(
        ".openclaw/openclaw.json",
        &json!({
            "agents": { "defaults": { "model": "anthropic/claude-x" }, "list": [{ "id": "main", "default": true }] },
            "gateway": { "mode": "local", "auth": { "mode": "password", "password": GATEWAY_TOKEN } },
            "channels": { "telegram": { "tokenFile": "~/.openclaw/bot.txt", "dmPolicy": "allowlist" } },
        })
        .to_string(),
    );
    machine.put(".openclaw/bot.txt", &format!("{BOT}\n"));
    machine.put(".openclaw/credentials/telegram-allowFrom.json", r#"{"version":1,"allowFrom":["515151"]}"#);
    machine.put(".openclaw/credentials/telegram-ops-allowFrom.json", r#"{"version":1,"allowFrom":[616161]}"#);
    machine.put(
        ".openclaw/agents/main/agent/auth-profiles.json",
        &json!({ "version": 1, "profiles": { "anthropic:default": { "type": "api_key", "provider": "anthropic", "key": MODEL_KEY } } }).to_string(),
    );
    machine.put(
        ".openclaw/agents/main/sessions/sessions.json",
        &json!({ "agent:main:main": { "sessionId": "old-1", "updatedAt": 1_793_527_300_000_i64, "label": "Old times" }, "agent:main:telegram:group:-100": { "sessionId": "gone", "updatedAt": 1 } }).to_string(),
    );
    let lines = [
        json!({"type": "session", "version": 3, "id": "old-1", "timestamp": "2026-04-01T10:00:00.000Z"}),
        json!({"type": "message", "id": "a", "parentId": null, "timestamp": "2026-04-01T10:00:01.000Z", "message": {"role": "user", "content": [{"type": "text", "text": "from old times"}]}}),
        json!({"type": "message", "id": "b", "parentId": "a", "timestamp": "2026-04-01T10:00:02.000Z", "message": {"role": "assistant", "content": [{"type": "text", "text": "hello then"}]}}),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    machine.put(".openclaw/agents/main/sessions/old-1.jsonl", &format!("{text}\n{{\"type\":\"mess"));
    machine.put(".openclaw/cron/jobs.json", r#"{"version":1,"jobs":[{"id":"x","name":"water","schedule":{"kind":"every","everyMs":3600000},"payload":{"kind":"systemEvent","text":"Water the plants"}}]}"#);
}

/// Every file below a folder with content and time: what must not change.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if metadata.is_dir() {
                files.insert(format!("{name}/"), (Vec::new(), metadata.modified().unwrap()));
                dirs.push(path);
            } else if metadata.is_file() {
                files.insert(name, (fs::read(&path).unwrap(), metadata.modified().unwrap()));
            } else {
                files.insert(name, (Vec::new(), metadata.modified().unwrap()));
            }
        }
    }
    files
}
