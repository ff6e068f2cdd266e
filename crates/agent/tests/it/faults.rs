//! What happens when the provider misbehaves.

use std::time::{Duration, Instant};

use bulkhead_agent::{ModelMessage, ProviderApi, RunEvent, RunInput, RunStatus};
use bulkhead_fakes::model::Fault;
use bulkhead_fakes::model::fault::PlannedFault;

use crate::support::{ALL, appended, ask, provider, quick, retries, run, server, shown, tools, workspace};

fn status(status: u16) -> Fault {
    Fault::Status { status, retry_after: None }
}

#[tokio::test]
async fn a_busy_or_broken_provider_is_asked_again() {
    for api in ALL {
        for fault in [status(429), status(500), status(503), status(529), Fault::Reset] {
            let server = server().await;
            server.control.plan(PlannedFault::next(fault.clone()).times(2));
            let (outcome, events) = ask(quick(provider(api, &server)), "ECHO at last").await;
            assert_eq!(outcome.text, "at last", "{api:?} {fault:?}: {:?}", outcome.error);
            assert_eq!((retries(&events), server.control.chat_requests().len()), (2, 3), "{api:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    for (fault, code) in [(status(429), "model-rate-limited"), (status(502), "model-unavailable")] {
        let server = server().await;
        server.control.plan(PlannedFault::next(fault).times(100));
        let (outcome, events) = ask(quick(provider(ProviderApi::OpenAi, &server)), "hi").await;
        assert_eq!(outcome.error.unwrap().code(), code);
        assert_eq!((retries(&events), server.control.chat_requests().len()), (3, 4));
    }
}

#[tokio::test]
async fn what_cannot_heal_is_not_tried_again() {
    for code in [400, 401, 403, 404, 422] {
        let server = server().await;
        server.control.plan(PlannedFault::next(status(code)).times(100));
        let (outcome, _) = ask(quick(provider(ProviderApi::Anthropic, &server)), "hi").await;
        assert_eq!(outcome.status, RunStatus::Error);
        assert_eq!(server.control.chat_requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_providers_waiting_time_is_obeyed_up_to_a_bound() {
    let server = server().await;
    server.control.fail_next(Fault::Status { status: 429, retry_after: Some("1".into()) });
    let started = Instant::now();
    let (outcome, events) = ask(quick(provider(ProviderApi::OpenAi, &server)), "ECHO ok").await;
    assert_eq!(outcome.text, "ok");
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert!(
        events
            .iter()
            .any(|event| matches!(event, RunEvent::Retrying { wait, .. } if *wait == Duration::from_secs(1)))
    );

    server.control.fail_next(Fault::Status { status: 429, retry_after: Some("3600".into()) });
    let (outcome, events) = ask(quick(provider(ProviderApi::OpenAi, &server)), "ECHO ok").await;
    assert_eq!(outcome.error.unwrap().code(), "model-rate-limited");
    assert_eq!(retries(&events), 0);
}

#[tokio::test]
async fn an_abort_ends_a_pause_at_once() {
    let server = server().await;
    server.control.fail_next(Fault::Status { status: 429, retry_after: Some("600".into()) });
    let mut settings = quick(provider(ProviderApi::OpenAi, &server));
    settings.retry.longest_retry_after = Duration::from_secs(1000);
    let cancel = tokio_util::sync::CancellationToken::new();
    let (sender, mut events) = tokio::sync::mpsc::channel(8);
    let token = cancel.clone();
    let task = tokio::spawn(async move {
        let agent = bulkhead_agent::AgentRun::new(settings);
        agent.run(RunInput::new("s", "r", "hi"), &bulkhead_agent::ToolSet::default(), sender, token).await
    });
    while let Some(event) = events.recv().await {
        if matches!(event, RunEvent::Retrying { .. }) {
            cancel.cancel();
        }
    }
    assert_eq!(task.await.unwrap().status, RunStatus::Aborted);
}

#[tokio::test]
async fn a_stream_cut_before_anything_was_shown_is_begun_again() {
    for api in ALL {
        // The cut strikes within a tool call, of which nothing is shown and nothing was run.
        for fault in [Fault::CutTool, Fault::BadJson, Fault::StreamError] {
            let server = server().await;
            let (_folder, workspace) = workspace(&[("n", "7")]);
            server.control.fail_next(fault.clone());
            let input = RunInput::new("s", "r", r#"DO: piece 4; tool read {"path":"n"}; say toolresult"#);
            let (outcome, events) = run(quick(provider(api, &server)), input, &tools(&workspace)).await;
            assert_eq!(outcome.text, "7", "{api:?} {fault:?}: {:?}", outcome.error);
            assert_eq!(retries(&events), 1, "{api:?} {fault:?}");
            let calls = events.iter().filter(|event| matches!(event, RunEvent::ToolStart { .. })).count();
            assert_eq!(calls, 1, "{api:?} {fault:?}: a cut call never runs");
        }
    }
}

#[tokio::test]
async fn a_stream_cut_after_text_was_shown_is_a_clear_error_for_those_who_only_append() {
    for api in ALL {
        for fault in [Fault::Cut { after: 20 }, Fault::End { after: 20 }] {
            let server = server().await;
            server.control.fail_next(fault.clone());
            let (outcome, events) = ask(quick(provider(api, &server)), "DO: piece 5; say words(30)").await;
            assert_eq!(outcome.error.as_ref().unwrap().code(), "model-stream-cut", "{api:?} {fault:?}");
            assert_eq!(retries(&events), 0);
            assert_eq!(appended(&events), outcome.text);
            assert!(outcome.text.starts_with("word1"));
            assert!(matches!(&outcome.messages[..], [ModelMessage::Assistant { interrupted: true, .. }]));
        }
    }
}

#[tokio::test]
async fn a_cut_stream_is_begun_again_for_those_who_can_replace_what_they_show() {
    for api in ALL {
        for fault in [Fault::Cut { after: 20 }, Fault::End { after: 20 }, Fault::StreamError] {
            let server = server().await;
            server.control.fail_next(fault.clone());
            let settings = quick(provider(api, &server)).revisable(true);
            let (outcome, events) = ask(settings, "DO: piece 5; say words(30)").await;
            assert_eq!(outcome.status, RunStatus::Ok, "{api:?} {fault:?}: {:?}", outcome.error);
            assert!(outcome.text.ends_with("word30") && outcome.text.matches("word1 ").count() == 1);
            assert_eq!(shown(&events), outcome.text);
            assert_eq!(retries(&events), 1);
        }
    }
}

#[tokio::test]
async fn silence_ends_in_time() {
    for (fault, shown_before) in [(Fault::Never, false), (Fault::Stall, true)] {
        let server = server().await;
        server.control.fail_next(fault);
        let mut settings = quick(provider(ProviderApi::Ollama, &server));
        settings.first_timeout = Duration::from_millis(if shown_before { 5_000 } else { 50 });
        settings.stall_timeout = Duration::from_millis(50);
        let (outcome, _) = ask(settings, "DO: say words(30)").await;
        assert_eq!(outcome.error.unwrap().code(), "model-timeout");
        assert_eq!(!outcome.text.is_empty(), shown_before);
        server.control.wait_for_abandoned(1).await;
    }
}

#[tokio::test]
async fn something_else_than_a_model_is_told() {
    for api in ALL {
        let server = server().await;
        server.control.plan(PlannedFault::next(Fault::Html).times(100));
        let (outcome, _) = ask(quick(provider(api, &server)), "hi").await;
        let error = outcome.error.unwrap();
        assert_eq!(error.code(), "model-reply-unreadable", "{api:?}: {error}");
        assert!(server.control.chat_requests().len() <= 3);
    }
}

#[tokio::test]
async fn the_next_model_is_asked_when_the_first_fails() {
    let (down, up) = (server().await, server().await);
    down.control.plan(PlannedFault::next(status(500)).times(100));
    let settings =
        quick(provider(ProviderApi::OpenAi, &down)).fallback(provider(ProviderApi::Anthropic, &up), "fake-2");
    let (outcome, events) = ask(settings, "DO: say model").await;
    assert_eq!(outcome.text, "fake-2", "{:?}", outcome.error);
    assert_eq!(outcome.model.1, "fake-2");
    assert!(
        events.iter().any(|event| matches!(event, RunEvent::FellBack { model, .. } if model == "fake-2"))
    );
}

#[tokio::test]
async fn an_empty_answer_is_an_error() {
    let server = server().await;
    let (outcome, _) = ask(quick(provider(ProviderApi::OpenAi, &server)), "DO: say \"\"").await;
    assert_eq!(outcome.error.unwrap().code(), "model-empty-answer");
}
