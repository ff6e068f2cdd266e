//! HTML to readable text, in one pass over its tokens.
//!
//! No tree is built: memory and time stay proportional to the page, however it is nested. (Tree builders take minutes
//! for some pages of half a megabyte, and walking such a tree can overflow the stack.)

use html5gum::emitters::default::{StartTag, Token};
use html5gum::{DefaultEmitter, Tokenizer};
use url::Url;

/// Nobody reads more of one page.
const LONGEST: usize = 1024 * 1024;
const LONGEST_LINK: usize = 500;
const DEEPEST_LIST: usize = 16;

/// What holds no readable text.
const MACHINERY: [&[u8]; 13] = [
    b"script",
    b"style",
    b"noscript",
    b"template",
    b"svg",
    b"math",
    b"canvas",
    b"iframe",
    b"object",
    b"video",
    b"audio",
    b"nav",
    b"select",
];

/// The page's text in simple Markdown: headings, lists, links (absolute, by `base`), code.
pub(super) fn readable(html: &str, base: &Url) -> String {
    let text = read(html, base, true);
    // A page that leaves one of these elements open would vanish whole.
    if text.is_empty() { read(html, base, false) } else { text }
}

fn read(html: &str, base: &Url, leave_out: bool) -> String {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut reader = Reader::new(base, leave_out);
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => reader.start(&tag),
            Token::EndTag(tag) => reader.end(&tag.name),
            Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
        if reader.out.len() > LONGEST {
            break;
        }
    }
    reader.out.trim().to_owned()
}

struct Reader<'a> {
    base: &'a Url,
    leave_out: bool,
    out: String,
    /// The element that is being left out, and how often it is nested in itself.
    skipping: Option<(Vec<u8>, usize)>,
    /// Line breaks that come before the next text.
    breaks: usize,
    /// A blank that comes before the next text.
    blank: bool,
    preformatted: usize,
    /// For each open list the next number, if it has numbers.
    lists: Vec<Option<usize>>,
    /// An open link: where its text begins, and where it leads.
    link: Option<(usize, String)>,
}

