//! Main and rescue with a real Chromium each.

use crate::outside::{Outside, word};
use crate::processes::until;
use bulkhead_tests::World;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Chromium processes with a data folder in this world.
fn chromium(world: &World) -> Vec<u32> {
    let home = world.home().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok) {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let line = String::from_utf8_lossy(&line).into_owned();
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        if line.contains("--user-data-dir=") && line.contains(&home) && !status.contains("State:\tZ") {
            found.push(pid);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gateway_has_a_chromium_of_its_own_and_leaves_none() {
    let outside = Outside::new().await;
    let world = World::new();
    let profiles =
        [outside.onboard(&world, "main", None, "file"), outside.onboard(&world, "rescue", None, "file")];
    let mut ports = Vec::new();
    let mut gateways = Vec::new();
    for profile in &profiles {
        let out = world.bulkhead(&["--profile", &profile.name, "config", "set", "browser.headless", "true"]);
        assert!(out.status.success(), "{}", text(&out));
        gateways.push(profile.running(&world).await);
        // The seat opens a moment after the gateway.
        until("the browser starts", || {
            world.bulkhead(&["--profile", &profile.name, "browser", "start", "--json"]).status.success()
        })
        .await;
        let status = world.bulkhead_json(&["--profile", &profile.name, "browser", "status", "--json"]);
        let shown = status.to_string();
        let port = shown
            .split("\"cdpPort\":")
            .nth(1)
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
            .and_then(|digits| digits.parse::<u16>().ok())
            .unwrap_or_else(|| panic!("no cdpPort in {shown}"));
        assert!(
            (profile.port + 11..=profile.port + 110).contains(&port),
            "{port} is not in {}'s range",
            profile.name
        );
        ports.push(port);
    }
    assert_ne!(ports[0], ports[1]);
    assert!(!chromium(&world).is_empty());
    for gateway in &mut gateways {
        gateway.signal("KILL");
        gateway.wait();
    }
    let deadline = std::time::Instant::now() + PATIENCE;
    while !chromium(&world).is_empty() {
        assert!(std::time::Instant::now() < deadline, "Chromium is left: {:?}", chromium(&world));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// A proxy with one page behind it, whatever is asked for. Names of the page's host are the proxy's to resolve, so the
/// rule against inner addresses stays as it is. Gives its address.
async fn proxy_with_a_page(page: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let page = page.clone();
            tokio::spawn(async move {
                let mut asked = vec![0; 8192];
                let read = stream.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                let (status, body) = if asked.starts_with("GET http://shop.test/offer") {
                    ("200 OK", page.as_str())
                } else {
                    ("404 Not Found", "")
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_opens_a_page_reads_it_and_presses_a_button() {
    let outside = Outside::new().await;
    let mut world = World::new();
    let marker = word(12);
    // Only a browser that runs the page's script can say these words.
    let page = format!(
        "<!doctype html><title>Offer</title><h1>Offer</h1><p id=price>…</p>\
         <button onclick=\"price.textContent = 'sold ' + '{marker}'.toUpperCase()\">Buy</button>\
         <script>price.textContent = 'for ' + (6 * 7) + ' ' + '{marker}'.split('').reverse().join('')</script>"
    );
    let proxy = proxy_with_a_page(page).await;
    for name in ["http_proxy", "HTTP_PROXY"] {
        world.set(name, &proxy);
    }
    for name in ["no_proxy", "NO_PROXY"] {
        world.set(name, "127.0.0.1,localhost");
    }
    let main = outside.onboard(&world, "main", None, "file");
    let out = world.bulkhead(&["config", "set", "browser.headless", "true"]);
    assert!(out.status.success(), "{}", text(&out));
    let mut gateway = main.running(&world).await;
    until("the seat is open", || world.bulkhead(&["browser", "status"]).status.success()).await;
    let ask = |message: &str| {
        let out = world.bulkhead(&["agent", "--session-id", "shop", "--message", message]);
        assert!(out.status.success(), "{}", text(&out));
        text(&out)
    };

    let opened = ask(r#"TOOL browser {"action":"open","url":"http://shop.test/offer"}"#);
    let written: String = marker.chars().rev().collect();
    assert!(opened.contains(&format!("for 42 {written}")), "{opened}");
    let button = opened
        .lines()
        .find(|line| line.contains("Buy"))
        .and_then(|line| line.split("[ref=").nth(1))
        .and_then(|rest| rest.split(']').next())
        .unwrap_or_else(|| panic!("no reference to the button in {opened}"));
    let pressed = ask(&format!(r#"TOOL browser {{"action":"click","ref":"{button}"}}"#));
    assert!(pressed.contains(&format!("sold {}", marker.to_uppercase())), "{pressed}");
    // The page said it, not the model: nothing that was sent to the model before holds these words.
    let refused =
        ask(&format!(r#"TOOL browser {{"action":"open","url":"http://127.0.0.1:{}/"}}"#, main.port));
    assert!(refused.contains("this computer"), "{refused}");

    gateway.signal("TERM");
    gateway.wait();
    until("no Chromium is left", || chromium(&world).is_empty()).await;
}
