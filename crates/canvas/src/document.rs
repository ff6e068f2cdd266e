//! What a document may be.

use bulkhead_store::CanvasBounds;

use crate::CanvasError;

/// The largest document, in bytes: as `OpenClaw`'s.
pub const MOST_BYTES: usize = 2 * 1024 * 1024;

/// How much one profile keeps; what was changed longest ago goes first.
pub const BOUNDS: CanvasBounds = CanvasBounds { per_session: 24, documents: 128, bytes: 32 * 1024 * 1024 };

/// The longest title, in characters.
const MOST_TITLE: usize = 120;

/// What a document is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page.
    Html,
    /// Messages for the A2UI renderer, one a line.
    A2ui,
}

impl Kind {
    /// The word in the database and the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::A2ui => "a2ui",
        }
    }

    /// Reads that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Html, Self::A2ui].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A name that nobody guesses: 128 random bits.
pub fn new_id() -> String {
    let mut bytes = [0_u8; 16];
    fill(&mut bytes);
    bytes.iter().fold("cv_".to_owned(), |all, byte| all + &format!("{byte:02x}"))
}

/// Without randomness nothing secret can be made, and nothing is.
#[allow(clippy::expect_used, reason = "a system without randomness runs no gateway")]
pub(crate) fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives random bytes");
}

/// Whether a page may be kept.
pub fn check_html(html: &str) -> Result<(), CanvasError> {
    if html.trim().is_empty() {
        return Err(CanvasError::Empty);
    }
    check_size(html)
}

pub(crate) fn check_size(content: &str) -> Result<(), CanvasError> {
    if content.len() > MOST_BYTES {
        return Err(CanvasError::TooLarge { found: content.len(), most: MOST_BYTES });
    }
    Ok(())
}

/// A title as it is kept: one line, not too long; what the page itself says when nothing is given.
pub fn title(given: Option<&str>, html: Option<&str>) -> String {
    let found = given.map(one_line).filter(|text| !text.is_empty()).or_else(|| {
        let html = html?;
        let lower = html.to_ascii_lowercase();
        let begin = lower.find("<title>")? + "<title>".len();
        let end = begin + lower[begin..].find("</title>")?;
        Some(one_line(&html[begin..end])).filter(|text| !text.is_empty())
    });
    found.unwrap_or_else(|| "Canvas".to_owned())
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MOST_TITLE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_guessed() {
        let (one, other) = (new_id(), new_id());
        assert_ne!(one, other);
        assert_eq!(one.len(), 3 + 32);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    }

    #[test]
    fn titles_are_one_line() {
        assert_eq!(title(Some("  a\n b\u{7}c "), None), "a b c");
        assert_eq!(title(None, Some("<HTML><Title>\nYour report </TITLE>")), "Your report");
        assert_eq!(title(Some(" "), Some("<title></title>")), "Canvas");
        assert_eq!(title(Some(&"x".repeat(500)), None).len(), MOST_TITLE);
    }

    #[test]
    fn pages_are_bounded() {
        assert!(check_html("<p>x").is_ok());
        assert!(matches!(check_html(" \n"), Err(CanvasError::Empty)));
        assert!(matches!(check_html(&"x".repeat(MOST_BYTES + 1)), Err(CanvasError::TooLarge { .. })));
    }
}
