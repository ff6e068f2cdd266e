//! The wizard in the real window, from the first launch to two bots that answer.

use crate::outside::{Bot, Outside};
use crate::processes::{sidecars, until};
use anyhow::Result;
use bulkhead_tests::page::{click, fill, find, state, words};
use bulkhead_tests::screen::{Screen, Window};
use bulkhead_tests::{World, ports};
use rand::Rng;
use thirtyfour::WebDriver;
use thirtyfour::extensions::query::ElementQueryable;

const PERSON: i64 = 31_337;

async fn next(driver: &WebDriver, page: &str) -> Result<()> {
    click(driver, "wizard-next").await?;
    state(driver, "wizard", "data-page", page).await?;
    Ok(())
}

async fn bot_page(driver: &WebDriver, which: &str, bot: &Bot, outside: &Outside) -> Result<()> {
    click(driver, &format!("{which}-bot-use")).await?;
    // Another Bot API server is behind a fold.
    driver
        .execute("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })", Vec::new())
        .await?;
    fill(driver, &format!("{which}-bot-api-root"), &outside.telegram.base_url).await?;
    fill(driver, &format!("{which}-bot-token"), &bot.token).await?;
    click(driver, &format!("{which}-bot-verify")).await?;
    state(driver, &format!("{which}-bot-check"), "data-state", "ok").await?;
    Ok(())
}

/// Waits until the page has what it shows.
async fn until_loaded(driver: &WebDriver) -> Result<()> {
    let deadline = std::time::Instant::now() + bulkhead_tests::run::PATIENCE;
    while words(driver).await.contains("Loading…") {
        anyhow::ensure!(std::time::Instant::now() < deadline, "still loading: {}", words(driver).await);
        tokio::time::sleep(std::time::Duration::from_millis(40)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_first_launch_to_two_bots_that_answer() -> Result<()> {
    let outside = Outside::new().await;
    let mut world = World::with_keychain();
    let _screen = Screen::start(&mut world);
    let bots = [outside.bot("wizard_main_bot"), outside.bot("wizard_rescue_bot")];
    let bases = [ports::base(), ports::base()];
    let window = Window::open(&world, &[]).await?;
    let driver = &window.driver;

    state(driver, "wizard", "data-page", "welcome").await?;
    state(driver, "detection", "data-state", "done").await?;
    window.screenshot("wizard-1-welcome").await?;
    next(driver, "model").await?;
    click(driver, "model-custom").await?;
    fill(driver, "model-base-url", &outside.model.openai_url()).await?;
    fill(driver, "model-id", "fake-1").await?;
    fill(driver, "model-api-key", &outside.key).await?;
    click(driver, "model-test").await?;
    state(driver, "model-check", "data-state", "ok").await?;
    window.screenshot("wizard-2-model").await?;
    next(driver, "main").await?;
    click(driver, "main-new").await?;
    window.screenshot("wizard-3-main").await?;
    next(driver, "main-bot").await?;
    bot_page(driver, "main", &bots[0], &outside).await?;
    window.screenshot("wizard-3-main-bot").await?;
    next(driver, "rescue").await?;
    for (name, base) in ["main", "rescue"].into_iter().zip(bases) {
        fill(driver, &format!("port-{name}"), &base.to_string()).await?;
    }
    window.screenshot("wizard-4-rescue").await?;
    next(driver, "rescue-bot").await?;
    bot_page(driver, "rescue", &bots[1], &outside).await?;
    next(driver, "credentials").await?;
    click(driver, "keychain-test").await?;
    state(driver, "keychain-check", "data-state", "ok").await?;
    window.screenshot("wizard-5-credentials").await?;
    next(driver, "review").await?;
    find(driver, "isolation").await?;
    state(driver, "isolation-check", "data-state", "ok").await?;
    window.screenshot("wizard-6-review").await?;
    click(driver, "wizard-create").await?;
    for name in ["main", "rescue"] {
        state(driver, &format!("running-{name}"), "data-state", "running").await?;
    }
    window.screenshot("wizard-7-running").await?;
    assert_eq!(sidecars(&world).len(), 2);

    // Each bot, asked by a person paired in the window, computes from turn, marker and tool.
    for (bot, (name, folder)) in bots.iter().zip([("main", "workspace"), ("rescue", "workspace-rescue")]) {
        bot.control.say(PERSON, "hello");
        bot.control.wait_for_messages(PERSON, 1).await;
        let workspace = world.path(".bulkhead").join(folder);
        let (marker, number, told): (u32, u32, u32) = rand::rng().random();
        let (marker, number, told) = (marker % 9000, number % 9000, told % 9000);
        let agents = workspace.join("AGENTS.md");
        let text = std::fs::read_to_string(&agents)?;
        std::fs::write(&agents, format!("{text}\nMARKER: {marker}\n"))?;
        std::fs::write(workspace.join("number.txt"), number.to_string())?;
        let approve = format!(
            "[data-testid='running-{name}'] [data-testid='pairing-approve'], [data-testid='pairing-{name}'] [data-testid='pairing-approve']"
        );
        let button = driver
            .query(thirtyfour::By::Css(approve))
            .wait(bulkhead_tests::run::PATIENCE, std::time::Duration::from_millis(50))
            .first()
            .await?;
        button.click().await?;
        // The approval is in force when the bot says so or the request is gone; the first question after it is answered.
        bot.control.wait_for_messages(PERSON, 2).await;
        bot.ask(PERSON, &format!("REMEMBER {told}"), "Noted").await;
        let sum = (told + marker + number).to_string();
        bot.ask(PERSON, r#"DO: tool read {"path":"number.txt"}; say recall + marker + toolresult"#, &sum)
            .await;
    }

    click(driver, "wizard-finish").await?;
    state(driver, "card-main-state", "data-state", "running").await?;
    for theme in ["light", "dark"] {
        click(driver, "nav-settings").await?;
        find(driver, &format!("theme-{theme}")).await?;
        // The segment's input lies under its label, which WebKit's driver calls not interactable.
        driver
            .execute(format!("document.querySelector('[data-testid=theme-{theme}]').click()"), Vec::new())
            .await?;
        for page in ["home", "chat", "logs", "models", "channels", "settings"] {
            click(driver, &format!("nav-{page}")).await?;
            until_loaded(driver).await?;
            window.screenshot(&format!("app-{page}-{theme}")).await?;
        }
    }
    window.close().await?;
    until("the app's gateways end with it", || sidecars(&world).is_empty()).await;
    Ok(())
}
