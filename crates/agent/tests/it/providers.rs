//! Each wire format by itself.

use std::time::Duration;

use bulkhead_agent::provider::{list_models, probe};
use bulkhead_agent::{
    ProviderApi, ProviderErrorKind, ProviderSettings, RunInput, RunStatus, Thinking, ToolSet, provider,
};
use bulkhead_fakes::model::{Fault, ModelServer, ModelServerOptions};

use crate::support::{ALL, KEY, ask, provider as fake, quick, run, server, settings, shown};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn models_are_listed() {
    for api in ALL {
        let server = server().await;
        let models = list_models(&*fake(api, &server), LIMIT).await.unwrap();
        let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["fake-1", "fake-2"], "{api:?}");
    }
}

#[tokio::test]
async fn a_probe_measures_a_live_answer() {
    for api in ALL {
        let server = server().await;
        let probed = probe(&*fake(api, &server), "fake-2", LIMIT).await.unwrap();
        assert_eq!(probed.model, "fake-2");
        assert!(probed.text.contains("single word"), "{api:?}: {probed:?}");
        assert!(probed.usage.output > 0 && probed.usage.input > 0, "{api:?}: {probed:?}");
        assert_eq!(server.control.chat_requests().len(), 1);
    }
}

#[tokio::test]
async fn a_probe_that_is_not_answered_ends_in_time() {
    let server = server().await;
    server.control.fail_next(Fault::Never);
    let error =
        probe(&*fake(ProviderApi::OpenAi, &server), "fake-1", Duration::from_millis(500)).await.unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Timeout);
    server.control.wait_for_abandoned(1).await;
}

#[tokio::test]
async fn text_arrives_in_pieces_and_whole() {
    for api in ALL {
        let server = server().await;
        let text = "DO: piece 5; say \"Grüße, 世界 — \" . words(300)";
        let (outcome, events) = ask(quick(fake(api, &server)), text).await;
        assert_eq!(outcome.status, RunStatus::Ok, "{api:?}: {:?}", outcome.error);
        assert!(outcome.text.starts_with("Grüße, 世界 — word1 ") && outcome.text.ends_with(" word300"));
        assert_eq!(shown(&events), outcome.text);
        assert_eq!(outcome.usage.output, outcome.text.split_whitespace().count() as u64, "{api:?}");
        assert!(outcome.usage.input > 0);
    }
}

#[tokio::test]
async fn the_key_goes_where_the_format_wants_it_and_nowhere_else() {
    for api in ALL {
        let server = server().await;
        ask(quick(fake(api, &server)), "ECHO hi").await;
        let request = server.control.chat_requests().remove(0);
        let expected = match api {
            ProviderApi::Anthropic => ("x-api-key", KEY.to_owned()),
            _ => ("authorization", format!("Bearer {KEY}")),
        };
        let holding: Vec<(&str, String)> = request
            .headers
            .iter()
            .filter(|(_, value)| value.contains(KEY))
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        assert_eq!(holding, [expected]);
        assert!(!request.body.to_string().contains(KEY) && request.query.is_none());
        assert!(request.headers["user-agent"].starts_with("bulkhead/"));
    }
}

#[tokio::test]
async fn no_key_means_no_header_and_extra_headers_are_sent() {
    let server = ModelServer::start(ModelServerOptions::default()).await.unwrap();
    for api in ALL {
        let mut settings = settings(api, &server);
        settings.api_key = None;
        settings.headers.insert("X-Team".into(), "blue".into());
        let (outcome, _) = ask(quick(provider::build(settings).unwrap()), "ECHO hi").await;
        assert_eq!(outcome.text, "hi");
        let request = server.control.chat_requests().pop().unwrap();
        assert!(!request.headers.contains_key("authorization") && !request.headers.contains_key("x-api-key"));
        assert_eq!(request.headers["x-team"], "blue");
    }
}

#[tokio::test]
async fn a_refused_key_is_told_and_never_repeated() {
    for api in ALL {
        let server = server().await;
        let wrong = "sk-wrong-0123456789";
        let settings = settings(api, &server).api_key(wrong);
        let (outcome, events) = ask(quick(provider::build(settings).unwrap()), "hi").await;
        let error = outcome.error.unwrap();
        assert_eq!(error.code(), "model-key-rejected");
        let text = format!("{error} {error:?} {events:?}");
        assert!(!text.contains(wrong), "{text}");
        assert!(
            text.contains("fake at http://127.0.0.1") && text.contains("401") && text.contains("[redacted]"),
            "{text}"
        );
        assert_eq!(server.control.chat_requests().len(), 1, "a wrong key is not tried again");
    }
}

#[tokio::test]
async fn an_unknown_model_is_told() {
    for api in ALL {
        let server = server().await;
        let mut settings = quick(fake(api, &server));
        settings.candidates[0].model = "nope".into();
        let error = ask(settings, "hi").await.0.error.unwrap();
        assert_eq!(error.code(), "model-not-found");
        assert!(error.to_string().contains("nope") && error.to_string().contains("404"), "{error}");
    }
}

