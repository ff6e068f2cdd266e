//! Whole runs: memory, prompt and tools together, limits, aborts, queues.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_agent::prompt::{PromptFacts, system_prompt};
use bulkhead_agent::{
    AgentRun, Lanes, ModelMessage, ProviderApi, RunEvent, RunInput, RunStatus, Tool, ToolContext, ToolOutput,
    ToolSet,
};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::support::{ALL, ask, provider, quick, run, server, shown, tools, workspace};

#[tokio::test]
async fn an_answer_is_computed_from_an_earlier_turn_the_workspace_and_a_tool() {
    for api in ALL {
        let server = server().await;
        let (_folder, workspace) =
            workspace(&[("AGENTS.md", "# Agent\nMARKER: 2000\n"), ("deep/secret.txt", "30\n")]);
        let tools = tools(&workspace);
        let prompt = system_prompt(&workspace, &PromptFacts::default()).text;

        let first = RunInput::new("s", "1", "REMEMBER 411").system(&*prompt);
        let (outcome, _) = run(quick(provider(api, &server)), first, &tools).await;
        assert_eq!(outcome.text, "Noted: 411", "{api:?}: {:?}", outcome.error);
        let mut history = vec![ModelMessage::user("REMEMBER 411")];
        history.extend(outcome.messages);

        let question = r#"DO: tool read {"path":"deep/secret.txt"}; say recall + marker + toolresult"#;
        let second = RunInput::new("s", "2", question).system(&*prompt).history(history);
        let (outcome, events) = run(quick(provider(api, &server)), second, &tools).await;
        assert_eq!(outcome.text, "2441", "{api:?}: {:?}", outcome.error);
        assert_eq!(outcome.messages.len(), 3, "call, result, answer");
        let told: Vec<&ModelMessage> = events
            .iter()
            .filter_map(|event| match event {
                RunEvent::Message(message) => Some(message),
                _ => None,
            })
            .collect();
        assert_eq!(told, outcome.messages.iter().collect::<Vec<_>>());
        let tools_seen: Vec<String> = events
            .iter()
            .filter_map(|event| match event {
                RunEvent::ToolStart { name, args, .. } => Some(format!("{name} {args}")),
                RunEvent::ToolEnd { result, is_error, .. } => Some(format!("{} {is_error}", result.trim())),
                _ => None,
            })
            .collect();
        assert_eq!(tools_seen, [r#"read {"path":"deep/secret.txt"}"#, "30 false"]);
        assert!(matches!(events.last(), Some(RunEvent::Finished { status: RunStatus::Ok, .. })));
    }
}

#[tokio::test]
async fn several_tools_in_one_turn_and_in_a_row() {
    for api in ALL {
        let server = server().await;
        let (_folder, workspace) = workspace(&[("a", "1"), ("b", "20")]);
        let question = r#"DO: tool read {"path":"a"} and read {"path":"b"}; tool write {"path":"c","content":"300"}; tool read {"path":"c"}; say toolresult(1) + toolresult(2) + toolresult(4)"#;
        let (outcome, _) =
            run(quick(provider(api, &server)), RunInput::new("s", "r", question), &tools(&workspace)).await;
        assert_eq!(outcome.text, "321", "{api:?}: {:?}", outcome.error);
        assert_eq!(std::fs::read_to_string(workspace.root().join("c")).unwrap(), "300");
    }
}

#[tokio::test]
async fn a_stored_conversation_survives_serialisation() {
    let server = server().await;
    let (_folder, workspace) = workspace(&[("a", "1")]);
    let question = r#"DO: tool read {"path":"a"}; say toolresult"#;
    let input = RunInput::new("s", "r", question);
    let (outcome, _) = run(quick(provider(ProviderApi::Anthropic, &server)), input, &tools(&workspace)).await;
    let mut history = vec![ModelMessage::user(question)];
    history.extend(outcome.messages);
    let stored = serde_json::to_string(&history).unwrap();
    let history: Vec<ModelMessage> = serde_json::from_str(&stored).unwrap();
    // Another provider goes on with it.
    let input = RunInput::new("s", "r", "DO: say turns").history(history);
    let (outcome, _) = run(quick(provider(ProviderApi::OpenAi, &server)), input, &tools(&workspace)).await;
    assert_eq!(outcome.text, "2", "{:?}", outcome.error);
}

#[tokio::test]
async fn an_unknown_tool_and_bad_arguments_are_told_to_the_model() {
    let server = server().await;
    let (_folder, workspace) = workspace(&[]);
    for (question, expected) in [
        (r#"DO: tool fly {"to":"moon"}; say toolresult"#, "there is no tool \"fly\""),
        (r#"DO: tool read {"pfad":"x"}; say toolresult"#, "missing field `path`"),
        (r#"DO: tool exec {"command":"id"}; say toolresult"#, "there is no tool \"exec\""),
    ] {
        let input = RunInput::new("s", "r", question);
        let (outcome, _) =
            run(quick(provider(ProviderApi::OpenAi, &server)), input, &tools(&workspace)).await;
        assert!(outcome.text.contains(expected), "{}", outcome.text);
    }
}

#[tokio::test]
async fn a_model_that_never_stops_calling_is_stopped() {
    let server = server().await;
    let (_folder, workspace) = workspace(&[]);
    let mut settings = quick(provider(ProviderApi::OpenAi, &server));
    settings.max_steps = 3;
    let question = format!("DO: {} say 1", "tool ls {};".repeat(10));
    let (outcome, _) = run(settings, RunInput::new("s", "r", question), &tools(&workspace)).await;
    assert_eq!(outcome.error.unwrap().code(), "run-step-limit");
    assert_eq!(server.control.chat_requests().len(), 3);
    assert_eq!(outcome.messages.len(), 6);
}

#[tokio::test]
async fn long_tool_results_are_cut_for_the_model() {
    let server = server().await;
    let (_folder, workspace) = workspace(&[("long", &"x".repeat(10_000))]);
    let mut settings = quick(provider(ProviderApi::OpenAi, &server));
    settings.max_tool_result = 100;
    let (outcome, _) =
        run(settings, RunInput::new("s", "r", r#"TOOL read {"path":"long"}"#), &tools(&workspace)).await;
    assert!(
        outcome.text.contains("[… cut: 100 of 10000 bytes shown]") && outcome.text.len() < 200,
        "{}",
        outcome.text
    );
}

#[tokio::test]
async fn an_abort_ends_the_run_at_once_and_keeps_what_was_said() {
    for api in ALL {
        let server = server().await;
        let cancel = CancellationToken::new();
        let (sender, mut events) = mpsc::channel(8);
        let (agent, token) = (AgentRun::new(quick(provider(api, &server))), cancel.clone());
        // The pause is far longer than the test: only the abort can end it.
        let task = tokio::spawn(async move {
            let input = RunInput::new("s", "r", "DO: slow 600000; piece 5; say \"alpha beta gamma\"");
            agent.run(input, &ToolSet::default(), sender, token).await
        });
        let mut last = None;
        while let Some(event) = events.recv().await {
            if matches!(event, RunEvent::TextDelta { .. }) {
                cancel.cancel();
            }
            last = Some(event);
        }
        let outcome = task.await.unwrap();
        assert_eq!(outcome.status, RunStatus::Aborted);
        assert_eq!(outcome.error.unwrap().code(), "run-aborted");
        assert!(matches!(last, Some(RunEvent::Finished { status: RunStatus::Aborted, .. })));
        let kept = &outcome.messages[..];
        assert!(
            matches!(kept, [ModelMessage::Assistant { text, interrupted: true, .. }] if text == "alpha"),
            "{api:?}: {kept:?}"
        );
        server.control.wait_for_abandoned(1).await;
    }
}

struct Stuck(Arc<Notify>);

#[async_trait]
impl Tool for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }
    fn description(&self) -> &'static str {
        "Never ends."
    }
    fn schema(&self) -> Value {
        json!({"type": "object"})
    }
    async fn call(&self, _context: &ToolContext, _args: Value) -> ToolOutput {
        self.0.notify_one();
        std::future::pending().await
    }
}

struct Broken;

#[async_trait]
impl Tool for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }
    fn description(&self) -> &'static str {
        "Panics."
    }
    fn schema(&self) -> Value {
        json!({"type": "object"})
    }
    async fn call(&self, _context: &ToolContext, _args: Value) -> ToolOutput {
        panic!("a tool's fault")
    }
}

#[tokio::test]
async fn an_abort_during_a_tool_marks_its_call_as_interrupted() {
    let server = server().await;
    let begun = Arc::new(Notify::new());
    let tools = ToolSet::default().with(Arc::new(Stuck(Arc::clone(&begun))));
    let cancel = CancellationToken::new();
    let (sender, mut events) = mpsc::channel(8);
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let (agent, token) = (AgentRun::new(quick(provider(ProviderApi::OpenAi, &server))), cancel.clone());
    let task =
        tokio::spawn(
            async move { agent.run(RunInput::new("s", "r", "TOOL stuck"), &tools, sender, token).await },
        );
    begun.notified().await;
    cancel.cancel();
    let outcome = task.await.unwrap();
    assert!(
        matches!(&outcome.messages[1], ModelMessage::Tool { text, is_error: true, .. } if text.contains("interrupted"))
    );
}

#[tokio::test]
async fn a_tool_that_panics_or_hangs_does_not_take_the_run_with_it() {
    let server = server().await;
    let tools = ToolSet::default().with(Arc::new(Broken)).with(Arc::new(Stuck(Arc::default())));
    let mut settings = quick(provider(ProviderApi::OpenAi, &server));
    settings.tool_timeout = Duration::from_millis(20);
    let (outcome, _) = run(settings.clone(), RunInput::new("s", "r", "TOOL broken"), &tools).await;
    assert!(outcome.text.contains("the tool broke"), "{}", outcome.text);
    let (outcome, _) = run(settings, RunInput::new("s", "r", "TOOL stuck"), &tools).await;
    assert!(outcome.text.contains("no result within"), "{}", outcome.text);
}

#[tokio::test]
async fn a_receiver_that_went_away_does_not_break_a_run() {
    let server = server().await;
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let agent = AgentRun::new(quick(provider(ProviderApi::OpenAi, &server)));
    let input = RunInput::new("s", "r", "DO: say words(50)");
    let outcome = agent.run(input, &ToolSet::default(), sender, CancellationToken::new()).await;
    assert_eq!(outcome.status, RunStatus::Ok);
}

#[tokio::test]
async fn runs_of_one_session_wait_for_each_other_and_others_do_not() {
    let server = server().await;
    let lanes = Lanes::new(4);
    let start = |session: &'static str, text: &'static str| {
        let ticket = lanes.join(session).unwrap();
        let settings = quick(provider(ProviderApi::OpenAi, &server));
        tokio::spawn(async move {
            let _turn = ticket.turn(&CancellationToken::new()).await.unwrap();
            ask(settings, text).await.0.text
        })
    };
    let first = start("a", "DO: fault hold; say 1");
    server.control.wait_for_requests(1).await;
    let second = start("a", "ECHO 2");
    let other = start("b", "ECHO 3");
    assert_eq!(other.await.unwrap(), "3");
    assert_eq!(server.control.chat_requests().len(), 2, "the second of session a waits");
    server.control.release();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), ("1".into(), "2".into()));
}

#[tokio::test]
async fn old_turns_are_left_out_when_there_are_too_many() {
    let server = server().await;
    let mut settings = quick(provider(ProviderApi::OpenAi, &server));
    settings.max_history = 2_000;
    let history: Vec<ModelMessage> = (0..200)
        .flat_map(|index| {
            [ModelMessage::user(format!("question {index}")), ModelMessage::assistant("answer")]
        })
        .collect();
    let (outcome, events) =
        run(settings, RunInput::new("s", "r", "DO: say turns").history(history), &ToolSet::default()).await;
    let turns: usize = outcome.text.parse().unwrap();
    assert!((5..50).contains(&turns), "{turns}");
    assert_eq!(shown(&events), outcome.text);
}
