//! The OpenAI-compatible endpoints and the pages.

use serde_json::{Value, json};

use crate::harness::{TOKEN, World, http};

#[tokio::test]
async fn completions_are_off_until_the_configuration_says_so_and_then_stream() {
    let world = World::new().await;
    let gateway = world.start().await;
    let ask = async |body: Value| {
        http().post(gateway.url("/v1/chat/completions")).bearer_auth(TOKEN).json(&body).send().await.unwrap()
    };
    let off = ask(json!({"model": "bulkhead", "messages": []})).await;
    assert_eq!(off.status(), 404);
    let mut config = world.config();
    config["gateway"]["http"]["endpoints"]["chatCompletions"]["enabled"] = json!(true);
    world.write_config(&config);
    let (client, mut events) = gateway.client().await;
    let on = client.request("config.get", json!({})).await.unwrap();
    if on["appliedConfigHash"] != on["hash"] {
        events.next("the change", |event, _| event == "config.changed").await;
    }

    let without = http().post(gateway.url("/v1/chat/completions")).json(&json!({})).send().await.unwrap();
    assert_eq!(without.status(), 401);
    let models: Value =
        http().get(gateway.url("/v1/models")).bearer_auth(TOKEN).send().await.unwrap().json().await.unwrap();
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "bulkhead/main"));

    let conversation = json!([
        {"role": "system", "content": "MARKER: 5"},
        {"role": "user", "content": "REMEMBER 30"},
        {"role": "assistant", "content": "I will."},
        {"role": "user", "content": "DO: say recall + marker"},
    ]);
    let whole: Value =
        ask(json!({"model": "bulkhead", "messages": conversation})).await.json().await.unwrap();
    assert_eq!(whole["choices"][0]["message"]["content"], "35", "{whole}");
    assert!(whole["usage"]["total_tokens"].as_u64().unwrap() > 0);

    let body = json!({"model": "openclaw", "stream": true, "messages": conversation,
                      "stream_options": {"include_usage": true}});
    let streamed = ask(body).await.text().await.unwrap();
    let pieces: Vec<Value> = streamed
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let said: String =
        pieces.iter().filter_map(|piece| piece["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, "35");
    assert!(streamed.trim_end().ends_with("data: [DONE]"), "{streamed}");
    assert!(pieces.last().unwrap()["usage"].is_object());

    let wrong = ask(json!({"model": "gpt-4", "messages": [{"role": "user", "content": "x"}]})).await;
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn the_pages_are_there_and_the_configuration_of_the_ui_asks_for_the_token() {
    let world = World::new().await;
    let gateway = world.start().await;
    let page = http().get(gateway.url("/")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
    assert!(page.text().await.unwrap().contains("<html"));
    assert_eq!(http().get(gateway.url("/control-ui-config.json")).send().await.unwrap().status(), 401);
    let config: Value = http()
        .get(gateway.url("/control-ui-config.json"))
        .bearer_auth(TOKEN)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((&config["profile"], &config["assistantAgentId"]), (&json!("main"), &json!("main")));
    assert_eq!(gateway.get("/healthz").await["ok"], true);
    assert_eq!(gateway.get("/startupz").await["status"], "started");
}
