//! Long answers in several messages, cut where a reader would pause, code blocks closed and opened again.

use super::markup::{to_html, visible_length};

/// Characters that Telegram takes in one message (UTF-16 units).
pub(crate) const LIMIT: usize = 4096;

/// A fence that is open where a text was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fence {
    /// Its line, as it was written (indent, marks, language).
    line: String,
    /// The marks only.
    marks: String,
}

/// Cuts Markdown into pieces that fit a message each. A text that shows nothing gives no piece.
pub(crate) fn split(markdown: &str) -> Vec<String> {
    split_at(markdown, LIMIT)
}

fn split_at(markdown: &str, limit: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = markdown.trim_end().trim_start_matches(['\n', '\r']).to_owned();
    while !rest.trim().is_empty() {
        if fits(&rest, limit) {
            pieces.push(rest);
            break;
        }
        let (piece, next) = cut(&rest, limit);
        pieces.push(piece);
        rest = next;
    }
    pieces
}

/// Both as HTML and as plain text: the latter is the way out when Telegram refuses the former.
fn fits(piece: &str, limit: usize) -> bool {
    piece.encode_utf16().count() <= limit && visible_length(&to_html(piece)) <= limit
}

/// Cuts the longest good piece off the front.
fn cut(text: &str, limit: usize) -> (String, String) {
    // Room for a fence that must be closed.
    let mut budget = limit.saturating_sub(limit / 20).max(1);
    loop {
        let end = border(text, budget);
        let fence = open_fence(&text[..end]);
        let mut piece = text[..end].trim_end().to_owned();
        let next = text[end..].trim_start_matches(['\n', '\r']);
        let next = if let Some(fence) = fence {
            piece = format!("{piece}\n{}", fence.marks);
            format!("{}\n{next}", fence.line)
        } else {
            next.trim_start_matches(' ').to_owned()
        };
        let shrinks = next.len() < text.len();
        if (fits(&piece, limit) && shrinks) || budget <= 1 {
            return if shrinks { (piece, next) } else { (text[..end].to_owned(), text[end..].to_owned()) };
        }
        budget /= 2;
    }
}

/// The best place to cut at or before `budget` UTF-16 units: between paragraphs, else lines, else sentences, else words,
/// else letters. A good place in the first half is no good place: the piece would be too small.
fn border(text: &str, budget: usize) -> usize {
    let mut end = 0;
    let mut units = 0;
    for c in text.chars() {
        units += c.len_utf16();
        if units > budget {
            break;
        }
        end += c.len_utf8();
    }
    if end == 0 {
        // A single character: it must go somewhere.
        return text.chars().next().map_or(0, char::len_utf8);
    }
    let window = &text[..end];
    let half = end / 2;
    let before_fence = open_fence_at(window).filter(|at| *at > half);
    let found = |at: Option<usize>| at.filter(|at| *at > half);
    before_fence
        .or_else(|| found(last_paragraph(window)))
        .or_else(|| found(window.rfind('\n').map(|at| at + 1)))
        .or_else(|| {
            found(
                [". ", "! ", "? ", "。"]
                    .iter()
                    .filter_map(|stop| window.rfind(stop).map(|at| at + stop.len()))
                    .max(),
            )
        })
        .or_else(|| found(window.rfind(' ').map(|at| at + 1)))
        .unwrap_or(end)
}

/// The last blank line outside a block of code.
fn last_paragraph(window: &str) -> Option<usize> {
    let mut last = None;
    let mut from = 0;
    while let Some(at) = window[from..].find("\n\n") {
        let at = from + at + 2;
        if open_fence(&window[..at]).is_none() {
            last = Some(at);
        }
        from = at;
    }
    last
}

/// The fence that is open at the end of `text`.
fn open_fence(text: &str) -> Option<Fence> {
    fences(text).map(|(fence, _)| fence)
}

/// Where the block of code begins that is open at the end of `text`.
fn open_fence_at(text: &str) -> Option<usize> {
    fences(text).map(|(_, at)| at)
}

fn fences(text: &str) -> Option<(Fence, usize)> {
    let mut open: Option<(Fence, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        let content = line.trim_end();
        let body = content.trim_start_matches(' ');
        let Some(mark) = body.chars().next().filter(|c| matches!(c, '`' | '~')) else { continue };
        let length = body.chars().take_while(|c| *c == mark).count();
        if length < 3 {
            continue;
        }
        let info = &body[length..];
        match &open {
            None if mark == '`' && info.contains('`') => {}
            None => {
                let fence = Fence { line: content.to_owned(), marks: mark.to_string().repeat(length) };
                open = Some((fence, begin));
            }
            Some((fence, _)) => {
                let closes =
                    fence.marks.starts_with(mark) && length >= fence.marks.len() && info.trim().is_empty();
                if closes {
                    open = None;
                }
            }
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_texts_stay_whole_and_empty_ones_vanish() {
        assert_eq!(split("hello"), ["hello"]);
        assert_eq!(split(" \n "), [""; 0]);
        assert_eq!(split(&"x".repeat(4096)).len(), 1);
        assert_eq!(split(&"😀".repeat(2048)).len(), 1);
        assert_eq!(split(&"😀".repeat(2049)).len(), 2);
    }

    #[test]
    fn cuts_between_paragraphs_lines_sentences_words() {
        assert_eq!(split_at("first paragraph\n\nsecond one", 22), ["first paragraph", "second one"]);
        assert_eq!(split_at("first line of it\nsecond line", 22), ["first line of it", "second line"]);
        assert_eq!(split_at("A sentence. Another one.", 20), ["A sentence.", "Another one."]);
        assert_eq!(split_at("words and more words", 15), ["words and more", "words"]);
        assert_eq!(split_at("unbreakable", 6), ["unbrea", "kable"]);
    }

    #[test]
    fn code_is_closed_and_opened_again() {
        let text = "```rust\nlet a = 1;\nlet b = 2;\nlet c = 3;\n```";
        let pieces = split_at(text, 34);
        assert_eq!(pieces, ["```rust\nlet a = 1;\nlet b = 2;\n```", "```rust\nlet c = 3;\n```"]);
    }

    #[test]
    fn a_cut_before_code_is_better_than_one_inside() {
        let text = format!("{}\n```\ncode that is long enough to be cut\n```", "word ".repeat(8).trim());
        assert_eq!(split_at(&text, 62)[0], "word ".repeat(8).trim());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn nothing_is_lost_and_everything_fits(
            words in prop::collection::vec("[a-ik-rt-z]{1,12}|\n|\n\n|```\n|```js\n|\\*\\*|> |- |😀", 0..400),
            limit in 40_usize..200,
        ) {
            let text = words.join(" ");
            let pieces = split_at(&text, limit);
            for piece in &pieces {
                prop_assert!(fits(piece, limit), "{piece:?} does not fit {limit}");
            }
            let letters = |text: &str| text.chars().filter(char::is_ascii_lowercase).collect::<String>();
            // Fences that were opened again repeat their language (whose letters no word has); nothing else is added.
            let kept = letters(&pieces.concat()).replace("js", "");
            prop_assert_eq!(kept, letters(&text).replace("js", ""));
        }
    }
}
