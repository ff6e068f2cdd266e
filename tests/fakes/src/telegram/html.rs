//! `parse_mode: HTML` by the rules of the real server: which tags there are, how they must nest, what it says when
//! they do not. Rules and words follow the Bot API document and what the server answers.

use serde_json::{Map, Value, json};

/// A parsed text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The text that people see.
    pub text: String,
    /// Its `MessageEntity` objects, offsets in UTF-16 units.
    pub entities: Vec<Value>,
}

const TAGS: [&str; 15] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "span",
    "pre",
    "code",
];

struct Open {
    tag: String,
    argument: String,
    offset: usize,
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    text: String,
    utf16: usize,
    open: Vec<Open>,
    entities: Vec<Value>,
}

/// Parses a text; the error is what follows `Bad Request: can't parse entities: `.
pub fn parse(source: &str) -> Result<Parsed, String> {
    let mut reader =
        Reader { source, at: 0, text: String::new(), utf16: 0, open: Vec::new(), entities: Vec::new() };
    while let Some(c) = reader.peek() {
        match c {
            '<' if reader.source[reader.at + 1..].starts_with('/') => reader.end_tag()?,
            '<' => reader.start_tag()?,
            _ => {
                let c = reader.character();
                reader.push(c);
            }
        }
    }
    if let Some(open) = reader.open.last() {
        return Err(format!("Can't find end tag corresponding to start tag \"{}\"", open.tag));
    }
    Ok(Parsed { text: reader.text, entities: reader.entities })
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.source[self.at..].chars().next()
    }

    fn push(&mut self, c: char) {
        self.text.push(c);
        self.utf16 += c.len_utf16();
    }

    /// The next character, a character reference decoded. Unknown references are text.
    fn character(&mut self) -> char {
        let rest = &self.source[self.at..];
        if let Some((c, length)) = reference(rest) {
            self.at += length;
            return c;
        }
        let c = rest.chars().next().unwrap_or('\u{FFFD}');
        self.at += c.len_utf8();
        c
    }

    fn skip_while(&mut self, test: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&test) {
            self.at += self.peek().map_or(0, char::len_utf8);
        }
    }

    fn start_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        let unclosed = || format!("Unclosed start tag at byte offset {begin}");
        self.at += 1;
        self.skip_while(|c| !c.is_ascii_whitespace() && c != '>');
        let tag = self.source[begin + 1..self.at].to_ascii_lowercase();
        if self.peek().is_none() {
            return Err(unclosed());
        }
        if !TAGS.contains(&tag.as_str()) && tag != "blockquote" {
            return Err(format!("Unsupported start tag \"{tag}\" at byte offset {begin}"));
        }
        let mut argument = String::new();
        loop {
            self.skip_while(|c| c.is_ascii_whitespace());
            match self.peek() {
                None => return Err(unclosed()),
                Some('>') => break,
                Some(_) => {}
            }
            let name_at = self.at;
            self.skip_while(|c| !c.is_ascii_whitespace() && c != '=' && c != '>');
            let name = self.source[name_at..self.at].to_ascii_lowercase();
            if name.is_empty() {
                return Err(format!("Empty attribute name in the tag \"{tag}\" at byte offset {begin}"));
            }
            self.skip_while(|c| c.is_ascii_whitespace());
            if self.peek() != Some('=') {
                if tag == "blockquote" && name == "expandable" {
                    argument = "1".into();
                    continue;
                }
                return Err(format!(
                    "Expected equal sign in declaration of an attribute of the tag \"{tag}\" at byte offset {begin}"
                ));
            }
            self.at += 1;
            self.skip_while(|c| c.is_ascii_whitespace());
            let value = self.attribute_value().ok_or_else(unclosed)?;
            match (tag.as_str(), name.as_str()) {
                ("a", "href") | ("tg-emoji", "emoji-id") => argument = value,
                ("code", "class") => argument = value.strip_prefix("language-").unwrap_or_default().into(),
                ("span", "class") => argument = value.strip_prefix("tg-").unwrap_or_default().into(),
                _ => {}
            }
        }
        self.at += 1;
        if tag == "span" && argument != "spoiler" {
            return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"));
        }
        self.open.push(Open { tag, argument, offset: self.utf16 });
        Ok(())
    }

    /// `None` when the text ends inside the value.
    fn attribute_value(&mut self) -> Option<String> {
        let mut value = String::new();
        if let quote @ ('"' | '\'') = self.peek()? {
            self.at += 1;
            while self.peek()? != quote {
                value.push(self.character());
            }
            self.at += 1;
        } else {
            let begin = self.at;
            self.skip_while(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
            value.push_str(&self.source[begin..self.at]);
            self.peek().filter(|c| c.is_ascii_whitespace() || *c == '>')?;
        }
        self.peek()?;
        Some(value)
    }

    fn end_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        let Some(open) = self.open.pop() else {
            return Err(format!("Unexpected end tag at byte offset {begin}"));
        };
        self.at += 2;
        self.skip_while(|c| !c.is_ascii_whitespace() && c != '>');
        let found = self.source[begin + 2..self.at].to_ascii_lowercase();
        self.skip_while(|c| c.is_ascii_whitespace());
        if self.peek() != Some('>') {
            return Err(format!("Unclosed end tag at byte offset {begin}"));
        }
        self.at += 1;
        if !found.is_empty() && found != open.tag {
            return Err(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{}>\", found \"</{found}>\"",
                open.tag
            ));
        }
        if self.utf16 > open.offset {
            self.entity(open);
        }
        Ok(())
    }

    fn entity(&mut self, open: Open) {
        let length = self.utf16 - open.offset;
        let mut entity = Map::new();
        let kind = match open.tag.as_str() {
            "b" | "strong" => "bold",
            "i" | "em" => "italic",
            "s" | "strike" | "del" => "strikethrough",
            "u" | "ins" => "underline",
            "tg-spoiler" | "span" => "spoiler",
            "tg-emoji" => "custom_emoji",
            "a" => "text_link",
            "pre" => "pre",
            "code" => "code",
            _ if open.argument.is_empty() => "blockquote",
            _ => "expandable_blockquote",
        };
        if kind == "text_link" && open.argument.is_empty() {
            return;
        }
        entity.insert("type".into(), kind.into());
        entity.insert("offset".into(), open.offset.into());
        entity.insert("length".into(), length.into());
        match kind {
            "text_link" => entity.insert("url".into(), open.argument.into()),
            // A language is that of the `pre` around this `code`, and kept only there.
            "code" if !open.argument.is_empty() => entity.insert("language".into(), open.argument.into()),
            _ => None,
        };
        // `<pre><code class="language-x">…</code></pre>` is one entity.
        if kind == "pre"
            && let Some(inner) = self.entities.last()
            && inner["type"] == "code"
            && inner["offset"] == json!(open.offset)
            && inner["length"] == json!(length)
        {
            if let Some(language) = inner.get("language") {
                entity.insert("language".into(), language.clone());
            }
            self.entities.pop();
        }
        self.entities.push(Value::Object(entity));
    }
}

