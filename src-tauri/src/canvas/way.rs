//! Where a document's window may go. Pure.

use serde::Deserialize;
use serde_json::Value;
use tauri::Url;

/// The scheme with which a document says something.
const SAYING: &str = "bulkhead-canvas";
/// The longest that a document may say at once, as it stands in an address.
const LONGEST: usize = 64 * 1024;
/// What stands in front of a document's name.
const DOCUMENTS: &str = "/documents/";

/// The address of one conversation's documents: what stands in front of a document's name, capability and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    origin: String,
    folder: String,
}

/// What a navigation comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// A document of the conversation.
    Document(String),
    /// Nothing is loaded: a window begins so.
    Blank,
    /// No navigation: the document says what a person did on it.
    Act {
        /// What.
        name: String,
        /// And how, in the document's words.
        data: Value,
    },
    /// Somewhere else on the web: a person is asked first.
    Elsewhere(Url),
    /// Nowhere.
    Refused,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said {
    Act {
        name: String,
        #[serde(default)]
        data: Value,
    },
    Link {
        href: String,
    },
}

impl Home {
    /// The home of a document's address.
    pub fn of(url: &Url) -> Option<Self> {
        let at = url.path().rfind(DOCUMENTS)? + DOCUMENTS.len();
        let home = Self { origin: url.origin().ascii_serialization(), folder: url.path()[..at].to_owned() };
        home.document(url).map(|_| home)
    }

    /// The document that an address leads to.
    pub fn document<'a>(&self, url: &'a Url) -> Option<&'a str> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let ours = matches!(url.scheme(), "http" | "https")
            && url.origin().ascii_serialization() == self.origin
            && url.username().is_empty()
            && url.password().is_none();
        let (id, file) = url.path().strip_prefix(self.folder.as_str()).filter(|_| ours)?.split_once('/')?;
        let good = matches!(file, "" | "index.html") && !id.is_empty() && !id.starts_with('.');
        (good && id.bytes().all(plain)).then_some(id)
    }

    /// What a navigation to an address comes to.
    pub fn way(&self, url: &Url) -> Way {
        if let Some(document) = self.document(url) {
            return Way::Document(document.to_owned());
        }
        match url.scheme() {
            "about" if url.as_str() == "about:blank" => Way::Blank,
            SAYING => said(url.path()),
            "http" | "https" => elsewhere(url.clone()),
            _ => Way::Refused,
        }
    }
}

fn said(text: &str) -> Way {
    if text.len() > LONGEST {
        return Way::Refused;
    }
    match decoded(text).and_then(|text| serde_json::from_str(&text).ok()) {
        Some(Said::Act { name, data }) if !name.trim().is_empty() => Way::Act { name, data },
        Some(Said::Link { href }) => href.parse().map_or(Way::Refused, elsewhere),
        _ => Way::Refused,
    }
}

/// Only a web page without a name and a password in its address is worth a question.
fn elsewhere(url: Url) -> Way {
    let good = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.as_str().len() <= 4096;
    if good { Way::Elsewhere(url) } else { Way::Refused }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1:18789/__openclaw__/canvas/tok";

    fn home() -> Home {
        Home::of(&format!("{BASE}/documents/cv_1/index.html").parse().expect("url")).expect("home")
    }

    fn way(text: &str) -> Way {
        home().way(&text.parse().expect("url"))
    }

    #[test]
    fn a_window_stays_with_its_conversation() {
        assert_eq!(way(&format!("{BASE}/documents/cv_2/index.html#part")), Way::Document("cv_2".into()));
        assert_eq!(way("about:blank"), Way::Blank);
        for elsewhere in [
            "http://127.0.0.1:18789/",
            "http://127.0.0.1:18790/__openclaw__/canvas/tok/documents/cv_1/index.html",
            "http://127.0.0.1:18789/__openclaw__/canvas/other/documents/cv_1/index.html",
            "http://127.0.0.1:18789/__openclaw__/canvas/tok/documents/../../../",
            "https://example.org/",
        ] {
            assert!(matches!(way(elsewhere), Way::Elsewhere(_)), "{elsewhere}");
        }
        for refused in [
            "tauri://localhost/index.html",
            "ipc://localhost/app_info",
            "asset://localhost/etc/passwd",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:srcdoc",
            "blob:null/x",
            "http://me:secret@example.org/",
            "bulkhead://chat/main",
        ] {
            assert_eq!(way(refused), Way::Refused, "{refused}");
        }
    }

    #[test]
    fn what_a_document_says_is_read_and_nothing_else() {
        let say =
            |text: &str| way(&format!("bulkhead-canvas:{}", text.replace('"', "%22").replace(' ', "%20")));
        assert_eq!(
            say(r#"{"bulkhead":"canvas","type":"act","name":"order","data":{"a":1}}"#),
            Way::Act { name: "order".into(), data: serde_json::json!({"a": 1}) }
        );
        assert!(matches!(say(r#"{"type":"link","href":"https://example.org/"}"#), Way::Elsewhere(_)));
        for wrong in [
            r#"{"type":"act","name":" "}"#,
            r#"{"type":"link","href":"file:///etc/passwd"}"#,
            r#"{"type":"link","href":"bulkhead-canvas:x"}"#,
            r#"{"type":"invoke","cmd":"app_info"}"#,
            "{",
            "%2",
        ] {
            assert_eq!(say(wrong), Way::Refused, "{wrong}");
        }
    }
}
