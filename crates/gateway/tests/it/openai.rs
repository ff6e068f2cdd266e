//! The OpenAI-compatible endpoints beyond plain answers: tools of the caller, pictures, responses, leaving.

use serde_json::{Value, json};

use crate::harness::{Gateway, PATIENCE, TOKEN, World, http};

async fn begin() -> (World, Gateway) {
    let world = World::new().await;
    let mut config = world.config();
    for endpoint in ["chatCompletions", "responses"] {
        config["gateway"]["http"]["endpoints"][endpoint]["enabled"] = json!(true);
    }
    world.write_config(&config);
    let gateway = world.start().await;
    (world, gateway)
}

async fn post(gateway: &Gateway, path: &str, body: &Value) -> (u16, Value) {
    let answer = http().post(gateway.url(path)).bearer_auth(TOKEN).json(body).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn get(gateway: &Gateway, path: &str) -> (u16, Value) {
    let answer = http().get(gateway.url(path)).bearer_auth(TOKEN).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn weather() -> Value {
    json!({"type": "function", "function": {"name": "get_weather", "description": "the weather",
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}})
}

const ASKS: &str = r#"DO: tool get_weather {"city":"Rome"}; say toolresult"#;

#[tokio::test]
async fn a_tool_of_the_caller_is_called_by_the_caller() {
    let (_world, gateway) = begin().await;
    let mut messages = json!([{"role": "user", "content": ASKS}]);
    let ask = |messages: &Value| json!({"model": "openclaw", "tools": [weather()], "messages": messages});
    let (status, first) = post(&gateway, "/v1/chat/completions", &ask(&messages)).await;
    assert_eq!(status, 200, "{first}");
    let choice = &first["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls", "{first}");
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("get_weather")));
    assert_eq!(call["function"]["arguments"], r#"{"city":"Rome"}"#);

    messages.as_array_mut().unwrap().extend([
        choice["message"].clone(),
        json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"}),
    ]);
    let (_, second) = post(&gateway, "/v1/chat/completions", &ask(&messages)).await;
    assert_eq!(second["choices"][0]["message"]["content"], "sunny", "{second}");
    assert_eq!(second["choices"][0]["finish_reason"], "stop");

    // A call that is required and not made is an error; a pinned tool that is not there too.
    let mut required = ask(&json!([{"role": "user", "content": "hi"}]));
    required["tool_choice"] = json!("required");
    let (status, none) = post(&gateway, "/v1/chat/completions", &required).await;
    assert_eq!((status, none["error"]["type"].as_str()), (502, Some("api_error")), "{none}");
    required["tool_choice"] = json!({"type": "function", "function": {"name": "other"}});
    assert_eq!(post(&gateway, "/v1/chat/completions", &required).await.0, 400);
}

#[tokio::test]
async fn responses_call_go_on_and_stream() {
    let (world, gateway) = begin().await;
    let tool = json!({"type": "function", "name": "get_weather", "parameters": {"type": "object"}});
    let ask = json!({"model": "openclaw", "input": ASKS, "tools": [tool]});
    let (status, first) = post(&gateway, "/v1/responses", &ask).await;
    assert_eq!((status, &first["status"]), (200, &json!("completed")), "{first}");
    let call = &first["output"][0];
    assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!("get_weather")), "{first}");

    // The result alone is enough: the earlier response names the conversation, also for another process.
    let output = json!([{"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}]);
    let go_on =
        json!({"model": "openclaw", "previous_response_id": first["id"], "input": output, "stream": true});
    let (_, streamed) = post(&gateway, "/v1/responses", &go_on).await;
    let streamed = streamed.as_str().unwrap();
    let events: Vec<Value> = streamed
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(
        &kinds[..4],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
        ]
    );
    assert_eq!(kinds.last(), Some(&"response.completed"), "{streamed}");
    assert!(events.iter().enumerate().all(|(index, event)| event["sequence_number"] == index));
    assert_eq!(events.last().unwrap()["response"]["output"][0]["content"][0]["text"], "rain");
    assert!(streamed.trim_end().ends_with("data: [DONE]"));

    let unknown = json!({"model": "openclaw", "previous_response_id": "resp_gone", "input": "x"});
    let (status, refused) = post(&gateway, "/v1/responses", &unknown).await;
    assert_eq!((status, refused["error"]["type"].as_str()), (400, Some("invalid_request_error")));
    drop(world);
}

#[tokio::test]
async fn pictures_reach_the_model_and_addresses_are_not_fetched() {
    let (world, gateway) = begin().await;
    let ask = |url: &str| {
        json!({"model": "openclaw", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "what is it"}, {"type": "image_url", "image_url": {"url": url}},
        ]}]})
    };
    let (status, told) =
        post(&gateway, "/v1/chat/completions", &ask("data:image/png;base64,iVBORw0KGgo=")).await;
    assert_eq!(status, 200, "{told}");
    let seen = world.model.control.requests().last().unwrap().body.to_string();
    assert!(seen.contains("iVBORw0KGgo="), "{seen}");
    let (status, _) = post(&gateway, "/v1/chat/completions", &ask("https://example.com/x.png")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_caller_that_goes_away_stops_the_request_to_the_model() {
    let (world, gateway) = begin().await;
    let (client, mut events) = gateway.client().await;
    client.request("sessions.subscribe", json!({})).await.unwrap();
    for (asked, stream) in [(1, true), (2, false)] {
        let body = json!({"model": "openclaw", "stream": stream, "user": format!("leaves-{stream}"),
                          "messages": [{"role": "user", "content": "DO: slow 200; piece 1; say words(400)"}]});
        let ask = http().post(gateway.url("/v1/chat/completions")).bearer_auth(TOKEN).json(&body).send();
        let asking = tokio::spawn(async move {
            let answer = ask.await.unwrap();
            let _ = answer.bytes().await;
        });
        let key = format!("agent:main:openai-user:leaves-{stream}");
        events
            .next("the run begins", |event, payload| {
                event == "sessions.changed" && payload["sessionKey"] == key && payload["phase"] == "start"
            })
            .await;
        // Only what was asked can be called back.
        world.model.control.wait_for_requests(asked).await;
        asking.abort();
        events
            .next("the run ends", |event, payload| {
                event == "sessions.changed" && payload["sessionKey"] == key && payload["phase"] == "end"
            })
            .await;
    }
    let gone = world.model.control.wait_for_abandoned(2);
    tokio::time::timeout(PATIENCE, gone).await.expect("the model is not asked any more");
}

#[tokio::test]
async fn single_tools_follow_the_policy() {
    let (world, gateway) = begin().await;
    let invoke = async |body: Value| post(&gateway, "/tools/invoke", &body).await;
    let (status, gone) = invoke(json!({"tool": "no_such"})).await;
    assert_eq!((status, gone["error"]["type"].as_str()), (404, Some("not_found")));
    assert_eq!(invoke(json!({"tool": "exec", "args": {"command": "id"}})).await.0, 404);
    assert_eq!(invoke(json!({})).await.0, 400);
    let (status, listed) = invoke(json!({"tool": "ls", "args": {"path": "."}})).await;
    assert_eq!((status, &listed["ok"]), (200, &json!(true)), "{listed}");
    assert!(listed["result"]["content"][0]["text"].as_str().unwrap().contains("AGENTS.md"), "{listed}");
    let (status, failed) = invoke(json!({"tool": "read", "args": {"path": "gone.txt"}})).await;
    assert_eq!((status, failed["error"]["type"].as_str()), (400, Some("tool_error")), "{failed}");
    assert_eq!(get(&gateway, "/tools/invoke").await.0, 405);
    drop(world);
}

#[tokio::test]
async fn conversations_are_paged_and_followed_and_metrics_count() {
    let (_world, gateway) = begin().await;
    let say = async |text: &str| {
        let body = json!({"model": "openclaw", "user": "h", "messages": [{"role": "user", "content": text}]});
        assert_eq!(post(&gateway, "/v1/chat/completions", &body).await.0, 200);
    };
    say("ECHO one").await;
    say("ECHO two").await;
    let path = "/sessions/agent:main:openai-user:h/history";
    let (status, page) = get(&gateway, &format!("{path}?limit=3")).await;
    assert_eq!((status, page["items"].as_array().unwrap().len()), (200, 3), "{page}");
    assert_eq!((&page["hasMore"], &page["nextCursor"]), (&json!(true), &json!("2")));
    let (_, rest) = get(&gateway, &format!("{path}?limit=3&cursor=2")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["hasMore"]), (1, &json!(false)));
    assert_eq!(get(&gateway, &format!("{path}?limit=x")).await.0, 400);
    assert_eq!(get(&gateway, "/sessions/nobody/history").await.0, 404);

    let mut followed = http()
        .get(gateway.url(&format!("{path}?limit=1")))
        .bearer_auth(TOKEN)
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    let mut heard = String::new();
    let until = async |heard: &mut String, part: &str, followed: &mut reqwest::Response| {
        while !heard.contains(part) {
            let chunk = tokio::time::timeout(PATIENCE, followed.chunk()).await.expect(part).unwrap().unwrap();
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    until(&mut heard, "event: history", &mut followed).await;
    say("ECHO three").await;
    until(&mut heard, "event: message", &mut followed).await;
    until(&mut heard, "three", &mut followed).await;

    let (status, killed) = post(&gateway, "/sessions/agent:main:openai-user:h/kill", &json!({})).await;
    assert_eq!((status, &killed["ok"], &killed["killed"]), (200, &json!(true), &json!(false)));

    assert_eq!(http().get(gateway.url("/metrics")).send().await.unwrap().status(), 401);
    let (_, metrics) = get(&gateway, "/metrics").await;
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("\nbulkhead_ready 1\n"), "{metrics}");
    assert!(metrics.contains("bulkhead_http_responses_total{class=\"4xx\"}"), "{metrics}");
}

#[tokio::test]
async fn embeddings_need_a_provider_that_makes_them() {
    let (_world, gateway) = begin().await;
    let (status, none) = post(&gateway, "/v1/embeddings", &json!({"model": "openclaw", "input": "x"})).await;
    assert_eq!((status, none["error"]["type"].as_str()), (400, Some("invalid_request_error")), "{none}");
    let asked = http()
        .post(gateway.url("/v1/embeddings"))
        .bearer_auth(TOKEN)
        .header("x-openclaw-model", "fake/fake-1")
        .json(&json!({"model": "openclaw", "input": ["one", "two"]}))
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 200);
    let made: Value = asked.json().await.unwrap();
    assert_eq!(made["data"].as_array().unwrap().len(), 2, "{made}");
    assert_eq!(made["data"][1]["index"], 1);
}
