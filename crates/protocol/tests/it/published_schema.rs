use std::collections::BTreeMap;

use bulkhead_protocol::connect::snapshot::{PresenceEntry, SessionDefaults, Snapshot, StateVersion};
use bulkhead_protocol::methods::agent::{AgentEvent, AgentParams, AgentWaitParams};
use bulkhead_protocol::methods::agents::{AgentModel, AgentSummary, AgentsListResult};
use bulkhead_protocol::methods::channels::{
    ChannelAccount, ChannelMeta, ChannelPairingRequest, ChannelsPairingApproveParams,
    ChannelsPairingApproveResult, ChannelsPairingListParams, ChannelsPairingListResult, ChannelsStatusParams,
    ChannelsStatusResult, PairingAccount, PairingLimits,
};
use bulkhead_protocol::methods::chat::{
    ChatAbortParams, ChatEvent, ChatHistoryParams, ChatSendParams, ChatState,
};
use bulkhead_protocol::methods::config::{ConfigPatchParams, ConfigSchemaResult};
use bulkhead_protocol::methods::devices::{DevicePairRemoveParams, DeviceRequestParams, DeviceTokenParams};
use bulkhead_protocol::methods::logs::{LogsTailParams, LogsTailResult};
use bulkhead_protocol::methods::models::{ModelChoice, ModelsListResult};
use bulkhead_protocol::methods::sessions::{
    AllOfThem, Archived, SessionSort, SessionsDescribeParams, SessionsListParams, SessionsMessagesParams,
};
use bulkhead_protocol::{
    AttachmentLimits, ConnectPolicy, ErrorShape, EventFrame, Features, HelloAuth, HelloOk, HelloServer,
    METHODS, PROTOCOL_VERSION, RequestFrame, ResponseFrame, Scope, events, methods,
};
use jsonschema::Validator;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};

use crate::places;

struct Published {
    schema: Value,
}

impl Published {
    fn load() -> Option<Self> {
        places::published_schema().map(|schema| Self { schema })
    }

    fn validator(&self, definition: &str) -> Validator {
        assert!(self.schema["definitions"].get(definition).is_some(), "the schema has no {definition}");
        let one = json!({
            "$schema": self.schema["$schema"],
            "definitions": self.schema["definitions"],
            "$ref": format!("#/definitions/{definition}"),
        });
        jsonschema::validator_for(&one).unwrap()
    }

