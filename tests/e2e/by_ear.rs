//! The app for somebody who sees nothing: every step is found in the accessibility tree and made by the keyboard.

use crate::app_life::running;
use crate::outside::Outside;
use crate::processes::{sidecars, until};
use anyhow::{Context, Result};
use bulkhead_tests::reader::Reader;
use bulkhead_tests::screen::Screen;
use bulkhead_tests::{Running, World, ports, programs};

#[tokio::test(flavor = "multi_thread")]
async fn from_first_launch_to_two_gateways_that_run() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let _screen = Screen::start(&mut world);
    let mut command = world.command(programs::app());
    command.env_remove("NO_AT_BRIDGE").arg("--verbose");
    let reader = Reader::start(&world).await?;
    let mut app = Running::start(command);
    let outcome = set_up(&reader, &outside).await;
    outcome.with_context(|| format!("the app said: {}", app.output()))?;
    assert_eq!(sidecars(&world).len(), 2);
    app.signal("TERM");
    assert!(app.wait().success(), "{}", app.output());
    until("nothing of it is left", || sidecars(&world).is_empty() && running(&world, "bulkhead").is_empty())
        .await;
    Ok(())
}

async fn set_up(reader: &Reader, outside: &Outside) -> Result<()> {
    reader.hears("Two gateways, side by side").await?;
    // Detection is over when it can be asked for again.
    reader.hears("Look again").await?;
    reader.hears("The system keychain works").await?;
    reader.activate("Next").await?;

    reader.hears("Which model answers?").await?;
    reader.choose("Another address").await?;
    reader.fill("Address", &outside.model.openai_url()).await?;
    reader.fill("Model", "fake-1").await?;
    reader.fill("API key, if it needs one", &outside.key).await?;
    reader.activate("Test").await?;
    reader.hears("fake-1 answers.").await?;
    reader.activate("Next").await?;

    reader.hears("Main does the work").await?;
    reader.activate("Next").await?;
    reader.hears("A Telegram bot for main").await?;
    reader.choose("Skip Telegram").await?;
    reader.activate("Next").await?;

    reader.hears("A rescue gateway beside main").await?;
    for name in ["main", "rescue"] {
        reader.fill(&format!("Base port of {name}"), &ports::base().to_string()).await?;
    }
    reader.activate("Next").await?;
    reader.hears("A Telegram bot for rescue").await?;
    reader.choose("Skip Telegram").await?;
    reader.activate("Next").await?;

    reader.hears("Where credentials are kept").await?;
    reader.hears("Written, read back and deleted.").await?;
    reader.activate("Next").await?;
    reader.hears("Check and create").await?;
    reader.hears("Nothing is shared.").await?;
    reader.activate("Create").await?;

    reader.hears("Up and running").await?;
    for name in ["main", "rescue"] {
        // Said by itself when it comes to be so; whether a space stands between is the reader's.
        let words = format!("{name}:Running");
        reader.until(&words, |node| node.name.split_whitespace().collect::<String>() == words).await?;
    }
    reader.activate("Finish").await?;
    for words in ["Home", "main", "rescue", "Restart main"] {
        reader.hears(words).await?;
    }
    Ok(())
}