/// Decodes a character reference at the beginning of `text`: four names and numbers, nothing else.
fn reference(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, skipped) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 3),
            None => (number, 10, 2),
        };
        let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let c = u32::from_str_radix(&digits[..length], radix)
            .ok()
            .and_then(char::from_u32)
            .filter(|c| *c != '\0')?;
        let semicolon = usize::from(digits[length..].starts_with(';'));
        return Some((c, skipped + length + semicolon));
    }
    for (name, c) in [("lt", '<'), ("gt", '>'), ("amp", '&'), ("quot", '"')] {
        if let Some(rest) = body.strip_prefix(name)
            && !rest.starts_with(|next: char| next.is_ascii_alphanumeric())
        {
            let semicolon = usize::from(rest.starts_with(';'));
            return Some((c, 1 + name.len() + semicolon));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> String {
        parse(source).unwrap().text
    }

    #[test]
    fn good_texts() {
        assert_eq!(
            text("a <b>bold <i>both</i></b> &lt;&amp;&gt; &#9731; &nbsp;"),
            "a bold both <&> ☃ &nbsp;"
        );
        assert_eq!(text("<a href=\"https://example.org/?a=1&amp;b=2\">link</a>"), "link");
        assert_eq!(text("<blockquote expandable>q</blockquote><tg-spoiler>s</tg-spoiler>"), "qs");
        assert_eq!(text("<span class=\"tg-spoiler\">s</span>"), "s");
        assert_eq!(text("<B>b</B>"), "b");
    }

    #[test]
    fn entities_count_in_utf16_units() {
        let parsed = parse("😀<b>x</b><pre><code class=\"language-rust\">fn</code></pre>").unwrap();
        assert_eq!(
            parsed.entities,
            [
                json!({"type": "bold", "offset": 2, "length": 1}),
                json!({"type": "pre", "offset": 3, "length": 2, "language": "rust"}),
            ]
        );
    }

    #[test]
    fn bad_texts_and_the_words_for_them() {
        for (source, words) in [
            ("a < b", "Unsupported start tag \"\" at byte offset 2"),
            ("<b", "Unclosed start tag at byte offset 0"),
            ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
            ("x</b>", "Unexpected end tag at byte offset 1"),
            ("<b><i>x</b></i>", "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\""),
            ("<p>x</p>", "Unsupported start tag \"p\" at byte offset 0"),
            ("<br/>", "Unsupported start tag \"br/\" at byte offset 0"),
            ("<img src=\"https://evil\">", "Unsupported start tag \"img\" at byte offset 0"),
            (
                "<a href>x</a>",
                "Expected equal sign in declaration of an attribute of the tag \"a\" at byte offset 0",
            ),
            ("<a href=\"x>y</a>", "Unclosed start tag at byte offset 0"),
            ("<span>x</span>", "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"),
            ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ] {
            assert_eq!(parse(source).unwrap_err(), words, "{source}");
        }
    }
}
