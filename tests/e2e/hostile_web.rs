//! What a web page that the person visits, or a message that a stranger wrote, can't do.

use crate::outside::{Outside, client};
#[cfg(target_os = "linux")]
use crate::web_ui::{log_in, say, until};
#[cfg(target_os = "linux")]
use anyhow::{Result, ensure};
use bulkhead_tests::World;
#[cfg(target_os = "linux")]
use bulkhead_tests::{chromium::Chromium, page};
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

async fn raw(port: u16, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("connect");
    stream.write_all(request.as_bytes()).await.expect("write");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebound_host_and_a_foreign_origin_get_nothing() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.running(&world).await;

    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example"] {
        let answer =
            raw(main.port, &format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
    }
    let mut request = format!("ws://127.0.0.1:{}/", main.port).into_client_request().expect("request");
    request.headers_mut().insert("Origin", "https://evil.example".parse().expect("header"));
    match tokio_tungstenite::connect_async(request).await {
        Err(_) => {}
        Ok((mut socket, _)) => {
            // The socket may open; with this origin nothing but a refusal comes over it.
            let connect = serde_json::json!({ "type": "req", "id": "1", "method": "connect", "params": {
                "minProtocol": 4, "maxProtocol": 4, "role": "operator", "scopes": ["operator.admin"], "caps": [],
                "client": { "id": "cli", "version": "1", "platform": "linux", "mode": "cli" },
                "auth": { "token": main.token } } });
            futures::SinkExt::send(&mut socket, Message::text(connect.to_string())).await.expect("send");
            let mut said = String::new();
            while let Some(Ok(message)) = socket.next().await {
                said.push_str(&message.to_string());
            }
            assert!(!said.contains("hello-ok"), "{said}");
            assert!(said.contains("CONTROL_UI_ORIGIN_NOT_ALLOWED"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_ui_comes_with_its_shields() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _gateway = main.running(&world).await;
    let page = client().get(format!("http://127.0.0.1:{}/", main.port)).send().await.expect("page");
    assert!(page.status().is_success());
    let header = |name: &str| {
        page.headers().get(name).map(|v| v.to_str().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    let csp = header("content-security-policy");
    for rule in ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(csp.contains(rule), "{rule} is not in {csp}");
    }
    assert!(!csp.contains("unsafe-"), "neither eval nor anything inline: {csp}");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-frame-options").to_uppercase(), "DENY");
}

/// A web server of somebody else: answers everything, lets everybody read it, and remembers who came.
#[cfg(target_os = "linux")]
struct Elsewhere {
    port: u16,
    asked: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

#[cfg(target_os = "linux")]
impl Elsewhere {
    async fn open(body: String) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("bind");
        let port = listener.local_addr().expect("address").port();
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = asked.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, body) = (seen.clone(), body.clone());
                tokio::spawn(async move {
                    let mut head = vec![0_u8; 16 * 1024];
                    let read = stream.read(&mut head).await.unwrap_or(0);
                    let line = String::from_utf8_lossy(&head[..read]).lines().next().unwrap_or("").to_owned();
                    if !line.is_empty() {
                        seen.lock().expect("seen").push(line);
                    }
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\n\
                         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { port, asked, task }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("asked").clone()
    }
}

#[cfg(target_os = "linux")]
impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Everything that runs or fetches where it is not made safe. What would run sets `window.pwned`.
#[cfg(target_os = "linux")]
const PAYLOAD: &str = r#"<img src=x onerror="window.pwned='img'"> <img src="http://CANARY/img.png">
<script>window.pwned='script'</script><script src="http://CANARY/s.js"></script>
<iframe src="http://CANARY/frame" srcdoc="<script>parent.pwned='srcdoc'</script>"></iframe>
<svg onload="window.pwned='svg'"><image href="http://CANARY/svg.png"/><script>window.pwned='svgscript'</script></svg>
<svg><style><img src=x onerror="window.pwned='mxss'"></style></svg>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=window.pwned='math'&gt;">
<style>@import url(http://CANARY/style.css); body { background: url(http://CANARY/bg.png) }</style>
<link rel="stylesheet" href="http://CANARY/link.css"><link rel="prefetch" href="http://CANARY/prefetch">
<meta http-equiv="refresh" content="0;url=http://CANARY/refresh"><base href="http://CANARY/">
<video poster="http://CANARY/poster.png" src="http://CANARY/video" autoplay></video>
<object data="http://CANARY/object"></object><embed src="http://CANARY/embed">
<details open ontoggle="window.pwned='toggle'">x</details><input autofocus onfocus="window.pwned='focus'">
<div style="background:url(http://CANARY/div.png)" onmouseover="window.pwned='over'">over</div>

![remote](http://CANARY/markdown.png) ![inline](data:image/svg+xml,<svg/onload=window.pwned='data'>)
[one](javascript:window.pwned='link') [two](JaVaScRiPt:window.pwned='case') [three](&#106;avascript:window.pwned='entity')
[four](data:text/html,<script>window.pwned='datalink'</script>) [five](vbscript:x) [six]( java
script:window.pwned='split')
<a href="javascript:window.pwned='a'">seven</a> <javascript:window.pwned='auto'> [eight](//CANARY/eight)
[nine](http://CANARY/"onmouseover="window.pwned='attr') [ten][ref]

[ref]: javascript:window.pwned='ref'

```"><img/src=x/onerror=window.pwned='lang'>
code</code></pre><img src=x onerror="window.pwned='code'">
```

end-of-payload"#;

/// What a document must not hold after it showed a message, and links that lead to running something.
#[cfg(target_os = "linux")]
const FOUND: &str = r"
    const shown = document.querySelector('#app');
    const wrong = [...shown.querySelectorAll('script, iframe, object, embed, link, style, base, meta, video, audio, math, image, form form, details')]
        .concat([...shown.querySelectorAll('img')]);
    for (const one of shown.querySelectorAll('*')) {
        if ([...one.attributes].some(({ name }) => name.startsWith('on') || name === 'srcdoc')) wrong.push(one);
        if (one.closest('[data-testid=transcript]') && one.hasAttribute('style')) wrong.push(one);
    }
    for (const link of shown.querySelectorAll('[data-testid=transcript] a'))
        if (!/^(https?|mailto):/.test(link.href)) wrong.push(link);
    return wrong.map((one) => one.outerHTML.slice(0, 200));";

/// Looks at the page, touches all of it, and finds that nothing ran and nothing was fetched.
#[cfg(target_os = "linux")]
async fn nothing_runs(browser: &Chromium, canary: &Elsewhere, own: u16, place: &str) -> Result<()> {
    let wrong = browser.js(FOUND).await?;
    ensure!(wrong.as_array().is_some_and(Vec::is_empty), "{place}: {wrong:#}");
    // Everything that is no link to a web page is clicked, and the mouse goes over everything.
    browser
        .js("for (const one of document.querySelectorAll('[data-testid=transcript] .words *')) { \
                 one.dispatchEvent(new MouseEvent('mouseover', { bubbles: true })); \
                 if (!one.closest('a[href^=http], button')) one.click(); }")
        .await?;
    // What was begun has ended when two frames are painted and the queue of tasks is empty.
    let settle = "const done = arguments[arguments.length - 1]; \
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true), 0)));";
    browser.driver.execute_async(settle, Vec::new()).await?;
    let ran = browser.js("return window.pwned ?? null;").await?;
    ensure!(ran.is_null(), "{place}: ran: {ran}");
    ensure!(canary.asked().is_empty(), "{place}: fetched: {:?}", canary.asked());
    let own = [format!("http://127.0.0.1:{own}/"), format!("ws://127.0.0.1:{own}/")];
    let foreign: Vec<String> = browser
        .requested()
        .await?
        .into_iter()
        .filter(|url| !own.iter().any(|own| url.starts_with(own)))
        .collect();
    ensure!(foreign.is_empty(), "{place}: asked for {foreign:?}");
    let violations = browser.violations().await?;
    ensure!(violations.is_empty(), "{place}: only the policy stopped {violations:?}");
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn hostile_messages_are_words_and_nothing_else() -> Result<()> {
    const PERSON: i64 = 6601;
    const STRANGER: i64 = 6602;
    let canary = Elsewhere::open(String::new()).await;
    let payload = PAYLOAD.replace("CANARY", &format!("127.0.0.1:{}", canary.port));
    let outside = Outside::new().await;
    let world = World::new();
    let bot = outside.bot("hostile_bot");
    let main = outside.onboard(&world, "main", Some(&bot), "file");
    let _gateway = main.supervised(&world).await;
    bot.pair(&world, &main, PERSON).await;
    let browser = Chromium::open(&world, &[]).await?;
    log_in(&browser, &main).await?;

    // From a person, by Telegram; the model says it back, so both sides of the conversation hold it.
    let question = format!("{payload}\n\nDO: say {}", serde_json::json!(payload));
    let name = "<img src=x onerror=window.pwned='name'>";
    bot.control.say_as(PERSON, name, &question);
    bot.control.wait_for_text(PERSON, "end-of-payload").await;
    let session = format!("[data-testid=session][data-key='agent:main:telegram:direct:{PERSON}']");
    browser
        .wait_js("the session", &format!("return document.querySelector(\"{session}\") !== null;"))
        .await?;
    browser.driver.find(thirtyfour::By::Css(&session)).await?.click().await?;
    let shown = until(&browser, "the conversation", |all| {
        all.iter().filter(|one| one.text.contains("end-of-payload")).count() == 2
    })
    .await?;
    for one in &shown {
        for part in ["onerror=", "<script>", "<iframe", "javascript:"] {
            ensure!(one.text.contains(part) || part == "javascript:", "{part} is shown as words: {one:?}");
        }
    }
    nothing_runs(&browser, &canary, main.port, "a Telegram conversation").await?;
    browser.pictures("web-hostile").await?;

    // In the web chat, streamed in pieces: half a tag at a time.
    page::click(&browser.driver, "chat-new").await?;
    let streamed = format!("DO: slow 1; piece 3; say {}", serde_json::json!(payload));
    say(&browser, &streamed).await?;
    until(&browser, "the answer", |all| {
        all.last().is_some_and(|one| one.state == "final" && one.text.contains("end-of-payload"))
    })
    .await?;
    nothing_runs(&browser, &canary, main.port, "a streamed answer").await?;
    browser.driver.refresh().await?;
    page::find(&browser.driver, "composer").await?;
    nothing_runs(&browser, &canary, main.port, "after a reload").await?;

    // A stranger's name beside the code, and in the log.
    bot.control.say_as(STRANGER, name, "let me in");
    bot.control.wait_for_text(STRANGER, "Pairing code").await;
    page::click(&browser.driver, "nav-channels").await?;
    let request = page::find(&browser.driver, "pairing-request").await?.text().await?;
    ensure!(request.contains("<img src=x"), "the name is shown as it is: {request}");
    nothing_runs(&browser, &canary, main.port, "a pairing request").await?;
    page::click(&browser.driver, "nav-logs").await?;
    page::find(&browser.driver, "logs").await?;
    nothing_runs(&browser, &canary, main.port, "the log").await?;

    // The second net: had it all become part of the page, the content policy would have stopped it. (It also shows
    // that these tests would see it.)
    let raw: String = payload.lines().filter(|line| !line.contains("<meta")).collect::<Vec<_>>().join("\n");
    browser
        .js(&format!("document.body.insertAdjacentHTML('beforeend', {});", serde_json::json!(raw)))
        .await?;
    browser.wait_js("violations", "return window.__violations.length > 8;").await?;
    let ran = browser.js("return window.pwned ?? null;").await?;
    ensure!(ran.is_null(), "the policy let it run: {ran}");
    ensure!(canary.asked().is_empty(), "the policy let it fetch: {:?}", canary.asked());
    browser.close().await
}

/// A page that tries what a page of somebody else can try; its findings are in `window.found`.
#[cfg(target_os = "linux")]
const INTRUDER: &str = r#"<!doctype html><title>elsewhere</title>
<iframe id="frame" src="http://GATEWAY/"></iframe>
<iframe name="sink" id="sink"></iframe>
<form id="form" method="post" enctype="text/plain" target="sink" action="http://GATEWAY/v1/chat/completions">
<input name='{"model":"main","messages":[{"role":"user","content":"ECHO forged' value='"}]}'></form>
<script>
const found = {}, all = [];
const attempt = (name, work) => all.push(work.then((value) => found[name] = value, (error) => found[name] = 'failed: ' + error));
const bearer = { authorization: 'Bearer TOKEN' };
for (const path of ['/', '/healthz', '/v1/models', '/assets/'])
    attempt('read ' + path, fetch('http://GATEWAY' + path).then((answer) => answer.text()));
attempt('read with token', fetch('http://GATEWAY/v1/models', { headers: bearer }).then((answer) => answer.text()));
attempt('blind', fetch('http://GATEWAY/v1/models', { mode: 'no-cors', credentials: 'include' }).then((answer) => answer.type));
attempt('blind post', fetch('http://GATEWAY/v1/chat/completions', { mode: 'no-cors', method: 'POST', headers: { 'content-type': 'text/plain' },
    body: JSON.stringify({ model: 'main', messages: [{ role: 'user', content: 'ECHO forged' }] }) }).then((answer) => answer.type));
for (const id of ['cli', 'openclaw-control-ui', 'webchat', 'gateway-client'])
    attempt('socket ' + id, new Promise((resolve) => {
        const said = [];
        const socket = new WebSocket('ws://GATEWAY/');
        socket.onopen = () => socket.send(JSON.stringify({ type: 'req', id: '1', method: 'connect', params: {
            minProtocol: 4, maxProtocol: 4, role: 'operator', scopes: ['operator.admin'], caps: [],
            client: { id, version: '1', platform: 'web', mode: 'webchat' }, auth: { token: 'TOKEN' } } }));
        socket.onmessage = ({ data }) => said.push(data);
        socket.onclose = ({ code }) => resolve({ code, said });
    }));
attempt('form', new Promise((resolve) => { document.getElementById('sink').onload = () => resolve('answered');
    setTimeout(() => document.getElementById('form').submit()); }));
attempt('frame', new Promise((resolve) => setTimeout(() => {
    try { resolve(document.getElementById('frame').contentWindow.document.body.innerHTML); } catch (error) { resolve('failed: ' + error); } }, 500)));
Promise.all(all).then(() => { window.found = found; });
</script>"#;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_somebody_else_gets_nothing() -> Result<()> {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let out = world.bulkhead(&["config", "set", "gateway.http.endpoints.chatCompletions.enabled", "true"]);
    ensure!(out.status.success(), "{}", bulkhead_tests::world::text(&out));
    let _gateway = main.running(&world).await;
    let browser = Chromium::open(&world, &["--host-resolver-rules=MAP evil.example 127.0.0.1"]).await?;
    // Somebody is logged in, in this very browser.
    log_in(&browser, &main).await?;
    let asked = outside.model.control.requests().len();

    let gateway = format!("127.0.0.1:{}", main.port);
    let elsewhere =
        Elsewhere::open(INTRUDER.replace("GATEWAY", &gateway).replace("TOKEN", &main.token)).await;
    for host in ["127.0.0.1", "localhost", "evil.example"] {
        browser.driver.goto(&format!("http://{host}:{}/", elsewhere.port)).await?;
        browser.wait_js("the attempts", "return window.found !== undefined;").await?;
        let found = browser.js("return window.found;").await?;
        for (attempt, outcome) in found.as_object().expect("findings") {
            let text = outcome.to_string();
            ensure!(!text.contains("hello-ok") && !text.contains("fake-1"), "{host}: {attempt}: {text}");
            if attempt.starts_with("read") || attempt == "frame" {
                ensure!(text.starts_with("\"failed"), "{host}: {attempt}: {text}");
            }
            if attempt.starts_with("socket") {
                let code = outcome["code"].as_u64().unwrap_or_default();
                ensure!(code == 1008 || code == 1006, "{host}: {attempt}: {text}");
            }
        }
        // What stands in the frame is the browser's own refusal.
        browser.driver.clone().enter_frame(0).await?;
        let inside = browser.js("return document.querySelector('#app') !== null;").await;
        browser.driver.clone().enter_default_frame().await?;
        ensure!(!matches!(inside, Ok(serde_json::Value::Bool(true))), "{host}: the app is in a frame");
    }
    ensure!(outside.model.control.requests().len() == asked, "no forged question reached the model");

    // A name of somebody else that was made to lead here.
    let rebound = format!("http://evil.example:{}/", main.port);
    browser.driver.goto(&rebound).await?;
    let words = page::words(&browser.driver).await;
    ensure!(
        browser.js("return document.querySelector('#app') === null;").await? == serde_json::Value::Bool(true),
        "the app is served to a rebound name: {words}"
    );
    let tried = browser
        .driver
        .execute_async(
            &r"const done = arguments[arguments.length - 1];
            const bearer = { authorization: 'Bearer TOKEN' };
            const socket = new Promise((resolve) => {
                const socket = new WebSocket(`ws://${location.host}/`), said = [];
                socket.onmessage = ({ data }) => said.push(data);
                socket.onclose = ({ code }) => resolve({ code, said });
            });
            const ask = (path) => fetch(path, { headers: bearer }).then(async (one) => [one.status, await one.text()]);
            Promise.all([ask('/v1/models'), ask('/healthz'), ask('/'), socket]).then(done, (error) => done(String(error)));"
                .replace("TOKEN", &main.token),
            Vec::new(),
        )
        .await?
        .json()
        .clone();
    for answer in tried.as_array().into_iter().flatten().take(3) {
        ensure!(answer[0] == 403, "{tried:#}");
    }
    ensure!(tried[3]["said"].as_array().is_some_and(Vec::is_empty), "{tried:#}");
    ensure!(!tried.to_string().contains("fake-1"), "{tried:#}");
    browser.close().await
}
