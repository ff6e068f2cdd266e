//! Acting on an element that a snapshot named: click, type, choose, press a key.

use serde_json::{Value, json};

use crate::error::BrowserError;
use crate::tabs::Tab;

const LONGEST_TEXT: usize = 64 * 1024;

/// An element of the last snapshot.
struct Element<'a> {
    tab: &'a Tab,
    reference: &'a str,
    node: i64,
}

impl<'a> Element<'a> {
    fn find(tab: &'a Tab, reference: &'a str) -> Result<Self, BrowserError> {
        Ok(Self { tab, reference, node: tab.node(reference)? })
    }

    async fn ask(
        &self,
        action: &'static str,
        method: &str,
        mut params: Value,
    ) -> Result<Value, BrowserError> {
        params["backendNodeId"] = self.node.into();
        self.tab.ask(method, params).await.map_err(|error| {
            let why = error.to_string();
            if ["No node", "does not belong to the document", "not find node"]
                .iter()
                .any(|gone| why.contains(gone))
            {
                BrowserError::StaleReference { reference: self.reference.to_owned() }
            } else {
                self.cannot(action, &why)
            }
        })
    }

    fn cannot(&self, action: &'static str, why: &str) -> BrowserError {
        BrowserError::Element {
            reference: self.reference.to_owned(),
            action,
            why: why.chars().take(200).collect(),
        }
    }

    /// The middle of its first visible part.
    async fn middle(&self) -> Result<(f64, f64), BrowserError> {
        self.ask("be scrolled to", "DOM.scrollIntoViewIfNeeded", json!({})).await?;
        let answer = self.ask("be clicked", "DOM.getContentQuads", json!({})).await?;
        let quads = answer.get("quads").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let middle = quads.iter().find_map(|quad| {
            let at: Vec<f64> = quad.as_array()?.iter().filter_map(Value::as_f64).collect();
            let [x1, y1, x2, y2, x3, y3, x4, y4] = at[..] else { return None };
            let area =
                ((x1 * y2 - x2 * y1) + (x2 * y3 - x3 * y2) + (x3 * y4 - x4 * y3) + (x4 * y1 - x1 * y4)).abs()
                    / 2.0;
            (area > 0.5).then_some(((x1 + x2 + x3 + x4) / 4.0, (y1 + y2 + y3 + y4) / 4.0))
        });
        middle.ok_or_else(|| self.cannot("be clicked", "it is not visible"))
    }

    /// Calls a function of our own with the element as `this`.
    async fn call(
        &self,
        action: &'static str,
        function: &str,
        arguments: Value,
    ) -> Result<Value, BrowserError> {
        let object = self.ask(action, "DOM.resolveNode", json!({})).await?;
        let object = object.pointer("/object/objectId").cloned().unwrap_or_default();
        let call = json!({"functionDeclaration": function, "objectId": object, "arguments": arguments, "returnByValue": true});
        let answer = self.tab.ask("Runtime.callFunctionOn", call).await?;
        let _ = self.tab.ask("Runtime.releaseObject", json!({"objectId": object})).await;
        match answer.get("exceptionDetails") {
            Some(_) => Err(self.cannot(action, "the page's own code failed")),
            None => Ok(answer.pointer("/result/value").cloned().unwrap_or_default()),
        }
    }
}

pub(crate) async fn click(tab: &Tab, reference: &str) -> Result<(), BrowserError> {
    let (x, y) = Element::find(tab, reference)?.middle().await?;
    for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
        let button = if kind == "mouseMoved" { "none" } else { "left" };
        let clicks = i32::from(kind != "mouseMoved");
        let event =
            json!({"type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": clicks});
        tab.ask("Input.dispatchMouseEvent", event).await?;
    }
    Ok(())
}

/// Replaces what the element holds.
pub(crate) async fn type_text(
    tab: &Tab,
    reference: &str,
    text: &str,
    submit: bool,
) -> Result<(), BrowserError> {
    if text.len() > LONGEST_TEXT {
        return Err(BrowserError::Input {
            what: "text",
            found: format!("{} bytes", text.len()),
            expected: "at most 64 KiB".to_owned(),
        });
    }
    let element = Element::find(tab, reference)?;
    element.ask("be scrolled to", "DOM.scrollIntoViewIfNeeded", json!({})).await?;
    element.ask("take text", "DOM.focus", json!({})).await?;
    let select = "function() { if (typeof this.select === 'function') this.select(); \
                  else if (this.isContentEditable) getSelection().selectAllChildren(this); }";
    element.call("take text", select, json!([])).await?;
    if text.is_empty() {
        press(tab, "Delete").await?;
    } else {
        tab.ask("Input.insertText", json!({"text": text})).await?;
    }
    if submit { press(tab, "Enter").await } else { Ok(()) }
}

/// Chooses an entry of a list by its value or its text.
pub(crate) async fn select(tab: &Tab, reference: &str, value: &str) -> Result<(), BrowserError> {
    let element = Element::find(tab, reference)?;
    let choose = "function(wanted) { \
        const list = this.closest ? this.closest('select') : null; if (!list) return 'no list'; \
        const all = [...list.options]; \
        const found = all.find(o => o.value === wanted) || all.find(o => o.text.trim() === wanted); \
        if (!found) return 'no such entry'; \
        found.selected = true; \
        list.dispatchEvent(new Event('input', {bubbles: true})); \
        list.dispatchEvent(new Event('change', {bubbles: true})); return ''; }";
    match element.call("be chosen from", choose, json!([{"value": value}])).await?.as_str() {
        Some("") => Ok(()),
        Some(why) => Err(element.cannot("be chosen from", why)),
        None => Err(element.cannot("be chosen from", "the page did not answer")),
    }
}

/// Keys by name: key, code, Windows key code, text.
const KEYS: [(&str, u32, &str); 15] = [
    ("Enter", 13, "\r"),
    ("Tab", 9, ""),
    ("Escape", 27, ""),
    ("Backspace", 8, ""),
    ("Delete", 46, ""),
    ("ArrowUp", 38, ""),
    ("ArrowDown", 40, ""),
    ("ArrowLeft", 37, ""),
    ("ArrowRight", 39, ""),
    ("Home", 36, ""),
    ("End", 35, ""),
    ("PageUp", 33, ""),
    ("PageDown", 34, ""),
    ("Space", 32, " "),
    ("F5", 116, ""),
];

/// Presses a key in whatever has the focus.
pub(crate) async fn press(tab: &Tab, key: &str) -> Result<(), BrowserError> {
    let Some((name, code, text)) = KEYS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(key)) else {
        let known: Vec<&str> = KEYS.iter().map(|(name, ..)| *name).collect();
        return Err(BrowserError::Input {
            what: "key",
            found: key.chars().take(40).collect(),
            expected: known.join(", "),
        });
    };
    let produced = if *name == "Space" { " " } else { name };
    let mut event =
        json!({"type": "rawKeyDown", "key": produced, "code": name, "windowsVirtualKeyCode": code});
    if !text.is_empty() {
        event["type"] = "keyDown".into();
        event["text"] = (*text).into();
    }
    tab.ask("Input.dispatchKeyEvent", event).await?;
    let up = json!({"type": "keyUp", "key": produced, "code": name, "windowsVirtualKeyCode": code});
    tab.ask("Input.dispatchKeyEvent", up).await.map(drop)
}
