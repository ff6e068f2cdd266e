//! What an agent may ask of the seat's browsers: tabs, pages, elements.

use std::sync::Arc;

use crate::act;
use crate::error::BrowserError;
use crate::running::Running;
use crate::screen::{self, Screenshot};
use crate::seat::BrowserSeat;
use crate::snapshot::Snapshot;
use crate::status::{PageState, TabInfo};

/// Default and highest limit of a snapshot's text.
const SNAPSHOT: usize = 40_000;
const LARGEST_SNAPSHOT: usize = 400_000;

impl BrowserSeat {
    /// The running browser.
    async fn running(&self, profile: Option<&str>) -> Result<Arc<Running>, BrowserError> {
        let (name, _, slot) = self.find(profile)?;
        let running = slot.lock().await.clone().filter(|running| running.is_alive());
        running.ok_or_else(|| BrowserError::NotRunning { profile: name.to_owned() })
    }

    /// Its tabs.
    pub async fn tabs(&self, profile: Option<&str>) -> Result<Vec<TabInfo>, BrowserError> {
        self.running(profile).await?.tab_list().await
    }

    /// Opens a page in a tab of its own; starts the browser if it does not run.
    pub async fn open(&self, profile: Option<&str>, url: &str) -> Result<PageState, BrowserError> {
        self.gate().parse(url)?;
        self.up(profile).await?.open(url).await
    }

    /// Opens a page in a tab (the current one if none is named); starts the browser if it does not run.
    pub async fn navigate(
        &self,
        profile: Option<&str>,
        tab: Option<&str>,
        url: &str,
    ) -> Result<PageState, BrowserError> {
        self.gate().parse(url)?;
        let running = self.up(profile).await?;
        match (tab, running.tab_list().await?.is_empty()) {
            (None, true) => running.open(url).await,
            _ => running.navigate(tab, url).await,
        }
    }

    /// Makes a tab the current one.
    pub async fn focus(&self, profile: Option<&str>, tab: &str) -> Result<(), BrowserError> {
        self.running(profile).await?.focus(tab).await
    }

    /// Closes a tab.
    pub async fn close_tab(&self, profile: Option<&str>, tab: &str) -> Result<(), BrowserError> {
        self.running(profile).await?.close(tab).await
    }

    /// The page as text with references, at most `limit` bytes or a little more.
    pub async fn snapshot(
        &self,
        profile: Option<&str>,
        tab: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Snapshot, BrowserError> {
        let limit = limit.unwrap_or(SNAPSHOT).clamp(200, LARGEST_SNAPSHOT);
        self.running(profile).await?.snapshot(tab, limit).await
    }

    /// A picture of what is visible, or of the whole page.
    pub async fn screenshot(
        &self,
        profile: Option<&str>,
        tab: Option<&str>,
        whole: bool,
    ) -> Result<Screenshot, BrowserError> {
        let running = self.running(profile).await?;
        let (tab, state) = running.readable(tab).await?;
        Ok(Screenshot { png: screen::png(&tab, whole).await?, tab: state.tab, url: state.url })
    }

    /// Clicks an element of the last snapshot.
    pub async fn click(
        &self,
        profile: Option<&str>,
        tab: Option<&str>,
        reference: &str,
    ) -> Result<PageState, BrowserError> {
        self.running(profile).await?.act(tab, async |tab| act::click(tab, reference).await).await
    }

    /// Replaces the text of an element of the last snapshot; `submit` presses Enter after it.
    pub async fn type_text(
        &self,
        profile: Option<&str>,
        tab: Option<&str>,
        reference: &str,
        text: &str,
        submit: bool,
    ) -> Result<PageState, BrowserError> {
        self.running(profile)
            .await?
            .act(tab, async |tab| act::type_text(tab, reference, text, submit).await)
            .await
    }

    /// Chooses an entry of a list of the last snapshot, by value or text.
    pub async fn select(
        &self,
        profile: Option<&str>,
        tab: Option<&str>,
        reference: &str,
        value: &str,
    ) -> Result<PageState, BrowserError> {
        self.running(profile).await?.act(tab, async |tab| act::select(tab, reference, value).await).await
    }

    /// Presses a key, such as `Enter`, `Escape` or `PageDown`.
    pub async fn press(
        &self,
        profile: Option<&str>,
        tab: Option<&str>,
        key: &str,
    ) -> Result<PageState, BrowserError> {
        self.running(profile).await?.act(tab, async |tab| act::press(tab, key).await).await
    }
}