#[tokio::test]
async fn keys_never_follow_a_redirect() {
    for api in ALL {
        let (server, other) = (server().await, server().await);
        let location = format!("{}/stolen?token=abc", other.base_url.replace("127.0.0.1", "localhost"));
        server.control.fail_next(Fault::Redirect { location });
        let error = ask(quick(fake(api, &server)), "hi").await.0.error.unwrap();
        assert_eq!(error.code(), "model-redirected");
        assert!(error.to_string().contains("redirect to http://localhost:"), "{error}");
        assert!(!error.to_string().contains("abc") && !error.to_string().contains("stolen"), "{error}");
        assert!(other.control.requests().is_empty());
    }
}

#[tokio::test]
async fn nobody_there_is_told_without_a_url() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let settings =
        ProviderSettings::new("gone", ProviderApi::OpenAi, format!("http://127.0.0.1:{port}/v1/secret-path"));
    let error = ask(quick(provider::build(settings).unwrap()), "hi").await.0.error.unwrap();
    assert_eq!(error.code(), "model-unreachable");
    let text = error.to_string();
    assert!(
        text.contains("refused") && text.contains(&port.to_string()) && !text.contains("secret-path"),
        "{text}"
    );
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    for (url, key) in [
        ("http://u:p@h/v1", KEY),
        ("h/v1", KEY),
        ("https://h/v1?key=hidden", KEY),
        ("https://h/v1", "line\nbreak"),
    ] {
        let error =
            provider::build(ProviderSettings::new("p", ProviderApi::OpenAi, url).api_key(key)).unwrap_err();
        assert_eq!(error.code(), "model-settings-invalid");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hidden") && !text.contains("u:p") && !text.contains("line\nbreak"), "{text}");
    }
}

#[tokio::test]
async fn anthropic_and_ollama_addresses_may_carry_a_version() {
    for (api, path) in [
        (ProviderApi::Anthropic, "/v1"),
        (ProviderApi::Anthropic, "/v1/messages"),
        (ProviderApi::Ollama, "/v1"),
        (ProviderApi::Ollama, "/api"),
    ] {
        let server = server().await;
        let settings = ProviderSettings::new("p", api, format!("{}{path}/", server.base_url)).api_key(KEY);
        let (outcome, _) = ask(quick(provider::build(settings).unwrap()), "ECHO hi").await;
        assert_eq!(outcome.text, "hi", "{api:?} {path}");
    }
}

#[tokio::test]
async fn ollama_is_told_how_much_context_it_needs() {
    let server = server().await;
    let mut settings = quick(fake(ProviderApi::Ollama, &server));
    settings.candidates[0].context_window = Some(16_384);
    run(settings, RunInput::new("s", "r", "hi"), &ToolSet::default()).await;
    assert_eq!(server.control.chat_requests()[0].body["options"]["num_ctx"], 16_384);
}

#[tokio::test]
async fn a_proxy_is_used_when_named() {
    // The fake answers absolute-form requests like any others, so it can stand in for a plain HTTP proxy.
    let proxy = server().await;
    let mut settings =
        ProviderSettings::new("p", ProviderApi::OpenAi, "http://model.invalid/v1").api_key(KEY);
    settings.proxy = Some(proxy.base_url.clone());
    let (outcome, _) = ask(quick(provider::build(settings).unwrap()), "ECHO through").await;
    assert_eq!(outcome.text, "through", "{:?}", outcome.error);
    assert_eq!(proxy.control.chat_requests()[0].headers["host"], "model.invalid");
}

#[tokio::test]
async fn how_hard_to_think_is_told_in_the_words_of_each_format() {
    let fields = ["reasoning_effort", "thinking", "think", "max_tokens"];
    for (api, level, expected) in [
        (ProviderApi::OpenAi, Some(Thinking::High), serde_json::json!({"reasoning_effort": "high"})),
        (ProviderApi::OpenAi, Some(Thinking::Off), serde_json::json!({})),
        (
            ProviderApi::Anthropic,
            Some(Thinking::Low),
            serde_json::json!({"thinking": {"type": "enabled", "budget_tokens": 4096}, "max_tokens": 12_288}),
        ),
        (ProviderApi::Anthropic, None, serde_json::json!({"max_tokens": 8192})),
        (ProviderApi::Ollama, Some(Thinking::Medium), serde_json::json!({"think": "medium"})),
        (ProviderApi::Ollama, Some(Thinking::Off), serde_json::json!({"think": false})),
        (ProviderApi::Ollama, None, serde_json::json!({})),
    ] {
        let server = server().await;
        let mut settings = quick(fake(api, &server));
        settings.candidates[0].thinking = level;
        let (outcome, _) = ask(settings, "ECHO hi").await;
        assert_eq!(outcome.status, RunStatus::Ok, "{api:?}: {:?}", outcome.error);
        let body = server.control.chat_requests().remove(0).body;
        for field in fields {
            assert_eq!(body.get(field), expected.get(field), "{api:?} {level:?}: {field} in {body}");
        }
    }
}
