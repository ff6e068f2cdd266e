//! Driving a page by its `data-testid` handles, waiting for states and never for times.

use crate::run::PATIENCE;
use anyhow::{Context, Result};
use std::time::{Duration, Instant};
use thirtyfour::{By, Key, WebDriver, WebElement};

/// Pause between two looks at a page: WebDriver has no events to wait for.
const LOOK: Duration = Duration::from_millis(40);

fn css(testid: &str) -> By {
    By::Css(format!("[data-testid='{testid}']"))
}

/// Waits until an element is there.
pub async fn find(driver: &WebDriver, testid: &str) -> Result<WebElement> {
    until(driver, testid, "is there", |_| true).await
}

/// Waits until an attribute of an element has a value.
pub async fn state(driver: &WebDriver, testid: &str, attribute: &str, value: &str) -> Result<WebElement> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut found = None;
        if let Ok(element) = driver.find(css(testid)).await {
            found = element.attr(attribute).await.ok().flatten();
            if found.as_deref() == Some(value) {
                return Ok(element);
            }
        }
        if Instant::now() > deadline {
            anyhow::bail!(
                "{testid} has {attribute} {found:?}, expected {value:?}; the page says:\n{}",
                words(driver).await
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// An element, if it is there now.
pub async fn now(driver: &WebDriver, testid: &str) -> Option<WebElement> {
    driver.find(css(testid)).await.ok()
}

/// Waits until an element is not there any more.
pub async fn gone(driver: &WebDriver, testid: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while driver.find(css(testid)).await.is_ok() {
        anyhow::ensure!(Instant::now() < deadline, "{testid} is still there");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn until(
    driver: &WebDriver,
    testid: &str,
    what: &str,
    condition: impl Fn(&WebElement) -> bool,
) -> Result<WebElement> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Ok(element) = driver.find(css(testid)).await
            && condition(&element)
        {
            return Ok(element);
        }
        if Instant::now() > deadline {
            anyhow::bail!("no {testid} that {what}; the page says:\n{}", words(driver).await);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Clicks an element once it can be clicked.
pub async fn click(driver: &WebDriver, testid: &str) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let outcome = match driver.find(css(testid)).await {
            Ok(element) if element.is_enabled().await.unwrap_or(false) => element.click().await,
            Ok(_) => Err(thirtyfour::error::WebDriverError::FatalError("it is disabled".to_owned())),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(error).with_context(|| format!("{testid} could not be clicked"));
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Replaces what is in a field.
pub async fn fill(driver: &WebDriver, testid: &str, text: &str) -> Result<()> {
    let element = find(driver, testid).await?;
    element.click().await?;
    element.send_keys(Key::Control + "a").await?;
    element.send_keys(text).await.with_context(|| format!("could not type into {testid}"))
}

/// All words of the page, for an error.
pub async fn words(driver: &WebDriver) -> String {
    match driver.find(By::Css("body")).await {
        Ok(body) => body.text().await.unwrap_or_default(),
        Err(error) => format!("(no page: {error})"),
    }
}