    fn accepts(&self, definition: &str, value: &impl Serialize) {
        let value = serde_json::to_value(value).unwrap();
        let validator = self.validator(definition);
        let problems: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{definition}: {problems:?}\n{value:#}");
    }
}

fn raw(value: &Value) -> Box<serde_json::value::RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn hello() -> HelloOk {
    HelloOk {
        protocol: PROTOCOL_VERSION,
        server: HelloServer {
            version: "0.1.0".into(),
            build_id: None,
            boot_id: Some("b".into()),
            conn_id: "c".into(),
        },
        features: Features {
            methods: methods::names().map(Into::into).collect(),
            events: events::names().map(Into::into).collect(),
            capabilities: vec!["model-catalog-snapshot".into()],
        },
        snapshot: Snapshot {
            presence: vec![PresenceEntry { host: Some("h".into()), ts: 1, ..PresenceEntry::default() }],
            health: json!({ "ok": true, "ts": 1 }),
            state_version: StateVersion { presence: 1, health: 2 },
            uptime_ms: 3,
            applied_config_hash: Some("sha256:00".into()),
            config_path: Some("/c".into()),
            state_dir: Some("/s".into()),
            session_defaults: Some(SessionDefaults {
                default_agent_id: "main".into(),
                model_configured: Some(true),
                main_key: "main".into(),
                main_session_key: "agent:main:main".into(),
                scope: Some("per-sender".into()),
            }),
            auth_mode: Some("token".into()),
        },
        plugin_surface_urls: BTreeMap::from([("canvas".into(), "http://127.0.0.1:1/x".into())]),
        auth: HelloAuth {
            device_token: Some(SecretString::from("t")),
            role: "operator".into(),
            scopes: vec![Scope::OperatorRead.as_str().into()],
            issued_at_ms: Some(1),
            device_tokens: None,
        },
        policy: ConnectPolicy {
            attachments: Some(AttachmentLimits { max_bytes: 2, max_image_bytes: 1 }),
            ..ConnectPolicy::default()
        },
    }
}

#[test]
fn hello_ok_validates_and_a_mutated_one_does_not() {
    let Some(published) = Published::load() else { return };
    published.accepts("HelloOk", &hello());
    let mut broken = serde_json::to_value(hello()).unwrap();
    broken["policy"]["maxPayload"] = json!("large");
    assert!(!published.validator("HelloOk").is_valid(&broken));
    let mut broken = serde_json::to_value(hello()).unwrap();
    broken["surprise"] = json!(1);
    assert!(!published.validator("HelloOk").is_valid(&broken));
}

#[test]
fn frames_validate() {
    let Some(published) = Published::load() else { return };
    published.accepts(
        "RequestFrame",
        &RequestFrame { id: "1".into(), method: "health".into(), params: Some(raw(&json!({}))) },
    );
    published
        .accepts("RequestFrame", &RequestFrame { id: "1".into(), method: "health".into(), params: None });
    published.accepts(
        "ResponseFrame",
        &ResponseFrame { id: "1".into(), ok: true, payload: Some(raw(&json!({ "a": 1 }))), error: None },
    );
    let error = ErrorShape::forbidden_missing_scope(Scope::OperatorAdmin);
    published.accepts(
        "ResponseFrame",
        &ResponseFrame { id: "1".into(), ok: false, payload: None, error: Some(error) },
    );
    let event = EventFrame {
        event: "tick".into(),
        payload: Some(raw(&json!({ "ts": 1 }))),
        seq: Some(1),
        state_version: Some(StateVersion::default()),
    };
    published.accepts("EventFrame", &event);
    published.accepts("GatewayFrame", &event);
}

/// Served methods that `OpenClaw` 2026.9.6 advertises and the published table does not have yet.
const YOUNGER: &[&str] = &["canvas.document.preview", "canvas.document.view", "tasks.history"];

/// Methods that ask for less in `OpenClaw` 2026.9.6 than in the published table, with what its gateway asks for.
const LIGHTER: &[(&str, &str)] = &[("users.self", "operator.read")];

#[test]
fn every_method_row_says_what_the_published_table_says() {
    let Some(published) = Published::load() else { return };
    let table = published.schema["methods"].as_object().unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    // Ours alone: OpenClaw has no gateway that watches another.
    for row in METHODS.iter().filter(|row| row.since != "bulkhead") {
        let Some(theirs) = table.get(row.name) else {
            // Advertised by the measured gateway, but younger than the published table.
            if !YOUNGER.contains(&row.name) {
                wrong.push(format!("{} is in no table", row.name));
            }
            continue;
        };
        compared += 1;
        let lighter = LIGHTER.iter().find(|(name, _)| *name == row.name).map(|(_, scope)| (*scope).into());
        let expected = (theirs["since"].clone(), lighter.unwrap_or_else(|| theirs["scope"].clone()));
        let scope = if row.dynamic_scope { "dynamic" } else { row.scope.as_str() };
        let ours = (row.since.into(), scope.into());
        if ours != expected {
            wrong.push(format!("{}: {ours:?}, published {expected:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared >= 24, "{compared}");
}

#[test]
fn parameters_validate() {
    let Some(published) = Published::load() else { return };
    let key = || "agent:main:main".to_owned();
    published.accepts(
        "ChatSendParams",
        &ChatSendParams {
            session_key: key(),
            message: "hi".into(),
            deliver: Some(false),
            idempotency_key: "i".into(),
            ..ChatSendParams::default()
        },
    );
    let history = ChatHistoryParams { session_key: key(), limit: Some(5), ..ChatHistoryParams::default() };
    published.accepts("ChatHistoryParams", &history);
    published
        .accepts("ChatAbortParams", &ChatAbortParams { session_key: key(), ..ChatAbortParams::default() });
    published.accepts(
        "AgentParams",
        &AgentParams { message: "hi".into(), idempotency_key: "i".into(), ..AgentParams::default() },
    );
    published.accepts("AgentWaitParams", &AgentWaitParams { run_id: "r".into(), timeout_ms: Some(0) });
    published.accepts(
        "SessionsListParams",
        &SessionsListParams {
            limit: Some(1),
            sort_by: Some(SessionSort::LastInteractionAt),
            archived: Some(Archived::All(AllOfThem::All)),
            ..SessionsListParams::default()
        },
    );
    published.accepts("SessionsDescribeParams", &SessionsDescribeParams { key: key(), ..Default::default() });
    published.accepts(
        "SessionsMessagesSubscribeParams",
        &SessionsMessagesParams { key: key(), include_approvals: Some(true), ..Default::default() },
    );
    published.accepts(
        "SessionsMessagesUnsubscribeParams",
        &SessionsMessagesParams { key: key(), ..Default::default() },
    );
    published.accepts(
        "ConfigPatchParams",
        &ConfigPatchParams { raw: "{}".into(), base_hash: Some("h".into()), ..Default::default() },
    );
    published.accepts(
        "LogsTailParams",
        &LogsTailParams { cursor: Some(0), limit: Some(200), max_bytes: Some(250_000) },
    );
    published
        .accepts("ChannelsStatusParams", &ChannelsStatusParams { probe: Some(true), ..Default::default() });
    published.accepts("ChannelsPairingListParams", &ChannelsPairingListParams::default());
    published.accepts(
        "ChannelsPairingApproveParams",
        &ChannelsPairingApproveParams {
            channel: "telegram".into(),
            account_id: "default".into(),
            request_id: "r".into(),
            notify: Some(true),
            bootstrap_command_owner: None,
        },
    );
    published.accepts("DevicePairApproveParams", &DeviceRequestParams { request_id: "r".into() });
    published.accepts("DevicePairRejectParams", &DeviceRequestParams { request_id: "r".into() });
    published.accepts("DevicePairRemoveParams", &DevicePairRemoveParams { device_id: "d".into() });
    let token = || DeviceTokenParams { device_id: "d".into(), role: "operator".into(), scopes: None };
    published.accepts("DeviceTokenRotateParams", &token());
    published.accepts("DeviceTokenRevokeParams", &token());
}

#[test]
fn results_validate() {
    let Some(published) = Published::load() else { return };
    published.accepts(
        "ChannelsStatusResult",
        &ChannelsStatusResult {
            ts: 1,
            channel_order: vec!["telegram".into()],
            channel_labels: BTreeMap::from([("telegram".into(), "Telegram".into())]),
            channel_meta: vec![ChannelMeta {
                id: "telegram".into(),
                label: "Telegram".into(),
                detail_label: "Telegram bot".into(),
                system_image: None,
            }],
            channels: BTreeMap::from([("telegram".into(), json!({ "configured": true }))]),
            channel_accounts: BTreeMap::from([(
                "telegram".into(),
                vec![ChannelAccount {
                    account_id: "default".into(),
                    running: Some(true),
                    ..Default::default()
                }],
            )]),
            channel_default_account_id: BTreeMap::from([("telegram".into(), "default".into())]),
            ..Default::default()
        },
    );
    let account = PairingAccount {
        channel: "telegram".into(),
        channel_label: "Telegram".into(),
        account_id: "default".into(),
        account_label: None,
        notify_supported: true,
    };
    let request = ChannelPairingRequest {
        request_id: "r".into(),
        channel: "telegram".into(),
        channel_label: "Telegram".into(),
        account_id: "default".into(),
        account_label: None,
        sender_id: "1".into(),
        sender_label: "@one".into(),
        metadata: Some(BTreeMap::from([("code".into(), "ABCDEFGH".into())])),
        created_at: "2026-01-01T00:00:00Z".into(),
        last_seen_at: "2026-01-01T00:00:00Z".into(),
        expires_at: "2026-01-01T01:00:00Z".into(),
        notify_supported: true,
    };
    published.accepts(
        "ChannelsPairingListResult",
        &ChannelsPairingListResult {
            accounts: vec![account],
            requests: vec![request],
            command_owner_configured: false,
            limits: PairingLimits { pending_per_account: 3, ttl_ms: 3_600_000 },
        },
    );
    published.accepts(
        "ChannelsPairingApproveResult",
        &ChannelsPairingApproveResult {
            request_id: "r".into(),
            sender_id: "1".into(),
            notification: "sent".into(),
            command_owner_bootstrap: "not-requested".into(),
        },
    );
    published.accepts(
        "AgentsListResult",
        &AgentsListResult {
            default_id: "main".into(),
            main_key: "main".into(),
            scope: "per-sender".into(),
            agents: vec![AgentSummary {
                id: "main".into(),
                model: Some(AgentModel { primary: Some("p/m".into()), fallbacks: vec!["p/n".into()] }),
                ..Default::default()
            }],
        },
    );
    let choice = ModelChoice {
        id: "m".into(),
        name: "M".into(),
        provider: "p".into(),
        tags: vec!["default".into()],
        available: Some(false),
        unavailable_reason: Some("missing-auth".into()),
        unavailable_until: None,
        context_window: Some(1),
        reasoning: Some(false),
    };
    published.accepts("ModelsListResult", &ModelsListResult { models: vec![choice] });
    let tail = LogsTailResult {
        file: "f".into(),
        cursor: 1,
        size: 1,
        lines: vec!["l".into()],
        ..Default::default()
    };
    published.accepts("LogsTailResult", &tail);
    published.accepts(
        "ConfigSchemaResponse",
        &ConfigSchemaResult {
            schema: json!({}),
            ui_hints: serde_json::Map::default(),
            version: "1".into(),
            generated_at: "2026-01-01T00:00:00Z".into(),
        },
    );
}

#[test]
fn events_validate() {
    let Some(published) = Published::load() else { return };
    let states = [
        ChatState::Status { phase: "starting_model".into() },
        ChatState::Delta { delta_text: "a".into(), message: None, replace: Some(true) },
        ChatState::Final { message: Some(json!({})), usage: None, stop_reason: Some("stop".into()) },
        ChatState::Aborted { message: None, stop_reason: Some("rpc".into()) },
        ChatState::Error { error_message: Some("no".into()), error_kind: Some("timeout".into()) },
    ];
    for state in states {
        let event = ChatEvent {
            run_id: "r".into(),
            session_key: "agent:main:main".into(),
            agent_id: Some("main".into()),
            seq: 1,
            state,
        };
        published.accepts("ChatEvent", &event);
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<ChatEvent>(&text).unwrap(), event);
    }
    // `AgentEvent` as published knows no session; the measured gateway sends one.
    let event = AgentEvent {
        run_id: "r".into(),
        session_key: None,
        agent_id: None,
        stream: "assistant".into(),
        data: json!({ "text": "a", "delta": "a" }),
        seq: 1,
        ts: 1,
    };
    published.accepts("AgentEvent", &event);
}
