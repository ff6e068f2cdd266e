//! Markdown to the HTML that Telegram takes.
//!
//! Telegram knows bold, italic, strikethrough, code, blocks of code, links and quotations. Whatever else an agent
//! writes becomes text: tables are drawn in a block of code, images become links to them (so nobody's computer
//! fetches one), raw HTML is shown as it was written. Tags always nest and always close.

mod writer;

use pulldown_cmark::{Options, Parser};

use self::writer::Writer;

/// Renders Markdown; what is visible may be empty even when the source is not.
pub(crate) fn to_html(markdown: &str) -> String {
    let mut writer = Writer::default();
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    for event in Parser::new_ext(markdown, options) {
        writer.event(event);
    }
    writer.finish()
}

/// Length of what people see, in UTF-16 units, by which Telegram counts.
pub(crate) fn visible_length(html: &str) -> usize {
    let mut length = 0;
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '<' => rest.find('>').map_or(rest.len(), |end| end + 1),
            '&' => {
                length += 1;
                rest.find(';').map_or(1, |end| end + 1)
            }
            c => {
                length += c.len_utf16();
                c.len_utf8()
            }
        };
        rest = &rest[skipped..];
    }
    length
}

pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use bulkhead_fakes::telegram::html::parse;
    use proptest::prelude::*;

    use super::*;

    fn check(markdown: &str, html: &str) {
        assert_eq!(to_html(markdown), html, "{markdown}");
        parse(html).unwrap();
    }

    #[test]
    fn spans() {
        check(
            "**bold** _italic_ ~~gone~~ `co<de`",
            "<b>bold</b> <i>italic</i> <s>gone</s> <code>co&lt;de</code>",
        );
        check("**a **b** c**", "<b>a b c</b>");
        check("***both***", "<i><b>both</b></i>");
        check("a < b & c > d \"q\"", "a &lt; b &amp; c &gt; d &quot;q&quot;");
        check("one\ntwo  \nthree", "one\ntwo\nthree");
    }

    #[test]
    fn blocks() {
        check("# Title\n\ntext\n\n\n\nmore", "<b>Title</b>\n\ntext\n\nmore");
        check("## A **b** c", "<b>A b c</b>");
        check("> quoted\n>\n> > deeper\n\nafter", "<blockquote>quoted\n\ndeeper</blockquote>\n\nafter");
        check("a\n\n---\n\nb", "a\n\n———\n\nb");
        check(
            "```rust\nfn a() -> &'static str {}\n```\nx",
            "<pre><code class=\"language-rust\">fn a() -&gt; &amp;'static str {}</code></pre>\n\nx",
        );
        check("```\n<b>\n```", "<pre>&lt;b&gt;</pre>");
        check("```<script>\nx\n```", "<pre>x</pre>");
        check("```js\nunfinished", "<pre><code class=\"language-js\">unfinished</code></pre>");
    }

    #[test]
    fn lists() {
        check("- a\n- b\n  - c\n  - d\n- e", "• a\n• b\n   • c\n   • d\n• e");
        check("3. a\n4. b\n\nafter", "3. a\n4. b\n\nafter");
        check("- a\n\n- b\n\n  more of b", "• a\n• b\nmore of b");
        check("-\n- b", "• \n• b");
        check("- [x] done\n- [ ] open", "• ☑ done\n• ☐ open");
        check("before\n- a", "before\n\n• a");
    }

    #[test]
    fn links_and_what_they_may_be() {
        check("[t](https://e.org/?a=1&b=\"2)", "<a href=\"https://e.org/?a=1&amp;b=&quot;2\">t</a>");
        check("<https://e.org>", "<a href=\"https://e.org\">https://e.org</a>");
        check("<a@e.org>", "<a href=\"mailto:a@e.org\">a@e.org</a>");
        check("[t](javascript:alert(1))", "t");
        check("[t](/relative)", "t");
        check("![a cat](https://e.org/c.png)", "<a href=\"https://e.org/c.png\">🖼 a cat</a>");
        check("[![alt](https://e.org/i.png)](https://e.org)", "<a href=\"https://e.org\">🖼 alt</a>");
    }

    #[test]
    fn html_is_shown_and_never_used() {
        check("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;");
        check("a <b>c</b>", "a &lt;b&gt;c&lt;/b&gt;");
    }

    #[test]
    fn tables_are_drawn() {
        check(
            "| Name | Count |\n|:---|---:|\n| a **b** | 1 |\n| `c<` | 22 |\n\nafter",
            "<pre>Name | Count\n-----+------\na b  |     1\nc&lt;   |    22</pre>\n\nafter",
        );
    }

    #[test]
    fn what_shows_nothing_renders_to_nothing() {
        check("[a]: https://e.org", "");
        check("  \n ", "");
    }

    #[test]
    fn length_counts_what_people_see() {
        assert_eq!(visible_length("<b>a&amp;b</b>😀"), 5);
    }

    proptest! {
        #[test]
        fn any_text_gives_html_that_telegram_takes(text in "([*_~`#>|\\[\\]()!<&-]|[a-c]|\\n| |1\\. |```|\\PC){0,200}") {
            let html = to_html(&text);
            let parsed = parse(&html);
            prop_assert!(parsed.is_ok(), "{parsed:?}: {html}");
            prop_assert_eq!(parsed.unwrap().text.encode_utf16().count(), visible_length(&html));
        }
    }
}
