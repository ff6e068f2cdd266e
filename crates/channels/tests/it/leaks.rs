//! The token is in every address that is called. It must be nowhere else.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use bulkhead_channels::{ChannelState, Telegram, check_token};
use bulkhead_fakes::telegram::Fault;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{ALICE, MALLORY, Scripted, TOKEN, World, settings, until};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn find_in(where_: &str, haystack: &[u8]) {
    let secret = TOKEN.split(':').nth(1).unwrap();
    let encoded = [
        secret.to_owned(),
        BASE64_STANDARD.encode(TOKEN),
        BASE64_STANDARD_NO_PAD.encode(secret),
        BASE64_URL_SAFE_NO_PAD.encode(TOKEN),
    ];
    for form in encoded {
        let found = haystack.windows(form.len()).any(|window| window == form.as_bytes());
        assert!(!found, "the token is in {where_}");
    }
}

// One thread, so that the subscriber of this test sees all of it and only it.
#[tokio::test(flavor = "current_thread")]
async fn the_token_is_in_no_log_no_error_no_status_no_file() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    // Error pages like to repeat the path that was asked for.
    let repeats = format!("Not Found: The requested URL /bot{TOKEN}/getMe was not found");
    world.bot.fail_next("getMe", Fault::Refuse { status: 502, description: repeats.clone() });
    world
        .bot
        .fail_next("getMe", Fault::Redirect { location: format!("http://127.0.0.1:1/bot{TOKEN}/getMe") });
    world.bot.fail_next("sendMessage", Fault::Refuse { status: 400, description: repeats.clone() });
    world.bot.fail_next("getUpdates", Fault::CutCall);
    world.bot.fail_next("editMessageText", Fault::CutAnswer);

    let mut words = Vec::new();
    let telegram = Telegram::start(world.settings(), world.store(), Scripted::echo());
    words.push(format!("{:?}", until(&telegram, ChannelState::Degraded).await));
    words.push(format!("{:?}", until(&telegram, ChannelState::Connected).await));
    world.bot.say(ALICE, "x");
    world.bot.say(MALLORY, "y");
    world.bot.wait_for_text(ALICE, "answer to x").await;
    world.bot.wait_for_text(MALLORY, "Pairing code").await;
    world.bot.revoke(true);
    words.push(format!("{:?}", until(&telegram, ChannelState::Failed).await));
    words.push(format!("{telegram:?} {:?}", world.settings()));

    for root in ["http://127.0.0.1:1", "https://127.0.0.1:1", "http://host.invalid"] {
        let error = check_token(Some(root), &TOKEN.into(), None).await.unwrap_err();
        words.push(format!("{error} {error:?}"));
        let telegram = Telegram::start(settings(root), world.store(), Scripted::echo());
        words.push(format!("{:?}", until(&telegram, ChannelState::Degraded).await));
        telegram.stop().await;
    }
    telegram.stop().await;

    find_in("an error or a status", words.join("\n").as_bytes());
    let log = captured.0.lock().unwrap().clone();
    assert!(String::from_utf8_lossy(&log).contains("could not be reached"), "the log was captured");
    // The stand-in runs in this process too and is handed the address: what its own libraries log is not ours.
    let ours: Vec<u8> = String::from_utf8_lossy(&log)
        .lines()
        .filter(|line| !line.contains("axum"))
        .flat_map(|line| [line.as_bytes(), b"\n"].concat())
        .collect();
    find_in("the log", &ours);
    for entry in std::fs::read_dir(world.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        find_in(&path.display().to_string(), &std::fs::read(&path).unwrap());
    }
}