impl<'a> Reader<'a> {
    const fn new(base: &'a Url, leave_out: bool) -> Self {
        Self {
            base,
            leave_out,
            out: String::new(),
            skipping: None,
            breaks: 0,
            blank: false,
            preformatted: 0,
            lists: Vec::new(),
            link: None,
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        if let Some((skipped, depth)) = &mut self.skipping {
            *depth += usize::from(skipped.as_slice() == name && !tag.self_closing);
            return;
        }
        // Scripts and styles are never text.
        let never = matches!(name, b"script" | b"style");
        if (self.leave_out || never) && MACHINERY.contains(&name) && !tag.self_closing {
            self.skipping = Some((name.to_vec(), 1));
            return;
        }
        match name {
            b"br" => self.breaks = self.breaks.max(1),
            b"hr" => {
                self.break_line(2);
                self.put("---");
                self.break_line(2);
            }
            b"title" | b"p" | b"table" | b"blockquote" | b"figure" | b"dl" => self.break_line(2),
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => {
                self.break_line(2);
                self.put(&"#".repeat(usize::from(name[1] - b'0')));
                self.blank = true;
            }
            b"ul" | b"ol" => {
                self.break_line(if self.lists.is_empty() { 2 } else { 1 });
                if self.lists.len() < DEEPEST_LIST {
                    self.lists.push((name == b"ol").then_some(1));
                }
            }
            b"li" => self.item(),
            b"pre" => {
                self.break_line(2);
                self.put("```\n");
                self.preformatted += 1;
            }
            b"code" if self.preformatted == 0 => self.put("`"),
            b"td" | b"th" if !self.at_line_start() => {
                self.put(" |");
                self.blank = true;
            }
            b"a" => self.open_link(tag),
            b"img" => {
                if let Some(alt) = attribute(tag, b"alt").filter(|alt| !alt.trim().is_empty()) {
                    self.put(&format!("[image: {}]", alt.trim()));
                }
            }
            _ if is_block(name) => self.break_line(1),
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        if let Some((skipped, depth)) = &mut self.skipping {
            if skipped.as_slice() == name {
                *depth -= 1;
                if *depth == 0 {
                    self.skipping = None;
                }
            }
            return;
        }
        match name {
            b"title" | b"p" | b"table" | b"blockquote" | b"figure" | b"dl" | b"h1" | b"h2" | b"h3"
            | b"h4" | b"h5" | b"h6" => {
                self.break_line(2);
            }
            b"ul" | b"ol" => {
                self.lists.pop();
                self.break_line(if self.lists.is_empty() { 2 } else { 1 });
            }
            b"pre" if self.preformatted > 0 => {
                self.preformatted -= 1;
                if !self.out.ends_with('\n') {
                    self.out.push('\n');
                }
                self.out.push_str("```");
                self.break_line(2);
            }
            b"code" if self.preformatted == 0 => self.out.push('`'),
            b"a" => self.close_link(),
            _ if is_block(name) => self.break_line(1),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipping.is_some() {
            return;
        }
        if self.preformatted > 0 {
            self.put(text);
            return;
        }
        for (index, word) in text.split(|character: char| character.is_whitespace()).enumerate() {
            self.blank |= index > 0;
            if !word.is_empty() {
                self.put(word);
            }
        }
    }

    /// Puts text, after the breaks or the blank that are due.
    fn put(&mut self, text: &str) {
        self.settle();
        self.out.push_str(text);
    }

    fn settle(&mut self) {
        if self.breaks > 0 {
            if !self.out.is_empty() {
                let there = self.out.chars().rev().take_while(|character| *character == '\n').count();
                self.out.push_str(&"\n".repeat(self.breaks.saturating_sub(there)));
            }
        } else if self.blank && !self.at_line_start() {
            self.out.push(' ');
        }
        self.breaks = 0;
        self.blank = false;
    }

    fn break_line(&mut self, lines: usize) {
        self.breaks = self.breaks.max(lines);
        self.blank = false;
    }

    fn at_line_start(&self) -> bool {
        self.breaks > 0 || self.out.is_empty() || self.out.ends_with('\n')
    }

    fn item(&mut self) {
        self.break_line(1);
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        let bullet = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{indent}{}.", *number - 1)
            }
            _ => format!("{indent}-"),
        };
        self.put(&bullet);
        self.blank = true;
    }

    fn open_link(&mut self, tag: &StartTag<()>) {
        self.close_link();
        let Some(target) = attribute(tag, b"href").and_then(|href| self.base.join(href.trim()).ok()) else {
            return;
        };
        let leads_elsewhere = matches!(target.scheme(), "http" | "https") && target.fragment().is_none();
        if leads_elsewhere && target.as_str().len() <= LONGEST_LINK {
            self.settle();
            self.link = Some((self.out.len(), target.into()));
        }
    }

    fn close_link(&mut self) {
        let Some((from, target)) = self.link.take() else { return };
        let text = self.out.split_off(from);
        if text.trim().is_empty() || text.contains('\n') {
            self.out.push_str(&text);
        } else {
            self.out.push_str(&format_args!("[{}]({target})", text.trim()).to_string());
        }
    }
}

fn attribute(tag: &StartTag<()>, name: &[u8]) -> Option<String> {
    tag.attributes.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
}

fn is_block(name: &[u8]) -> bool {
    matches!(
        name,
        b"div"
            | b"section"
            | b"article"
            | b"header"
            | b"footer"
            | b"main"
            | b"aside"
            | b"tr"
            | b"thead"
            | b"tbody"
            | b"dt"
            | b"dd"
            | b"figcaption"
            | b"address"
            | b"details"
            | b"summary"
            | b"form"
            | b"fieldset"
            | b"legend"
            | b"option"
            | b"body"
            | b"head"
            | b"html"
            | b"caption"
            | b"center"
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn text(html: &str) -> String {
        readable(html, &Url::parse("https://example.com/dir/page").unwrap())
    }

    #[test]
    fn structure_becomes_simple_markdown() {
        let html = "<!doctype html><html><head><title>The title</title><style>p{x}</style></head><body><nav>menu</nav>\
            <h2>Head  line</h2><p>One <b>two</b>\n three &amp; four<br>five</p><ul><li>a<li>b<ol><li>c</ol></ul>\
            <table><tr><th>x<th>y<tr><td>1<td>2</table><a href='../up'>link</a> <a href='#x'>here</a>\
            <pre>  keep\n  this</pre><img src=x alt='A cat'><script>alert('</p>')</script></body>";
        assert_eq!(
            text(html),
            "The title\n\n## Head line\n\nOne two three & four\nfive\n\n- a\n- b\n  1. c\n\nx | y\n1 | 2\n\n\
             [link](https://example.com/up) here\n\n```\n  keep\n  this\n```\n\n[image: A cat]"
        );
    }

    #[test]
    fn scripts_are_never_text_even_when_nothing_else_is() {
        assert_eq!(text("<nav><p>only this<script>evil()</script>"), "only this");
        assert_eq!(text("<script>evil()"), "");
    }

    #[test]
    fn hostile_pages_take_no_longer_than_others() {
        let started = Instant::now();
        let distinct: Vec<String> = (0..20_000).map(|index| format!("<b a={index}>")).collect();
        for html in [
            "<div>".repeat(80_000),
            "<a href=x>".repeat(30_000),
            "<ul><li>".repeat(30_000),
            format!("{}{}", distinct.concat(), "<p>x".repeat(30_000)),
            format!("<div {}>x", "a ".repeat(100_000)),
            "<svg>".repeat(60_000),
            "<!--".repeat(60_000),
            "&".repeat(300_000),
        ] {
            assert!(text(&html).len() <= 2 * LONGEST);
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_page_breaks_it(html in "(<(/?)(p|ul|ol|li|a|a href=x|pre|code|nav|script|td|h1|svg|br/)>|[a-z &\n]|<|>){0,60}") {
            text(&html);
        }
    }
}
