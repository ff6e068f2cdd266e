//! Telegram with everything that can go wrong between a bot and its server.

use crate::outside::{Bot, Outside, Profile, client};
use bulkhead_fakes::telegram::{ApiCall, Fault, PlannedFault};
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, search};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PERSON: i64 = 8101;
const STRANGER: i64 = 8102;

/// A profile, its bot, and its gateway under its supervisor.
struct Seat {
    bot: Bot,
    profile: Profile,
    _running: Running,
}

impl Seat {
    async fn take(outside: &Outside, world: &World, name: &str) -> Self {
        let bot = outside.bot(&format!("{name}_bot"));
        let profile = outside.onboard(world, name, Some(&bot), "file");
        let running = profile.supervised(world).await;
        bot.pair(world, &profile, PERSON).await;
        Self { bot, profile, _running: running }
    }

    /// The account as `bulkhead channels status` has it, once it is as wanted.
    async fn status(&self, world: &World, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status =
                world.bulkhead_json(&["--profile", &self.profile.name, "channels", "status", "--json"]);
            let account = status["channelAccounts"]["telegram"][0].clone();
            if wanted(&account) {
                return account;
            }
            assert!(Instant::now() < deadline, "not in time: {what}; the status is {status:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many messages of a chat hold a text.
    fn count(&self, chat: i64, part: &str) -> usize {
        self.bot.control.messages_to(chat).iter().filter(|message| message.now.text.contains(part)).count()
    }

    /// Asks, waits for the answer, and for the delivery to have ended; the answer must be there once.
    async fn asks_once(&self, question: &str, part: &str) {
        self.bot.ask(PERSON, question, part).await;
        // An answer comes after whatever could have been sent twice: one chat, one message at a time.
        self.bot.ask(PERSON, "ECHO and-then", "and-then").await;
        assert_eq!(self.count(PERSON, part), 1, "{:#?}", self.bot.control.messages_to(PERSON));
        let stray: Vec<_> =
            self.bot.control.messages_to(PERSON).into_iter().filter(|m| m.now.text == "and-then").collect();
        for message in stray {
            self.bot.control.delete(message.message_id);
        }
    }
}

fn is_delivery(call: &ApiCall) -> bool {
    ["sendMessage", "editMessageText"].contains(&call.method.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_obeyed_by_one_bot_and_does_not_slow_the_other() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = Seat::take(&outside, &world, "main").await;
    let rescue = Seat::take(&outside, &world, "rescue").await;

    for method in ["sendMessage", "editMessageText"] {
        let before = main.bot.control.calls().len();
        main.bot.control.fail_next(method, Fault::TooManyRequests { retry_after: 3 });
        main.bot.control.say(PERSON, &format!("ECHO limited-{method}"));
        main.bot
            .control
            .expect("a 429", |bot| {
                bot.calls().iter().skip(before).any(|call| call.status == 429).then_some(())
            })
            .await;
        // The other profile's bot answers meanwhile.
        rescue.bot.ask(PERSON, &format!("ECHO free-{method}"), &format!("free-{method}")).await;
        assert_eq!(main.count(PERSON, &format!("limited-{method}")), 0, "it still waits");
        main.bot.control.wait_for_text(PERSON, &format!("limited-{method}")).await;
        let calls: Vec<ApiCall> = main.bot.control.calls().into_iter().skip(before).collect();
        let struck = calls.iter().position(|call| call.status == 429).expect("a 429");
        let next = calls[struck + 1..].iter().find(|call| is_delivery(call)).expect("another try");
        let waited = next.at - calls[struck].at;
        assert!(waited >= 2_950, "tried again after {waited} ms: {calls:#?}");
        main.asks_once(&format!("ECHO next-{method}"), &format!("next-{method}")).await;
        assert_eq!(main.count(PERSON, &format!("limited-{method}")), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_answers_of_the_server_cost_no_message_and_double_none() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = Seat::take(&outside, &world, "main").await;
    let page = |status| Fault::HtmlPage { status };
    let words = |status: u16| Fault::Refuse { status, description: "Internal Server Error".to_owned() };

    for (number, (method, fault)) in [
        ("sendMessage", page(502)),
        ("sendMessage", words(500)),
        ("sendMessage", Fault::CutCall),
        ("editMessageText", page(503)),
        ("editMessageText", Fault::CutCall),
        // The edit took effect and nobody heard of it: the next one is refused as "not modified".
        ("editMessageText", Fault::CutAnswer),
        ("getUpdates", page(502)),
        ("getUpdates", words(500)),
        ("getUpdates", Fault::CutCall),
        ("getUpdates", Fault::RepeatUpdates { count: 3 }),
        ("sendChatAction", page(500)),
    ]
    .into_iter()
    .enumerate()
    {
        main.bot.control.fail_next(method, fault.clone());
        main.asks_once(&format!("ECHO trouble-{number}"), &format!("trouble-{number}")).await;
    }
    // A redirect would carry the token, which is in every address, to another server: it is not followed.
    let elsewhere = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
    let location = format!("http://{}/", elsewhere.local_addr().expect("address"));
    for method in ["getUpdates", "sendMessage", "editMessageText"] {
        main.bot.control.fail_next(method, Fault::Redirect { location: location.clone() });
        main.asks_once(&format!("ECHO not-led-astray-{method}"), &format!("not-led-astray-{method}")).await;
    }
    let visit = tokio::time::timeout(Duration::ZERO, elsewhere.accept()).await;
    assert!(visit.is_err(), "somebody followed the redirect");
    // An update that was handed out but not received comes again, and is answered once.
    main.bot.control.fail_next("getUpdates", Fault::CutAnswer);
    main.asks_once("ECHO heard-twice", "heard-twice").await;
    // A server that is down for a while.
    main.bot.control.plan(PlannedFault { fault: page(502), method: None, skip: 0, times: 6 });
    main.asks_once("ECHO after-an-outage", "after-an-outage").await;
    main.status(&world, "well again", |account| account["connected"] == true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_grows_by_edits_and_a_long_one_is_split() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = Seat::take(&outside, &world, "main").await;

    let last = "word150";
    main.bot.ask(PERSON, "DO: slow 80; piece 20; say words(150)", last).await;
    main.bot.ask(PERSON, "ECHO done", "done").await;
    let whole = (1..=150).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
    let answers: Vec<_> = main
        .bot
        .control
        .messages_to(PERSON)
        .into_iter()
        .filter(|message| message.now.text.contains("word1 "))
        .collect();
    assert_eq!(answers.len(), 1, "one message: {answers:#?}");
    assert_eq!(answers[0].now.text, whole);
    let grown: Vec<&str> = answers[0].revisions.iter().map(|revision| revision.text.as_str()).collect();
    assert!(grown.len() >= 4, "several edits: {grown:#?}");
    for pair in grown.windows(2).skip(1) {
        assert!(pair[0].len() < pair[1].len(), "it only grows: {grown:#?}");
    }
    for pair in answers[0].revisions.windows(2).skip(1).rev().skip(1) {
        assert!(pair[1].at - pair[0].at >= 900, "about one edit a second: {:#?}", answers[0].revisions);
    }

    main.bot.ask(PERSON, "DO: say words(2000)", "word2000").await;
    main.bot.ask(PERSON, "ECHO finished", "finished").await;
    let parts: Vec<String> = main
        .bot
        .control
        .messages_to(PERSON)
        .into_iter()
        .map(|message| message.now.text)
        .skip_while(|text| !text.contains("word160 "))
        .take_while(|text| text != "finished")
        .collect();
    assert!(parts.len() >= 4, "{} parts", parts.len());
    assert!(parts.iter().all(|part| part.encode_utf16().count() <= 4096));
    let joined: Vec<&str> = parts.iter().flat_map(|part| part.split_whitespace()).collect();
    let expected: Vec<String> = (1..=2000).map(|n| format!("word{n}")).collect();
    assert_eq!(joined, expected, "in order, nothing lost at the seams");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_token_and_another_policy_take_effect_without_a_restart() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = Seat::take(&outside, &world, "main").await;
    let pid = main.profile.gateway_pid(&world);
    main.bot.ask(PERSON, "ECHO with the old one", "with the old one").await;

    // Only the rules change.
    let set = |path: &str, value: &str| {
        let out = world.bulkhead(&["config", "set", path, value]);
        assert!(out.status.success(), "{}", text(&out));
    };
    set("channels.telegram.dmPolicy", "disabled");
    main.status(&world, "disabled", |account| account["dmPolicy"] == "disabled").await;
    main.bot.control.say(PERSON, "ECHO into the void");
    main.bot.control.expect_drained().await;
    set("channels.telegram.allowFrom", r#"["*"]"#);
    set("channels.telegram.dmPolicy", "open");
    main.status(&world, "open", |account| account["dmPolicy"] == "open").await;
    main.bot.ask(STRANGER, "ECHO open door", "open door").await;
    assert_eq!(main.count(PERSON, "into the void"), 0);
    set("channels.telegram.dmPolicy", "disabled");
    let out = world.bulkhead(&["config", "unset", "channels.telegram.allowFrom"]);
    assert!(out.status.success(), "{}", text(&out));
    set("channels.telegram.dmPolicy", "pairing");
    main.status(&world, "pairing", |account| account["dmPolicy"] == "pairing").await;
    main.bot.control.say(STRANGER, "ECHO closed door");
    main.bot.control.wait_for_text(STRANGER, "Pairing code").await;
    assert_eq!(main.count(STRANGER, "closed door"), 0);

    // Another bot.
    let next = outside.bot("next_bot");
    let file = world.path("token.txt");
    std::fs::write(&file, format!("{}\n", next.token)).expect("write");
    let out = world.bulkhead(&["secrets", "set", "telegram/bot-token", &format!("@{}", file.display())]);
    assert!(out.status.success(), "{}", text(&out));
    assert!(text(&out).contains("the running gateway has it"), "{}", text(&out));
    assert!(!text(&out).contains(&next.token));
    main.status(&world, "the new bot", |account| account["bot"]["username"] == "next_bot").await;
    // Who was let in stays so: the account is the same, only its bot is another.
    next.ask(PERSON, "ECHO with the new one", "with the new one").await;
    let polls = main.bot.control.calls_of("getUpdates").len();
    next.control.say(STRANGER + 1, "hello");
    next.control.wait_for_text(STRANGER + 1, "Pairing code").await;
    assert_eq!(main.bot.control.calls_of("getUpdates").len(), polls, "the old bot is left alone");
    assert_eq!(main.profile.gateway_pid(&world), pid, "the same process all along");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_on_the_same_bot_is_told_and_status_needs_no_model() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = Seat::take(&outside, &world, "main").await;
    outside.model.stop();
    let asked = outside.model.control.chat_requests().len();
    let answer = main.bot.ask(PERSON, "/status", "This conversation").await;
    assert!(answer.contains("profile main") && answer.contains("Telegram"), "{answer}");
    assert_eq!(outside.model.control.chat_requests().len(), asked, "no model was asked");

    // Somebody else polls with the same token.
    let (http, url) = (client(), format!("{}/bot{}/getUpdates", outside.telegram.base_url, main.bot.token));
    let thief = tokio::spawn(async move {
        loop {
            let _ = http.post(&url).json(&json!({ "timeout": 5 })).send().await;
        }
    });
    let account =
        main.status(&world, "a conflict", |account| account["lastError"].to_string().contains("409")).await;
    let out = world.bulkhead(&["channels", "status"]);
    thief.abort();
    assert!(out.status.success(), "{}", text(&out));
    let said = text(&out);
    for part in ["409", "another program", "One bot serves one gateway"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert!(!said.contains(&main.bot.token) && !account.to_string().contains(&main.bot.token));
    // It goes on when the other one is gone.
    main.bot.control.expect_poll().await;
    let answer = main.bot.ask(PERSON, "/help", "/status").await;
    assert!(answer.contains("/new"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_added_stopped_and_written_with_from_the_command_line() {
    let outside = Outside::new().await;
    let world = World::new();
    let profile = outside.onboard(&world, "main", None, "file");
    let done = |args: &[&str], input: &str| -> Value {
        let out = world.bulkhead_with_input(&[args, &["--json"]].concat(), input);
        assert!(out.status.success(), "{args:?}: {}", text(&out));
        serde_json::from_slice(&out.stdout).expect("JSON")
    };
    done(&["config", "set", "channels.telegram.apiRoot", &outside.telegram.base_url], "");
    let _running = profile.supervised(&world).await;

    // A token that is nobody's is told before anything is stored.
    let unknown = world.bulkhead_with_input(
        &["channels", "add", "telegram", "--account", "ops", "--token", "-", "--json"],
        "111111111:AAunknownunknownunknownunknownunknown",
    );
    assert_eq!(unknown.status.code(), Some(78), "{}", text(&unknown));
    let list = done(&["channels", "list"], "");
    assert_eq!(list["chat"], json!({}));

    let bot = outside.bot("late_bot");
    let words = ["channels", "add", "telegram", "--account", "ops", "--name", "On call", "--token", "-"];
    let added = done(&words, &bot.token);
    assert_eq!((&added["bot"]["username"], &added["accountId"]), (&json!("late_bot"), &json!("ops")));
    bot.pair(&world, &profile, PERSON).await;
    bot.ask(PERSON, "ECHO at last", "at last").await;

    let person = PERSON.to_string();
    let sent = done(&["message", "send", "-t", &person, "-m", "The backup is done.", "--account", "ops"], "");
    bot.control.wait_for_text(PERSON, "The backup is done.").await;
    assert!(sent["messageId"].is_string() && sent["channel"] == "telegram", "{sent:#}");

    assert_eq!(done(&["channels", "stop", "telegram", "--account", "ops"], "")["stopped"], true);
    let refused = world.bulkhead(&["message", "send", "-t", &person, "-m", "too late", "--account", "ops"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert_eq!(done(&["channels", "start", "telegram", "--account", "ops"], "")["started"], true);
    bot.ask(PERSON, "ECHO again", "again").await;
    let gone = done(&["channels", "remove", "telegram", "--account", "ops", "--delete"], "");
    assert_eq!((&gone["deleted"], &gone["secretDeleted"]), (&json!(true), &json!(true)));
    assert!(search::files_with(world.home(), &bot.token, |_| false).is_empty(), "its token is gone");
}
