//! Markdown's events as tags that nest and close.

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Tag, TagEnd};
use url::Url;

use super::escape;
use crate::telegram::table::Table;

/// Schemes that a link may have; others are shown as text.
const LINKABLE: [&str; 4] = ["http", "https", "tg", "mailto"];

/// Spans that may be open; each is written once, however often it is nested.
#[derive(Default)]
struct Depths {
    bold: usize,
    italic: usize,
    strike: usize,
    quote: usize,
    link: usize,
}

/// A link or image that was begun, and what to write where it ends.
enum Anchor {
    Plain,
    Open,
}

#[derive(Default)]
pub(super) struct Writer {
    html: String,
    depths: Depths,
    anchors: Vec<Anchor>,
    /// Counter of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Line breaks owed before the next visible thing.
    owed: usize,
    /// A list mark was just written.
    after_mark: bool,
    /// The end of the block of code that is open.
    code_end: Option<&'static str>,
    table: Option<Table>,
}

impl Writer {
    pub(super) fn event(&mut self, event: Event<'_>) {
        if let Some(table) = &mut self.table {
            if let Event::End(TagEnd::Table) = event {
                let drawn = table.draw();
                self.table = None;
                self.block(2);
                self.raw(&format!("<pre>{}</pre>", escape(&drawn)));
                self.block(2);
            } else {
                table.event(event);
            }
            return;
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(code) => self.span("code", &code),
            Event::InlineMath(math) | Event::DisplayMath(math) => self.span("code", &math),
            Event::Html(html) | Event::InlineHtml(html) => self.text(&html),
            Event::FootnoteReference(name) => self.text(&format!("[{name}]")),
            Event::SoftBreak | Event::HardBreak => self.line_break(),
            Event::Rule => {
                self.block(2);
                self.text("———");
                self.block(2);
            }
            Event::TaskListMarker(done) => self.text(if done { "☑ " } else { "☐ " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock | Tag::FootnoteDefinition(_) => self.block(2),
            Tag::Heading { .. } => {
                self.block(2);
                self.open_bold();
            }
            Tag::BlockQuote(_) => {
                self.block(2);
                // Quotations do not nest on Telegram.
                if self.depths.quote == 0 {
                    self.raw("<blockquote>");
                }
                self.depths.quote += 1;
            }
            Tag::CodeBlock(kind) => {
                self.block(2);
                if let Some(language) = language(&kind) {
                    self.raw(&format!("<pre><code class=\"language-{language}\">"));
                    self.code_end = Some("</code></pre>");
                } else {
                    self.raw("<pre>");
                    self.code_end = Some("</pre>");
                }
            }
            Tag::List(first) => {
                self.block(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Table(alignments) => self.table = Some(Table::new(&alignments)),
            Tag::Emphasis => {
                if self.depths.italic == 0 {
                    self.raw("<i>");
                }
                self.depths.italic += 1;
            }
            Tag::Strong => self.open_bold(),
            Tag::Strikethrough => {
                if self.depths.strike == 0 {
                    self.raw("<s>");
                }
                self.depths.strike += 1;
            }
            Tag::Link { link_type, dest_url, .. } => {
                let address = if link_type == LinkType::Email {
                    format!("mailto:{dest_url}")
                } else {
                    dest_url.into_string()
                };
                self.open_link(&address, "");
            }
            Tag::Image { dest_url, .. } => self.open_link(&dest_url, "🖼 "),
            Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::FootnoteDefinition => self.block(2),
            TagEnd::Heading(_) => {
                self.close_bold();
                self.block(2);
            }
            TagEnd::BlockQuote(_) => {
                self.depths.quote -= 1;
                if self.depths.quote == 0 {
                    self.close("</blockquote>");
                }
                self.block(2);
            }
            TagEnd::CodeBlock => {
                while self.html.ends_with('\n') {
                    self.html.pop();
                }
                let end = self.code_end.take().unwrap_or_default();
                self.close(end);
                self.block(2);
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.block(if self.lists.is_empty() { 2 } else { 1 });
            }
            TagEnd::Item => {
                self.after_mark = false;
                self.block(1);
            }
            TagEnd::Emphasis => {
                self.depths.italic -= 1;
                if self.depths.italic == 0 {
                    self.close("</i>");
                }
            }
            TagEnd::Strong => self.close_bold(),
            TagEnd::Strikethrough => {
                self.depths.strike -= 1;
                if self.depths.strike == 0 {
                    self.close("</s>");
                }
            }
            TagEnd::Link | TagEnd::Image => {
                if let Some(Anchor::Open) = self.anchors.pop() {
                    self.depths.link -= 1;
                    self.close("</a>");
                }
            }
            _ => {}
        }
    }

    fn open_bold(&mut self) {
        if self.depths.bold == 0 {
            self.raw("<b>");
        }
        self.depths.bold += 1;
    }

    fn close_bold(&mut self) {
        self.depths.bold -= 1;
        if self.depths.bold == 0 {
            self.close("</b>");
        }
    }

    fn open_link(&mut self, address: &str, mark: &str) {
        let linkable = Url::parse(address).is_ok_and(|url| LINKABLE.contains(&url.scheme()));
        if linkable && self.depths.link == 0 {
            self.raw(&format!("<a href=\"{}\">", escape(address)));
            self.depths.link += 1;
            self.anchors.push(Anchor::Open);
        } else {
            self.anchors.push(Anchor::Plain);
        }
        if !mark.is_empty() {
            self.text(mark);
        }
    }

    fn item(&mut self) {
        self.block(1);
        let depth = self.lists.len().saturating_sub(1);
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "• ".to_owned(),
        };
        self.text(&format!("{}{mark}", "   ".repeat(depth)));
        self.after_mark = true;
    }

    fn line_break(&mut self) {
        let indent = "   ".repeat(self.lists.len());
        self.text(&format!("\n{indent}"));
    }

    /// Asks for at least so many line breaks before whatever comes next.
    fn block(&mut self, breaks: usize) {
        // The first block of an item stands on the line of its mark.
        if self.after_mark {
            return;
        }
        // Inside a list, and around the parts of its items, lines stay close.
        let breaks = if self.lists.is_empty() { breaks } else { breaks.min(1) };
        self.owed = self.owed.max(breaks);
    }

    fn settle_breaks(&mut self) {
        self.after_mark = false;
        let owed = std::mem::take(&mut self.owed);
        let at_start = self.html.is_empty() || self.html.ends_with("<blockquote>");
        if owed > 0 && !at_start {
            let present = self.html.len() - self.html.trim_end_matches('\n').len();
            for _ in present..owed {
                self.html.push('\n');
            }
        }
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.settle_breaks();
        let escaped = escape(text);
        self.html.push_str(&escaped);
    }

    /// Writes an opening tag (or a whole element) where the next text goes.
    fn raw(&mut self, tag: &str) {
        self.settle_breaks();
        self.html.push_str(tag);
    }

    /// Writes a closing tag right behind what it closes.
    fn close(&mut self, tag: &str) {
        self.html.push_str(tag);
    }

    fn span(&mut self, tag: &str, text: &str) {
        self.raw(&format!("<{tag}>{}</{tag}>", escape(text)));
    }

    pub(super) fn finish(mut self) -> String {
        let kept = self.html.trim_end().len();
        self.html.truncate(kept);
        self.html
    }
}

/// The language named behind a fence, if it looks like one.
fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    let CodeBlockKind::Fenced(info) = kind else { return None };
    let word = info.split([' ', ',', '\t', '{']).next().unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '#' | '.');
    (!word.is_empty() && word.len() <= 32 && word.chars().all(good)).then(|| word.to_owned())
}
