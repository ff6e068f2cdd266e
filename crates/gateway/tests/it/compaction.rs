//! A conversation that grows beyond what its model takes.

use serde_json::json;

use crate::harness::{World, text};

#[tokio::test]
async fn a_long_conversation_is_summarised_by_itself_and_goes_on() {
    let world = World::new().await;
    let mut config = world.config();
    config["models"]["providers"]["fake"]["models"][0]["contextWindow"] = 16_000.into();
    world.write_config(&config);
    let gateway = world.start().await;
    let (client, mut events) = gateway.client().await;
    client.request("sessions.subscribe", json!({})).await.unwrap();
    let say = async |run: &str, message: &str| {
        let params = json!({"sessionKey": "main", "message": message, "idempotencyKey": run});
        client.request("chat.send", params).await.unwrap();
    };
    // About 20 kB: four fifths of the half of the window that is the history's.
    for turn in 1..=6 {
        let run = format!("turn-{turn}");
        say(&run, &format!("DO: say \"part-{turn} \" . words(450)")).await;
        events.end_of(&run).await;
    }
    assert_eq!(world.model.control.chat_requests().len(), 6);
    say("seventh", r#"DO: say "turn-number-" . turns"#).await;
    let of_main = |event: &str, payload: &serde_json::Value, phase: &str| {
        event == "session.operation"
            && payload["phase"] == phase
            && payload["sessionKey"] == "agent:main:main"
    };
    let begun = events.next("the summary begins", |event, payload| of_main(event, payload, "start")).await;
    assert_eq!(begun["operation"], "compact");
    let ended = events.next("the summary ends", |event, payload| of_main(event, payload, "end")).await;
    assert_eq!(
        (&ended["completed"], &ended["operationId"]),
        (&json!(true), &begun["operationId"]),
        "{ended}"
    );
    let told = events
        .next("the row changes", |event, payload| {
            event == "sessions.changed" && payload["reason"] == "compact"
        })
        .await;
    assert_eq!(told["sessionKey"], "agent:main:main");
    let answer = events.end_of("seventh").await;
    assert!(text(&answer).starts_with("turn-number-"), "{answer}");
    // The model is shown the summary, the end of what was said, and the question.
    let asked = world.model.control.chat_requests();
    assert_eq!(asked.len(), 8, "one question for the summary, one for the answer");
    let messages = asked[7].body["messages"].as_array().unwrap();
    let prompt = messages[0]["content"].to_string();
    assert!(prompt.contains("This conversation began earlier") && prompt.contains("part-1"), "{prompt}");
    let shown = asked[7].body.to_string();
    assert!(shown.contains("part-6") && messages.len() < 1 + 6 * 2, "{}", messages.len());
    // People still see all of it, with a mark where it was summarised.
    let history = client.request("chat.history", json!({"sessionKey": "main"})).await.unwrap();
    let kept = history["messages"].as_array().unwrap();
    assert_eq!(kept.iter().filter(|message| message["role"] == "user").count(), 7);
    assert_eq!(kept.iter().filter(|message| message["__openclaw"]["kind"] == "compaction").count(), 1);
    say("eighth", "ECHO on and on").await;
    assert_eq!(text(&events.end_of("eighth").await), "on and on");
    assert_eq!(world.model.control.chat_requests().len(), 9, "not summarised again at once");
}
