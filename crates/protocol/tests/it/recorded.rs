use std::collections::BTreeMap;
use std::fs;

use bulkhead_protocol::methods::chat::ChatEvent;
use bulkhead_protocol::methods::{self, agent, channels, chat, config, health, logs, models, sessions};
use bulkhead_protocol::{Challenge, ConnectParams, Frame, HelloOk, RequestFrame, device_auth, params};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::places;

struct Line {
    connection: String,
    to_gateway: bool,
    text: String,
}

fn lines() -> Option<Vec<Line>> {
    let folder = places::facts()?.join("recordings");
    let mut all = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        for text in fs::read_to_string(&path).unwrap().lines() {
            // Lines over 30,000 characters were cut when they were recorded.
            let Ok(line) = serde_json::from_str::<Value>(text) else { continue };
            if line["kind"] != "frame" || !line["frame"].is_object() {
                continue;
            }
            all.push(Line {
                connection: format!("{}/{}", path.display(), line["conn"].as_str().unwrap_or_default()),
                to_gateway: line["dir"] == "c2s",
                text: line["frame"].to_string(),
            });
        }
    }
    assert!(all.len() > 100, "only {} frames were recorded", all.len());
    Some(all)
}

#[test]
fn every_recorded_frame_is_read() {
    let Some(lines) = lines() else { return };
    let (mut hellos, mut chats) = (0, 0);
    for line in &lines {
        match Frame::parse(&line.text) {
            Ok(Frame::Request(_)) => assert!(line.to_gateway),
            Ok(Frame::Response(frame)) => {
                let Some(payload) = frame.payload.filter(|raw| raw.get().contains("\"hello-ok\"")) else {
                    continue;
                };
                let hello: HelloOk = serde_json::from_str(payload.get()).unwrap();
                assert_eq!(hello.protocol, 4);
                hellos += 1;
            }
            Ok(Frame::Event(frame)) if frame.event == "chat" => {
                serde_json::from_str::<ChatEvent>(frame.payload.unwrap().get()).unwrap();
                chats += 1;
            }
            Ok(Frame::Event(_)) => assert!(!line.to_gateway),
            Err(error) => panic!("{}: {error}\n{}", line.connection, line.text),
        }
    }
    assert!(hellos > 5 && chats > 5, "{hellos} hellos, {chats} chat events");
}

#[test]
fn recorded_device_proofs_are_accepted() {
    let Some(lines) = lines() else { return };
    let mut nonces = BTreeMap::new();
    let (mut connects, mut proofs) = (0, 0);
    for line in &lines {
        match Frame::parse(&line.text).unwrap() {
            Frame::Event(frame) if frame.event == "connect.challenge" => {
                let challenge: Challenge = serde_json::from_str(frame.payload.unwrap().get()).unwrap();
                nonces.insert(&line.connection, challenge.nonce);
            }
            Frame::Request(frame) if frame.method == "connect" => {
                let connect = ConnectParams::parse(frame.params.as_deref()).unwrap();
                assert!(connect.speaks_our_protocol());
                connects += 1;
                let Some(device) = &connect.device else { continue };
                let nonce = &nonces[&line.connection];
                let version = device_auth::verify(&connect, device, nonce, device.signed_at).unwrap();
                assert_eq!(version, device_auth::ProofVersion::V3);
                proofs += 1;
            }
            _ => {}
        }
    }
    assert!(connects > 5 && proofs > 0, "{connects} connects, {proofs} proofs");
}

fn read(method: &str, raw: Option<&RawValue>) -> Result<(), String> {
    fn as_<T: serde::de::DeserializeOwned>(method: &str, raw: Option<&RawValue>) -> Result<(), String> {
        params::parse::<T>(method, raw).map(drop).map_err(|error| error.message)
    }
    match method {
        "health" => as_::<health::HealthParams>(method, raw),
        "status" => as_::<health::StatusParams>(method, raw),
        "channels.status" => as_::<channels::ChannelsStatusParams>(method, raw),
        "channels.pairing.list" => as_::<channels::ChannelsPairingListParams>(method, raw),
        "models.list" => as_::<models::ModelsListParams>(method, raw),
        "sessions.list" => as_::<sessions::SessionsListParams>(method, raw),
        "sessions.describe" => as_::<sessions::SessionsDescribeParams>(method, raw),
        "sessions.messages.subscribe" => as_::<sessions::SessionsMessagesParams>(method, raw),
        "chat.startup" | "chat.history" => as_::<chat::ChatHistoryParams>(method, raw),
        "chat.send" => as_::<chat::ChatSendParams>(method, raw),
        "chat.abort" => as_::<chat::ChatAbortParams>(method, raw),
        "agent" => as_::<agent::AgentParams>(method, raw),
        "agent.wait" => as_::<agent::AgentWaitParams>(method, raw),
        "config.patch" => as_::<config::ConfigPatchParams>(method, raw),
        "logs.tail" => as_::<logs::LogsTailParams>(method, raw),
        _ => Ok(()),
    }
}

#[test]
fn recorded_parameters_are_read() {
    let Some(folder) = places::facts() else { return };
    let mut seen = 0;
    for row in methods::METHODS {
        let Ok(text) = fs::read_to_string(folder.join(format!("samples/rpc.{}.json", row.name))) else {
            continue;
        };
        for sample in serde_json::from_str::<Vec<Value>>(&text).unwrap() {
            let raw = sample
                .get("params")
                .filter(|value| !value.is_null())
                .map(|value| to_raw_value(value).unwrap());
            read(row.name, raw.as_deref()).unwrap_or_else(|problem| panic!("{}: {problem}", row.name));
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
    for line in lines().unwrap_or_default() {
        let Ok(frame) = RequestFrame::parse(&line.text) else { continue };
        read(&frame.method, frame.params.as_deref())
            .unwrap_or_else(|problem| panic!("{}: {problem}", frame.method));
    }
}
