//! What a script in the app's window can't do, even one that an attacker got in there.

use crate::app_life::create;
use crate::outside::Outside;
use anyhow::{Context, Result, ensure};
use bulkhead_tests::World;
use bulkhead_tests::desk::Desk;
use bulkhead_tests::page::state;
use bulkhead_tests::screen::{Screen, Window};
use serde_json::{Value, json};
use std::net::TcpListener;

/// Runs a function body in the page; what it returns or throws comes back.
async fn run(window: &Window, body: &str, argument: Value) -> Result<Value> {
    let script = format!(
        "const done = arguments[1]; (async (given) => {{ {body} }})(arguments[0])\
         .then((value) => done({{ value: value === undefined ? null : value }}), \
         (error) => done({{ error: String(error && error.message || JSON.stringify(error) || error) }}));"
    );
    let answer = window.driver.execute_async(script, vec![argument]).await.context(body.to_owned())?;
    Ok(answer.json().clone())
}

async fn fails(window: &Window, what: &str, body: &str, argument: Value) -> Result<()> {
    let answer = run(window, body, argument).await?;
    ensure!(answer.get("error").is_some(), "{what} worked: {answer}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_in_the_window_reaches_neither_network_nor_system_nor_tokens() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let profile = create(&outside, &world, &["main"], "keychain").remove(0);
    let screen = Screen::start(&mut world);
    let window = Window::open(&world, &[]).await?;
    state(&window.driver, "card-main-state", "data-state", "running").await?;

    // Somebody who would notice.
    let stranger = TcpListener::bind(("127.0.0.1", 0))?;
    stranger.set_nonblocking(true)?;
    let strange = format!("http://{}/", stranger.local_addr()?);
    let gateway = format!("http://127.0.0.1:{}/healthz", profile.port);
    for url in [&strange, &gateway] {
        let given = || json!(url);
        fails(&window, "fetch", "await fetch(given, { mode: 'no-cors' })", given()).await?;
        let socket = "await new Promise((yes, no) => { const s = new WebSocket(given.replace('http', 'ws')); s.onopen = yes; s.onerror = () => no(Error('refused')); })";
        fails(&window, "a WebSocket", socket, given()).await?;
        let image = "await new Promise((yes, no) => { const i = new Image(); i.onload = yes; i.onerror = () => no(Error('refused')); i.src = given; })";
        fails(&window, "an image", image, given()).await?;
        let script = "await new Promise((yes, no) => { const s = document.createElement('script'); s.onload = yes; s.onerror = () => no(Error('refused')); s.src = given; document.head.append(s); })";
        fails(&window, "a script", script, given()).await?;
        let elsewhere = "const f = document.createElement('iframe'); f.src = given; document.body.append(f); const form = document.createElement('form'); form.action = given; form.method = 'post'; document.body.append(form); form.submit(); navigator.sendBeacon(given, 'x'); window.open(given); location.href = given;";
        run(&window, elsewhere, given()).await?;
        let place =
            run(&window, "await new Promise((r) => setTimeout(r, 300)); return location.href", json!(null));
        let place = place.await?["value"].as_str().unwrap_or_default().to_owned();
        ensure!(
            place == "tauri://localhost" || place.starts_with("tauri://localhost/"),
            "the window went to {place}"
        );
    }
    ensure!(Desk::new(&screen)?.windows()?.len() == 1, "another window opened");
    let came = stranger.accept();
    ensure!(came.is_err(), "the page reached {strange}: {came:?}");

    // Text never becomes code.
    fails(&window, "eval", "return eval('1 + 1')", json!(null)).await?;
    fails(&window, "Function", "return new Function('return 1')()", json!(null)).await?;
    let inline = "const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s); const d = document.createElement('div'); d.innerHTML = '<img src=\"data:x\" onerror=\"window.ran = true\">'; document.body.append(d); await new Promise((r) => setTimeout(r, 200)); return window.ran === true";
    assert_eq!(run(&window, inline, json!(null)).await?, json!({ "value": false }));

    // Of the system only our own commands answer.
    let invoke = "return await window.__TAURI_INTERNALS__.invoke(given.cmd, given.args)";
    let info = run(&window, invoke, json!({ "cmd": "app_info", "args": {} })).await?;
    assert!(info.pointer("/value/version").is_some(), "{info}");
    for (cmd, args) in [
        ("plugin:shell|execute", json!({ "program": "bulkhead", "args": [], "options": {} })),
        (
            "plugin:shell|spawn",
            json!({ "program": "bulkhead", "args": [], "options": { "sidecar": true }, "onEvent": "__CHANNEL__:1" }),
        ),
        ("plugin:shell|open", json!({ "path": "/etc/passwd" })),
        ("plugin:shell|kill", json!({ "pid": 1 })),
        ("plugin:opener|open_url", json!({ "url": "https://example.org" })),
        ("plugin:opener|open_path", json!({ "path": "/etc/passwd" })),
        ("plugin:autostart|enable", json!({})),
        ("plugin:window-state|save_window_state", json!({ "flags": 1 })),
        (
            "plugin:webview|create_webview_window",
            json!({ "options": { "label": "two", "url": "index.html" } }),
        ),
        ("plugin:window|create", json!({ "options": { "label": "two" } })),
        ("plugin:event|listen", json!({ "event": "x", "target": { "kind": "Any" }, "handler": 1 })),
        ("plugin:path|resolve_directory", json!({ "directory": 21 })),
        ("plugin:app|version", json!({})),
        ("plugin:tray|new", json!({ "options": {} })),
        ("open_external", json!({ "url": "file:///etc/passwd" })),
        ("setup_run", json!({ "request": { "action": "format" }, "onProgress": "__CHANNEL__:2" })),
        ("nonsense", json!({})),
    ] {
        fails(&window, cmd, invoke, json!({ "cmd": cmd, "args": args })).await?;
    }

    // Whatever a script can ask for, no secret is in it.
    let mut reachable = run(
        &window,
        "const all = [document.documentElement.outerHTML, document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), location.href, JSON.stringify(await indexedDB.databases())]; \
         for (const name of Object.getOwnPropertyNames(window)) { try { all.push(name, String(JSON.stringify(window[name]))) } catch { } } return all.join('\\n')",
        json!(null),
    )
    .await?
    .to_string();
    let config = json!({ "profile": "main", "method": "config.get", "params": {} });
    for (cmd, args) in [
        ("profiles_list", json!({})),
        ("draft_load", json!({})),
        ("logs_tail", json!({ "profile": "main", "cursor": null, "limit": 2000 })),
        ("gateway_request", config),
        ("gateway_request", json!({ "profile": "main", "method": "health", "params": {} })),
        ("gateway_request", json!({ "profile": "main", "method": "status", "params": {} })),
        ("gateway_request", json!({ "profile": "main", "method": "models.list", "params": {} })),
        ("gateway_request", json!({ "profile": "main", "method": "logs.tail", "params": {} })),
        ("setup_run", json!({ "request": { "action": "detect" }, "onProgress": "__CHANNEL__:3" })),
    ] {
        let answer = run(&window, invoke, json!({ "cmd": cmd, "args": args })).await?;
        ensure!(answer.get("value").is_some(), "{cmd} {args}: {answer}");
        reachable.push_str(&answer.to_string());
    }
    for secret in [&profile.token, &outside.key] {
        ensure!(!reachable.contains(secret.as_str()), "a secret is reachable: {reachable}");
    }
    window.close().await
}
