//! How hard a model thinks: for a message, a session, an agent.

use serde_json::{Value, json};

use crate::harness::{Gateway, World};

async fn with_thinker() -> (World, Gateway) {
    let world = World::new().await;
    let mut config = world.config();
    config["models"]["providers"]["fake"]["models"][0]["reasoning"] = true.into();
    world.write_config(&config);
    let gateway = world.start().await;
    (world, gateway)
}

fn effort(world: &World) -> Value {
    let asked = world.model.control.chat_requests().pop().unwrap();
    asked.body.get("reasoning_effort").cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_level_is_chosen_for_a_message_for_a_session_and_by_default() {
    let (world, gateway) = with_thinker().await;
    let (client, mut events) = gateway.client().await;
    let say = async |run: &str, message: &str, thinking: Value| {
        let mut params = json!({"sessionKey": "main", "message": message, "idempotencyKey": run});
        if !thinking.is_null() {
            params["thinking"] = thinking;
        }
        client.request("chat.send", params).await
    };
    say("usual", "ECHO 1", Value::Null).await.unwrap();
    events.end_of("usual").await;
    assert_eq!(effort(&world), "medium", "a model that thinks thinks as much as usual");
    say("once", "ECHO 2", json!("low")).await.unwrap();
    events.end_of("once").await;
    assert_eq!(effort(&world), "low");
    let refused = say("never", "ECHO 3", json!("xhigh")).await.unwrap_err().to_string();
    assert!(refused.contains("off|minimal|low|medium|high"), "{refused}");
    // For the session: by the method, by the command.
    let patched =
        client.request("sessions.patch", json!({"key": "main", "thinkingLevel": "high"})).await.unwrap();
    assert_eq!(patched["entry"]["thinkingLevel"], "high");
    assert_eq!(patched["entry"]["thinkingOptions"], json!(["off", "minimal", "low", "medium", "high"]));
    say("chosen", "ECHO 4", Value::Null).await.unwrap();
    events.end_of("chosen").await;
    assert_eq!(effort(&world), "high");
    let history = client.request("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    assert_eq!(
        (&history["thinkingLevel"], &history["defaults"]["thinkingDefault"]),
        (&json!("high"), &json!("medium"))
    );
    say("command", "/think off", Value::Null).await.unwrap();
    let told = events.end_of("command").await;
    assert_eq!(crate::harness::text(&told), "Thinking: off.");
    say("off", "ECHO 5", Value::Null).await.unwrap();
    events.end_of("off").await;
    assert_eq!(effort(&world), Value::Null);
    say("back", "/think default", Value::Null).await.unwrap();
    assert_eq!(crate::harness::text(&events.end_of("back").await), "Thinking: medium.");
    // `agent` keeps it for the session, as its own client expects.
    let params = json!({"message": "ECHO 6", "thinking": "minimal", "idempotencyKey": "agent"});
    let answers = client.request_streamed("agent", params, crate::harness::PATIENCE).await.unwrap();
    answers.last().await.unwrap();
    assert_eq!(effort(&world), "minimal");
    let row = client.request("sessions.describe", json!({"key": "main"})).await.unwrap();
    assert_eq!(row["session"]["thinkingLevel"], "minimal", "{row:#}");
    // A model that does not think is told nothing of it, whatever the session says.
    client.request("sessions.patch", json!({"key": "main", "model": "fake/fake-2"})).await.unwrap();
    say("plain", "ECHO 7", Value::Null).await.unwrap();
    events.end_of("plain").await;
    assert_eq!(effort(&world), Value::Null);
}
