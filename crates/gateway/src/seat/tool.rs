//! The `browser` tool: open a page, read it as text with references, act on them.

use async_trait::async_trait;
use bulkhead_agent::{Tool, ToolContext, ToolOutput};
use bulkhead_browser::{BrowserError, BrowserSeat, PageState, Snapshot};
use serde::Deserialize;
use serde_json::{Value, json};

/// How much of a page follows an action by itself.
const AFTERWARDS: usize = 6_000;

/// A browser of the seat in the hands of an agent.
pub(super) struct BrowserTool {
    seat: BrowserSeat,
}

impl BrowserTool {
    /// The tool of one seat.
    pub(super) fn new(seat: BrowserSeat) -> Self {
        Self { seat }
    }
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
enum Action {
    Open { url: String, profile: Option<String>, tab: Option<String>, new_tab: Option<bool> },
    Snapshot { profile: Option<String>, tab: Option<String>, limit: Option<usize> },
    Click { r#ref: String, profile: Option<String>, tab: Option<String> },
    Type { r#ref: String, text: String, submit: Option<bool>, profile: Option<String>, tab: Option<String> },
    Select { r#ref: String, value: String, profile: Option<String>, tab: Option<String> },
    Press { key: String, profile: Option<String>, tab: Option<String> },
    Tabs { profile: Option<String> },
    Focus { tab: String, profile: Option<String> },
    Close { tab: String, profile: Option<String> },
    Stop { profile: Option<String> },
}

#[async_trait]
impl Tool for BrowserTool {
    fn name(&self) -> &'static str {
        "browser"
    }

    fn description(&self) -> &'static str {
        "Uses a real web browser. `open` shows a page, `snapshot` reads it as text in which elements carry references \
         such as [ref=e3]; `click`, `type`, `select` and `press` act on them. Public web pages only. For a page that only \
         has to be read, web_fetch is quicker."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "required": ["action"],
            "additionalProperties": false,
            "properties": {
                "action": {
                    "type": "string",
                    "enum": ["open", "snapshot", "click", "type", "select", "press", "tabs", "focus", "close", "stop"],
                },
                "url": {"type": "string", "description": "open: an http or https address"},
                "new_tab": {"type": "boolean", "description": "open: in a tab of its own"},
                "ref": {"type": "string", "description": "click, type, select: a reference of the last snapshot"},
                "text": {"type": "string", "description": "type: replaces the element's text"},
                "submit": {"type": "boolean", "description": "type: press Enter afterwards"},
                "value": {"type": "string", "description": "select: the entry's value or text"},
                "key": {"type": "string", "description": "press: such as Enter, Escape, PageDown"},
                "tab": {"type": "string", "description": "a tab of `tabs`; the current one if left out"},
                "limit": {"type": "integer", "description": "snapshot: at most so many bytes"},
                "profile": {"type": "string", "description": "a browser profile; the default one if left out"},
            },
        })
    }

    async fn call(&self, _context: &ToolContext, args: Value) -> ToolOutput {
        match serde_json::from_value::<Action>(args) {
            Ok(action) => self.act(action).await.into(),
            Err(error) => ToolOutput::error(format!("the arguments cannot be used: {error}")),
        }
    }
}

impl BrowserTool {
    async fn act(&self, action: Action) -> Result<String, BrowserError> {
        let seat = &self.seat;
        match action {
            Action::Open { url, profile, tab, new_tab } => {
                let page = if new_tab.unwrap_or(false) {
                    seat.open(profile.as_deref(), &url).await?
                } else {
                    seat.navigate(profile.as_deref(), tab.as_deref(), &url).await?
                };
                self.after(profile.as_deref(), &page).await
            }
            Action::Snapshot { profile, tab, limit } => {
                Ok(shown(&seat.snapshot(profile.as_deref(), tab.as_deref(), limit).await?))
            }
            Action::Click { r#ref, profile, tab } => {
                let page = seat.click(profile.as_deref(), tab.as_deref(), &r#ref).await?;
                self.after(profile.as_deref(), &page).await
            }
            Action::Type { r#ref, text, submit, profile, tab } => {
                let submit = submit.unwrap_or(false);
                let page = seat.type_text(profile.as_deref(), tab.as_deref(), &r#ref, &text, submit).await?;
                self.after(profile.as_deref(), &page).await
            }
            Action::Select { r#ref, value, profile, tab } => {
                let page = seat.select(profile.as_deref(), tab.as_deref(), &r#ref, &value).await?;
                self.after(profile.as_deref(), &page).await
            }
            Action::Press { key, profile, tab } => {
                let page = seat.press(profile.as_deref(), tab.as_deref(), &key).await?;
                self.after(profile.as_deref(), &page).await
            }
            Action::Tabs { profile } => {
                let tabs = seat.tabs(profile.as_deref()).await?;
                let lines: Vec<String> = tabs
                    .iter()
                    .map(|tab| {
                        format!(
                            "{} {} {}{}",
                            tab.id,
                            tab.url,
                            tab.title,
                            if tab.current { " (current)" } else { "" }
                        )
                    })
                    .collect();
                Ok(if lines.is_empty() { "no tabs".to_owned() } else { lines.join("\n") })
            }
            Action::Focus { tab, profile } => {
                seat.focus(profile.as_deref(), &tab).await?;
                Ok("done".to_owned())
            }
            Action::Close { tab, profile } => {
                seat.close_tab(profile.as_deref(), &tab).await?;
                Ok("done".to_owned())
            }
            Action::Stop { profile } => {
                let ran = seat.stop(profile.as_deref()).await?;
                Ok(if ran { "the browser was ended" } else { "the browser did not run" }.to_owned())
            }
        }
    }

    /// The page as it is after an action, so that the next one knows its references.
    async fn after(&self, profile: Option<&str>, page: &PageState) -> Result<String, BrowserError> {
        let snapshot = self.seat.snapshot(profile, Some(&page.tab), Some(AFTERWARDS)).await?;
        Ok(shown(&snapshot))
    }
}

fn shown(snapshot: &Snapshot) -> String {
    let rest =
        if snapshot.truncated { "\n[… there is more; snapshot with a larger limit shows it]" } else { "" };
    format!("{}\n{} (tab {})\n\n{}{rest}", snapshot.title, snapshot.url, snapshot.tab, snapshot.text)
}
