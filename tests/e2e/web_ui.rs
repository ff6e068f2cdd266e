//! The web UI that a gateway serves, in a real Chromium.

use crate::outside::{Outside, Profile};
use anyhow::{Context, Result, ensure};
use bulkhead_fakes::model::Fault;
use bulkhead_tests::chromium::Chromium;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;
use bulkhead_tests::{World, page};
use serde_json::{Value, json};
use std::time::Instant;
use thirtyfour::{By, Key};

const PERSON: i64 = 4201;

/// One message of the transcript as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub role: String,
    pub state: String,
    pub text: String,
}

const READ: &str = "return [...document.querySelectorAll('[data-testid=transcript] article')].map((one) => \
    [one.dataset.testid.replace('message-', ''), one.dataset.state, one.querySelector('.words')?.innerText.trim() ?? '']);";

/// The open conversation.
pub async fn transcript(browser: &Chromium) -> Result<Vec<Entry>> {
    let rows = browser.js(READ).await?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(rows
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| Entry { role: word(&row[0]), state: word(&row[1]), text: word(&row[2]) })
        .collect())
}

/// Waits until the conversation is as wanted.
pub async fn until(browser: &Chromium, what: &str, wanted: impl Fn(&[Entry]) -> bool) -> Result<Vec<Entry>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = transcript(browser).await.unwrap_or_default();
        if wanted(&shown) {
            return Ok(shown);
        }
        ensure!(
            Instant::now() < deadline,
            "not in time: {what}; the conversation is {shown:#?}, the page says:\n{}",
            page::words(&browser.driver).await
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Whether exactly one message of a role holds a text, and is in a state.
pub fn once(shown: &[Entry], role: &str, state: &str, part: &str) -> bool {
    let found: Vec<&Entry> =
        shown.iter().filter(|entry| entry.role == role && entry.text.contains(part)).collect();
    found.len() == 1 && found[0].state == state
}

/// Types a message and sends it.
pub async fn say(browser: &Chromium, text: &str) -> Result<()> {
    page::fill(&browser.driver, "composer", text).await?;
    page::click(&browser.driver, "chat-send").await
}

/// Opens the UI as `bulkhead dashboard` does, and waits until one can write.
pub async fn log_in(browser: &Chromium, profile: &Profile) -> Result<()> {
    browser.driver.goto(&format!("http://127.0.0.1:{}/#token={}", profile.port, profile.token)).await?;
    page::find(&browser.driver, "composer").await?;
    connected(browser).await
}

/// Waits until what is written can be sent.
async fn connected(browser: &Chromium) -> Result<()> {
    page::fill(&browser.driver, "composer", "x").await?;
    browser
        .wait_js("connected", "return !document.querySelector('[data-testid=chat-send]').disabled;")
        .await?;
    page::find(&browser.driver, "composer").await?.send_keys(Key::Backspace).await?;
    Ok(())
}

fn at(profile: &Profile) -> String {
    format!("http://127.0.0.1:{}/", profile.port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_logs_in_and_a_form_says_what_is_wrong() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.running(&world).await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;
    for place in ["location.href", "document.referrer", "document.cookie", "JSON.stringify(localStorage)"] {
        let found = browser.js(&format!("return String({place});")).await?.to_string();
        ensure!(!found.contains(&main.token), "the token is in {place}: {found}");
    }
    // Going back does not bring it back.
    browser.js("history.back();").await?;
    let address = browser.js("return location.href;").await?.to_string();
    ensure!(!address.contains(&main.token), "{address}");

    // The tab remembers; another one is asked.
    browser.driver.goto(&at(&main)).await?;
    page::find(&browser.driver, "composer").await?;
    page::click(&browser.driver, "nav-settings").await?;
    page::click(&browser.driver, "logout").await?;
    page::find(&browser.driver, "login").await?;
    let asked = page::words(&browser.driver).await;
    ensure!(
        browser.driver.find(By::Css("[data-testid=login-problem]")).await.is_err(),
        "nothing is wrong yet: {asked}"
    );
    browser.pictures("web-login").await?;
    page::fill(&browser.driver, "login-token", "not-the-token").await?;
    page::click(&browser.driver, "login-submit").await?;
    let problem = page::find(&browser.driver, "login-problem").await?.text().await?;
    ensure!(problem.to_lowercase().contains("token"), "{problem}");
    browser.pictures("web-login-wrong").await?;
    page::fill(&browser.driver, "login-token", &main.token).await?;
    page::click(&browser.driver, "login-submit").await?;
    page::find(&browser.driver, "nav-chat").await?;
    let stopped = browser.violations().await?;
    ensure!(stopped.is_empty(), "the content policy was broken in normal use: {stopped:?}");
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_or_a_password_is_asked_for_at_once() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.supervised(&world).await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;
    say(&browser, "ECHO by the old token").await?;
    until(&browser, "an answer", |all| once(all, "assistant", "final", "by the old token")).await?;

    // Another token: who came in by the old one is out, and is told why.
    let next = format!("gw-{}", crate::outside::word(40));
    let out = world.bulkhead_with_input(&["secrets", "set", "gateway/token", "-"], &next);
    ensure!(out.status.success(), "{}", text(&out));
    page::find(&browser.driver, "login-problem").await?;
    page::fill(&browser.driver, "login-token", &next).await?;
    page::click(&browser.driver, "login-submit").await?;
    until(&browser, "the conversation", |all| once(all, "assistant", "final", "by the old token")).await?;

    // A password in its place.
    let password = format!("pass word {}", crate::outside::word(20));
    let out = world.bulkhead_with_input(&["secrets", "set", "gateway/password", "-"], &password);
    ensure!(out.status.success(), "{}", text(&out));
    let reference = r#"{"source":"file","id":"gateway/password"}"#;
    for (path, value) in [("gateway.auth.password", reference), ("gateway.auth.mode", "password")] {
        let out = world.bulkhead(&["config", "set", path, value]);
        ensure!(out.status.success(), "{}", text(&out));
    }
    let out = world.bulkhead(&["gateway", "restart"]);
    ensure!(out.status.success(), "{}", text(&out));
    page::find(&browser.driver, "login-problem").await?;
    browser.pictures("web-login-password").await?;
    page::fill(&browser.driver, "login-token", &password).await?;
    page::click(&browser.driver, "login-submit").await?;
    until(&browser, "the conversation", |all| once(all, "assistant", "final", "by the old token")).await?;
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_show_the_same_conversation() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.running(&world).await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;
    let first = browser.driver.window().await?;
    let second = browser.driver.new_tab().await?;
    browser.driver.switch_to_window(second.clone()).await?;
    log_in(&browser, &main).await?;
    say(&browser, "DO: slow 20; piece 4; say words(30)").await?;
    until(&browser, "it begins", |all| all.last().is_some_and(|one| one.role == "assistant")).await?;
    // Looked at in the middle, and sent from here next.
    browser.driver.switch_to_window(first).await?;
    until(&browser, "the answer here too", |all| once(all, "assistant", "final", "word29 word30")).await?;
    say(&browser, "ECHO from the first window").await?;
    let here =
        until(&browser, "an answer", |all| once(all, "assistant", "final", "from the first window")).await?;
    browser.driver.switch_to_window(second).await?;
    let there =
        until(&browser, "it there too", |all| once(all, "assistant", "final", "from the first window"))
            .await?;
    ensure!(here.len() == 4 && here == there, "first {here:#?}\nsecond {there:#?}");
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_streams_stops_copies_and_survives_a_reload() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.running(&world).await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;

    say(&browser, "ECHO good morning").await?;
    until(&browser, "the answer", |all| {
        once(all, "assistant", "final", "good morning") && once(all, "user", "sent", "ECHO good morning")
    })
    .await?;

    // It grows before one's eyes: two lengths seen while it streams, then all of it.
    say(&browser, "DO: slow 40; piece 4; say words(40)").await?;
    let streaming =
        |all: &[Entry]| all.last().filter(|e| e.state == "streaming" && !e.text.is_empty()).cloned();
    let first = until(&browser, "a first piece", |all| streaming(all).is_some()).await?;
    let length = first.last().map_or(0, |entry| entry.text.len());
    until(&browser, "more of it", |all| streaming(all).is_some_and(|entry| entry.text.len() > length))
        .await?;
    until(&browser, "all of it", |all| once(all, "assistant", "final", "word39 word40")).await?;

    // One that takes too long is stopped, at the model too.
    say(&browser, "DO: slow 200; piece 6; say words(2000)").await?;
    until(&browser, "a slow answer", |all| streaming(all).is_some()).await?;
    browser.pictures("web-chat-streaming").await?;
    page::click(&browser.driver, "chat-abort").await?;
    until(&browser, "the end of it", |all| all.last().is_some_and(|entry| entry.state == "aborted")).await?;
    tokio::time::timeout(PATIENCE, outside.model.control.wait_for_abandoned(1)).await.context("the model")?;

    // Code is copied as it is.
    let code = "for n in range(3):\n    print(\"<b>\" + str(n))";
    let fence = json!(format!("Look:\n\n```python\n{code}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |"));
    say(&browser, &format!("DO: say {fence}")).await?;
    until(&browser, "code", |all| {
        all.last().is_some_and(|e| e.state == "final" && e.text.contains("range(3)"))
    })
    .await?;
    browser.driver.find(By::Css("[data-testid=transcript] .code-head button")).await?.click().await?;
    let composer = page::find(&browser.driver, "composer").await?;
    composer.click().await?;
    composer.send_keys(Key::Control + "v").await?;
    let pasted = composer.prop("value").await?.unwrap_or_default();
    ensure!(pasted == code, "copied {pasted:?}, expected {code:?}");
    composer.send_keys(Key::Control + "a").await?;
    composer.send_keys(Key::Backspace).await?;

    let before = until(&browser, "rest", |all| all.iter().all(|entry| entry.state != "streaming")).await?;
    browser.driver.refresh().await?;
    let after = until(&browser, "the same after a reload", |all| all.len() >= before.len()).await?;
    // The copy button still said so.
    let texts = |all: &[Entry]| {
        all.iter().map(|e| (e.role.clone(), e.text.replace("\nCopied\n", "\nCopy\n"))).collect::<Vec<_>>()
    };
    ensure!(texts(&before) == texts(&after), "before {before:#?}\nafter {after:#?}");
    ensure!(
        after.iter().filter(|entry| entry.state == "aborted").count() == 1,
        "the stopped one stays stopped: {after:#?}"
    );
    browser.pictures("web-chat").await?;
    let stopped = browser.violations().await?;
    ensure!(stopped.is_empty(), "the content policy was broken in normal use: {stopped:?}");
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_loses_nothing_and_says_nothing_twice() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let mut gateway = main.running(&world).await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;
    say(&browser, "ECHO before the storm").await?;
    until(&browser, "an answer", |all| once(all, "assistant", "final", "before the storm")).await?;

    // Killed while the model thinks.
    let asked = outside.model.control.requests().len();
    outside.model.control.fail_next(Fault::Hold);
    say(&browser, "ECHO in the storm").await?;
    outside.model.control.wait_for_requests(asked + 1).await;
    gateway.signal("KILL");
    gateway.wait();
    browser
        .wait_js("offline", "return document.querySelector('[data-testid=connection]') !== null;")
        .await
        .ok();
    // What one writes meanwhile is kept.
    // (Two questions without an answer between them reach a model as one; the last word decides here.)
    page::fill(&browser.driver, "composer", "DO: say \"after the storm\"").await?;
    browser.pictures("web-chat-offline").await?;
    outside.model.control.release();
    let mut gateway = main.running(&world).await;
    page::find(&browser.driver, "chat-unanswered").await?;
    let shown =
        until(&browser, "the question once", |all| once(all, "user", "sent", "ECHO in the storm")).await?;
    ensure!(once(&shown, "user", "sent", "before the storm"), "{shown:#?}");
    ensure!(once(&shown, "assistant", "final", "before the storm"), "{shown:#?}");
    browser.pictures("web-chat-unanswered").await?;

    page::click(&browser.driver, "chat-send").await?;
    until(&browser, "an answer", |all| once(all, "assistant", "final", "after the storm")).await?;
    let live = until(&browser, "rest", |all| {
        all.iter().all(|e| ["final", "sent", "interrupted"].contains(&e.state.as_str()))
    })
    .await?;
    browser.driver.refresh().await?;
    let again = until(&browser, "the same", |all| all.len() >= live.len()).await?;
    ensure!(live == again, "live {live:#?}\nloaded {again:#?}");

    // Killed in the middle of an answer.
    let long: Vec<String> = (1..=300).map(|n| format!("word{n}")).collect();
    say(&browser, &format!("SLOW 100 {}", long.join(" "))).await?;
    until(&browser, "a piece", |all| all.last().is_some_and(|e| e.state == "streaming" && e.text.len() > 20))
        .await?;
    gateway.signal("KILL");
    gateway.wait();
    let _gateway = main.running(&world).await;
    connected(&browser).await?;
    say(&browser, "DO: say \"sunshine\"").await?;
    let shown = until(&browser, "an answer", |all| once(all, "assistant", "final", "sunshine")).await?;
    ensure!(once(&shown, "user", "sent", "SLOW 100"), "{shown:#?}");
    ensure!(
        shown.iter().filter(|e| e.role == "assistant" && e.text.starts_with("word1 ")).count() <= 1,
        "{shown:#?}"
    );
    ensure!(shown[..again.len()] == again[..], "before {again:#?}\nafter {shown:#?}");
    browser.driver.refresh().await?;
    let loaded = until(&browser, "the same", |all| once(all, "assistant", "final", "sunshine")).await?;
    let users = |all: &[Entry]| all.iter().filter(|e| e.role == "user").cloned().collect::<Vec<_>>();
    ensure!(users(&shown) == users(&loaded), "live {shown:#?}\nloaded {loaded:#?}");
    browser.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_shows_what_is_there() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let bot = outside.bot("page_bot");
    let main = outside.onboard(&world, "main", Some(&bot), "file");
    let _gateway = main.supervised(&world).await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;
    let driver = &browser.driver;

    // A stranger writes, and is let in from the page.
    page::click(driver, "nav-channels").await?;
    page::state(driver, "channel-telegram-default", "data-state", "connected").await?;
    let row = page::find(driver, "channel-telegram-default").await?.text().await?;
    ensure!(row.contains("@page_bot"), "{row}");
    let code = bot.pairing_code(PERSON).await;
    let request = page::find(driver, "pairing-request").await?.text().await?;
    ensure!(request.contains(&PERSON.to_string()), "{request}");
    browser.pictures("web-channels").await?;
    ensure!(request.contains(&code), "the code is shown, to be compared: {request}");
    page::click(driver, "pairing-approve").await?;
    page::find(driver, "pairing-approved").await?;
    bot.ask(PERSON, "ECHO let in", "let in").await;
    browser.pictures("web-channels-approved").await?;

    page::click(driver, "nav-models").await?;
    let provider = page::find(driver, "provider-fake").await?.text().await?;
    ensure!(provider.contains("fake-1"), "{provider}");
    page::click(driver, "probe-fake").await?;
    page::state(driver, "probe-fake-result", "data-state", "ok").await?;
    browser.pictures("web-models").await?;

    page::click(driver, "nav-logs").await?;
    browser
        .wait_js(
            "log lines",
            "return document.querySelectorAll('[data-testid=logs] button.line').length > 2;",
        )
        .await?;
    browser.pictures("web-logs").await?;
    page::fill(driver, "logs-search", "identified").await?;
    browser
        .wait_js(
            "the bot's line",
            "const all = [...document.querySelectorAll('[data-testid=logs] button.line')]; \
             return all.length > 0 && all.every((one) => one.innerText.includes('identified'));",
        )
        .await?;
    driver.find(By::Css("[data-testid=logs] button.line")).await?.click().await?;
    let picked = page::find(driver, "logs-picked").await?.text().await?;
    ensure!(picked.contains("page_bot") && !picked.contains(&bot.token), "{picked}");
    browser.pictures("web-logs-picked").await?;

    // The Telegram conversation is there to read, as it happens.
    page::click(driver, "nav-chat").await?;
    let session = format!("[data-testid=session][data-key='agent:main:telegram:direct:{PERSON}']");
    page::find(driver, "session").await?;
    driver.find(By::Css(&session)).await?.click().await?;
    until(&browser, "the conversation", |all| once(all, "assistant", "final", "let in")).await?;
    bot.ask(PERSON, "ECHO second thought", "second thought").await;
    until(&browser, "what happens now", |all| once(all, "assistant", "final", "second thought")).await?;
    let words = page::find(driver, "transcript").await?.text().await?;
    ensure!(words.contains(&format!("user{PERSON}")) && !words.contains("You"), "who wrote it: {words}");
    browser.pictures("web-chat-telegram").await?;

    page::click(driver, "nav-settings").await?;
    page::find(driver, "version").await?;
    browser.pictures("web-settings").await?;
    let stopped = browser.violations().await?;
    ensure!(stopped.is_empty(), "the content policy was broken in normal use: {stopped:?}");
    let own = [format!("http://127.0.0.1:{}/", main.port), format!("ws://127.0.0.1:{}/", main.port)];
    let foreign: Vec<String> = browser
        .requested()
        .await?
        .into_iter()
        .filter(|url| !own.iter().any(|own| url.starts_with(own)))
        .collect();
    ensure!(foreign.is_empty(), "asked elsewhere: {foreign:?}");
    browser.close().await
}
