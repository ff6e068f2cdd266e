//! Pictures of a page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::BrowserError;
use crate::tabs::Tab;

/// A picture of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// The tab.
    pub tab: String,
    /// Its address.
    pub url: String,
    /// The picture.
    pub png: Vec<u8>,
}

/// Most of a long page that a picture shows.
const TALLEST: f64 = 8000.0;
const WIDEST: f64 = 4000.0;
const LARGEST: usize = 24 * 1024 * 1024;

/// Takes a PNG of what is visible, or of the whole page.
pub(crate) async fn png(tab: &Tab, whole: bool) -> Result<Vec<u8>, BrowserError> {
    let mut params = json!({"format": "png", "optimizeForSpeed": true});
    if whole {
        let metrics = tab.ask("Page.getLayoutMetrics", json!({})).await?;
        let size = |name: &str| {
            metrics.pointer(&format!("/cssContentSize/{name}")).and_then(Value::as_f64).unwrap_or(1.0)
        };
        let (width, height) = (size("width").clamp(1.0, WIDEST), size("height").clamp(1.0, TALLEST));
        params["captureBeyondViewport"] = true.into();
        params["clip"] = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
    }
    let answer = tab.ask("Page.captureScreenshot", params).await?;
    let data = answer.get("data").and_then(Value::as_str).unwrap_or_default();
    if data.len() > LARGEST {
        return Err(BrowserError::cdp(
            "take a picture",
            "it is larger than 16 MiB; take one of what is visible only",
        ));
    }
    STANDARD.decode(data).map_err(|_| BrowserError::cdp("take a picture", "what came back is no picture"))
}
