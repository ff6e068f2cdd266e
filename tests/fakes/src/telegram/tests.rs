use std::time::Duration;

use serde_json::{Value, json};

use super::{Fault, PlannedFault, TelegramServer, TelegramServerOptions};

const TOKEN: &str = "777000111:test-token";

struct Caller {
    server: TelegramServer,
    http: reqwest::Client,
}

impl Caller {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = TelegramServer::start(TelegramServerOptions::default()).await.unwrap();
        server.control.add_bot(TOKEN, "ref_test_bot");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { server, http }
    }

    fn bot(&self) -> super::BotControl {
        self.server.control.bot(TOKEN).unwrap()
    }

    async fn call(&self, method: &str, params: Value) -> (u16, Value) {
        self.call_as(TOKEN, method, params).await
    }

    async fn call_as(&self, token: &str, method: &str, params: Value) -> (u16, Value) {
        let url = format!("{}/bot{token}/{method}", self.server.base_url);
        let response = self.http.post(url).json(&params).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

#[tokio::test]
async fn tokens_are_told_apart() {
    let caller = Caller::start().await;
    assert_eq!(caller.call("getMe", json!({})).await.1["result"]["username"], "ref_test_bot");
    let (status, body) = caller.call_as("777000111:other", "getMe", json!({})).await;
    assert_eq!((status, body["description"].as_str()), (401, Some("Unauthorized")));
    assert_eq!(caller.call_as("nonsense", "getMe", json!({})).await.0, 404);
    assert_eq!(caller.call("noSuchMethod", json!({})).await.0, 404);
    caller.bot().revoke(true);
    assert_eq!(caller.call("getMe", json!({})).await.0, 401);
}

#[tokio::test]
async fn get_and_forms_do_the_same_as_json() {
    let caller = Caller::start().await;
    caller.bot().open_chat(42);
    let url = format!("{}/bot{TOKEN}/sendMessage", caller.server.base_url);
    let by_query = caller.http.get(format!("{url}?chat_id=42&text=a%20b")).send().await.unwrap();
    assert_eq!(by_query.json::<Value>().await.unwrap()["result"]["text"], "a b");
    let form = caller
        .http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("chat_id=42&text=c+d&parse_mode=HTML")
        .send()
        .await
        .unwrap();
    assert_eq!(form.json::<Value>().await.unwrap()["result"]["text"], "c d");
}

#[tokio::test]
async fn updates_wait_until_an_offset_confirms_them() {
    let caller = Caller::start().await;
    let first = caller.bot().say(42, "one");
    caller.bot().say(42, "two");
    let both = caller.call("getUpdates", json!({})).await.1;
    assert_eq!(both["result"].as_array().unwrap().len(), 2);
    let again = caller.call("getUpdates", json!({"offset": first, "limit": 1})).await.1;
    assert_eq!(again["result"][0]["message"]["text"], "one");
    let rest = caller.call("getUpdates", json!({"offset": first + 1})).await.1;
    assert_eq!(rest["result"][0]["message"]["text"], "two");
    assert_eq!(caller.bot().waiting_updates(), 1);
    let none = caller.call("getUpdates", json!({"offset": first + 2})).await.1;
    assert_eq!(none["result"], json!([]));
    caller.bot().fail_next("getUpdates", Fault::RepeatUpdates { count: 1 });
    let repeated = caller.call("getUpdates", json!({"offset": first + 2})).await.1;
    assert_eq!(repeated["result"][0]["message"]["text"], "two");
}

#[tokio::test]
async fn a_long_poll_ends_with_the_update_and_a_second_poller_takes_the_line() {
    let caller = Caller::start().await;
    let bot = caller.bot();
    let write = async {
        bot.expect_poll().await;
        bot.say(42, "late");
    };
    let ((_, polled), ()) = tokio::join!(caller.call("getUpdates", json!({"timeout": 30})), write);
    assert_eq!(polled["result"][0]["message"]["text"], "late");

    let offset = json!({"timeout": 30, "offset": polled["result"][0]["update_id"].as_i64().unwrap() + 1});
    let second = async {
        bot.expect_poll().await;
        let answer = caller.call("getUpdates", json!({"timeout": 0})).await;
        assert_eq!(answer.0, 200);
    };
    let ((status, refused), ()) = tokio::join!(caller.call("getUpdates", offset), second);
    assert_eq!(status, 409);
    assert!(refused["description"].as_str().unwrap().starts_with("Conflict: terminated by other getUpdates"));
}

#[tokio::test]
async fn texts_are_checked() {
    let caller = Caller::start().await;
    let send = |params: Value| caller.call("sendMessage", params);
    assert_eq!(
        send(json!({"chat_id": 42, "text": "x"})).await.1["description"],
        "Bad Request: chat not found"
    );
    caller.bot().open_chat(42);
    let bad = send(json!({"chat_id": 42, "text": "<b>x", "parse_mode": "HTML"})).await;
    assert_eq!(bad.0, 400);
    assert!(
        bad.1["description"]
            .as_str()
            .unwrap()
            .starts_with("Bad Request: can't parse entities: Can't find end")
    );
    let empty = send(json!({"chat_id": 42, "text": "<b> </b>", "parse_mode": "HTML"})).await;
    assert_eq!(empty.1["description"], "Bad Request: message text is empty");
    assert_eq!(send(json!({"chat_id": 42, "text": "x".repeat(4096)})).await.0, 200);
    let long = send(json!({"chat_id": 42, "text": "x".repeat(4097)})).await;
    assert_eq!(long.1["description"], "Bad Request: message is too long");
    caller.bot().block(42, true);
    assert_eq!(send(json!({"chat_id": 42, "text": "x"})).await.0, 403);
}

#[tokio::test]
async fn edits_must_change_something() {
    let caller = Caller::start().await;
    caller.bot().open_chat(42);
    let sent = caller.call("sendMessage", json!({"chat_id": "42", "text": "…"})).await.1;
    let message_id = &sent["result"]["message_id"];
    let edit = |text: &str| {
        let params = json!({"chat_id": 42, "message_id": message_id, "text": text, "parse_mode": "HTML"});
        caller.call("editMessageText", params)
    };
    assert_eq!(edit("<b>new</b>").await.0, 200);
    let same = edit("<b>new</b>").await;
    assert!(same.1["description"].as_str().unwrap().starts_with("Bad Request: message is not modified"));
    assert_eq!(edit("new").await.0, 200, "other entities are a change");
    let message = &caller.bot().messages_to(42)[0];
    assert_eq!(message.revisions.iter().map(|r| r.text.as_str()).collect::<Vec<_>>(), ["…", "new", "new"]);
    caller.call("deleteMessage", json!({"chat_id": 42, "message_id": message_id})).await;
    assert_eq!(edit("gone").await.1["description"], "Bad Request: message to edit not found");
}

#[tokio::test]
async fn faults_strike_as_planned() {
    let caller = Caller::start().await;
    let bot = caller.bot();
    bot.open_chat(42);
    bot.plan(PlannedFault::next("sendMessage", Fault::TooManyRequests { retry_after: 3 }).after(1).times(2));
    let send = || caller.call("sendMessage", json!({"chat_id": 42, "text": "x"}));
    let statuses = [send().await.0, send().await.0];
    assert_eq!(statuses, [200, 429]);
    assert_eq!(send().await.1["parameters"]["retry_after"], 3);
    assert_eq!(send().await.0, 200);

    let url = format!("{}/bot{TOKEN}/sendMessage", caller.server.base_url);
    let cut = || caller.http.post(&url).json(&json!({"chat_id": 42, "text": "cut"})).send();
    bot.fail_next("sendMessage", Fault::CutAnswer);
    assert!(cut().await.unwrap().bytes().await.is_err());
    assert_eq!(bot.messages_to(42).len(), 3, "the message was sent though its answer was lost");
    bot.fail_next("sendMessage", Fault::CutCall);
    assert!(cut().await.unwrap().bytes().await.is_err());
    assert_eq!(bot.messages_to(42).len(), 3);

    bot.fail_next("getMe", Fault::Hold);
    let release = async {
        bot.wait(Duration::from_secs(5), |bot| (bot.calls_of("getMe").len() == 1).then_some(()))
            .await
            .unwrap();
        bot.release();
    };
    let ((status, _), ()) = tokio::join!(caller.call("getMe", json!({})), release);
    assert_eq!(status, 200);
}

#[tokio::test]
async fn commands_buttons_and_webhooks() {
    let caller = Caller::start().await;
    let bot = caller.bot();
    let good = json!({"commands": [{"command": "status", "description": "Show status"}]});
    assert_eq!(caller.call("setMyCommands", good).await.0, 200);
    assert_eq!(bot.commands()[0]["command"], "status");
    let bad = json!({"commands": [{"command": "Bad-Name", "description": "x"}]});
    assert_eq!(caller.call("setMyCommands", bad).await.1["description"], "Bad Request: BOT_COMMAND_INVALID");
    caller.call("deleteMyCommands", json!({})).await;
    assert_eq!(bot.commands(), Value::Null);

    bot.press(42, 5, "restart:1");
    let update = caller.call("getUpdates", json!({})).await.1;
    assert_eq!(update["result"][0]["callback_query"]["data"], "restart:1");
    let query = update["result"][0]["callback_query"]["id"].clone();
    let press =
        |text: &str| caller.call("answerCallbackQuery", json!({"callback_query_id": query, "text": text}));
    assert_eq!(press(&"x".repeat(201)).await.1["description"], "Bad Request: MESSAGE_TOO_LONG");
    assert_eq!(press("Restarting").await.0, 200);
    assert_eq!(press("again").await.0, 400, "a press is answered once");
    let answers = bot.press_answers();
    assert_eq!((answers.len(), answers[0].user, answers[0].text.as_deref()), (1, 42, Some("Restarting")));

    let scoped = json!({"commands": [{"command": "rescue", "description": "x"}], "scope": {"type": "chat", "chat_id": 42}});
    assert_eq!(
        caller.call("setMyCommands", scoped.clone()).await.1["description"],
        "Bad Request: chat not found"
    );
    bot.open_chat(42);
    assert_eq!(caller.call("setMyCommands", scoped).await.0, 200);
    assert_eq!((&bot.commands_for(42)[0]["command"], bot.commands_for(43)), (&json!("rescue"), Value::Null));

    let keyboard = json!({"inline_keyboard": [[{"text": "Restart", "callback_data": "r:1"}]]});
    let sent =
        caller.call("sendMessage", json!({"chat_id": 42, "text": "down", "reply_markup": keyboard})).await.1;
    let message_id = sent["result"]["message_id"].as_i64().unwrap();
    assert_eq!(bot.messages_to(42)[0].now.labels(), ["Restart"]);
    let strip = json!({"chat_id": 42, "message_id": message_id});
    assert_eq!(caller.call("editMessageReplyMarkup", strip.clone()).await.0, 200);
    assert_eq!(caller.call("editMessageReplyMarkup", strip).await.0, 400, "nothing to change");
    assert_eq!(bot.messages_to(42)[0].now.button("Restart"), None);

    let only_messages = json!({"offset": -1, "allowed_updates": ["message"]});
    caller.call("getUpdates", only_messages).await;
    let waiting = bot.waiting_updates();
    bot.press(42, message_id, "r:1");
    assert_eq!(bot.waiting_updates(), waiting, "presses that nobody asked for are not delivered");

    caller.call("setWebhook", json!({"url": "https://example.org"})).await;
    assert_eq!(caller.call("getUpdates", json!({})).await.0, 409);
    caller.call("deleteWebhook", json!({})).await;
    assert_eq!(caller.call("getUpdates", json!({})).await.0, 200);
}

#[tokio::test]
async fn the_control_api_does_over_http_what_a_test_does_in_rust() {
    let caller = Caller::start().await;
    let control = |path: &str| format!("{}/control/bots{path}", caller.server.base_url);
    let post = |path: &str, body: Value| caller.http.post(control(path)).json(&body).send();
    let add = post("", json!({"token": "888:b", "username": "second_bot"})).await.unwrap();
    assert_eq!(add.status(), 200);
    post("/888/say", json!({"from": 7, "text": "hi"})).await.unwrap();
    post("/888/faults", json!({"kind": "too-many-requests", "retryAfter": 2, "method": "sendMessage"}))
        .await
        .unwrap();
    let limited = caller.call_as("888:b", "sendMessage", json!({"chat_id": 7, "text": "answer"})).await;
    assert_eq!(limited.0, 429);
    let send = caller.call_as("888:b", "sendMessage", json!({"chat_id": 7, "text": "answer"}));
    let wait = caller.http.get(control("/888/messages?chat=7&contains=answer")).send();
    let (_, waited) = tokio::join!(send, wait);
    let waited: Value = waited.unwrap().json().await.unwrap();
    assert_eq!((&waited["timedOut"], &waited["messages"][0]["text"]), (&json!(false), &json!("answer")));
    let none = caller.http.get(control("/888/messages?count=5&timeoutMs=1")).send().await.unwrap();
    assert_eq!(none.json::<Value>().await.unwrap()["timedOut"], true);
    assert_eq!(post("/999/say", json!({"from": 7, "text": "hi"})).await.unwrap().status(), 404);
}
