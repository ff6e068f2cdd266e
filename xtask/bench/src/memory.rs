//! Memory of a gateway with Telegram on: idle after the start, and after answered messages over TLS.

use crate::gateway::{Outside, bare, prepare, pss};
use crate::report::Report;
use crate::tls::Authority;
use anyhow::{Context, Result};
use bulkhead_fakes::model::{ModelServer, ModelServerOptions};
use bulkhead_fakes::telegram::{TelegramServer, TelegramServerOptions};
use bulkhead_tests::World;
use std::time::Duration;

const BARE: &str = "bare axum server";
const BOT: &str = "700100200:AAbenchBenchBenchBenchBenchBenchBen";
const PERSON: i64 = 4242;

pub async fn measure(report: &mut Report, settle: u64, messages: usize) -> Result<()> {
    eprintln!("▸ memory, {settle} s to settle, {messages} messages");
    let world = World::new();
    let authority_file = world.path("authority.pem");
    let authority = Authority::new(&authority_file)?;
    let model = ModelServer::start(ModelServerOptions::default()).await?;
    let telegram = TelegramServer::start(TelegramServerOptions::default()).await?;
    let bot = telegram.control.add_bot(BOT, "bench_bot");
    let model_port = authority.in_front_of(model.address).await?;
    let telegram_port = authority.in_front_of(telegram.address).await?;
    let prepared = prepare(
        world,
        &Outside {
            model: Some(format!("https://127.0.0.1:{model_port}/v1")),
            telegram: Some((format!("https://127.0.0.1:{telegram_port}"), BOT.to_owned())),
            authority: Some(authority_file.display().to_string()),
        },
    )?;
    let gateway = prepared.running().await?;
    let (bare, _) = bare(1024).await?;
    bot.expect_poll().await;
    tokio::time::sleep(Duration::from_secs(settle)).await;
    let idle = pss(gateway.0.id())?;
    let baseline = pss(bare.0.id())?;
    report.value("idle PSS, Telegram on", "MiB", idle, Some((BARE, baseline)));

    pair(&prepared, &bot).await?;
    for number in 0..messages {
        let before = bot.messages_to(PERSON).len();
        bot.say(PERSON, &format!("message {number}"));
        bot.wait_for_messages(PERSON, before + 1).await;
        bot.expect_drained().await;
    }
    tokio::time::sleep(Duration::from_secs(settle)).await;
    report.value(
        &format!("PSS after {messages} answered messages over TLS"),
        "MiB",
        pss(gateway.0.id())?,
        Some((BARE, baseline)),
    );
    Ok(())
}

/// Writes once as a stranger, and approves the code that comes back.
async fn pair(prepared: &crate::gateway::Prepared, bot: &bulkhead_fakes::telegram::BotControl) -> Result<()> {
    bot.say(PERSON, "hello");
    let reply = bot.wait_for_messages(PERSON, 1).await.pop().context("no pairing message")?;
    let code = reply
        .now
        .text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| {
            word.len() == 8
                && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                && word.bytes().any(|b| b.is_ascii_uppercase())
        })
        .context("no code in the pairing message")?
        .to_owned();
    let out = prepared.world.bulkhead(&["pairing", "approve", "telegram", &code]);
    anyhow::ensure!(out.status.success(), "not approved: {}", bulkhead_tests::world::text(&out));
    Ok(())
}
