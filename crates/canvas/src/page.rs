//! A document as it is served: one answer that needs nothing else.

use crate::Kind;

/// Runs before everything that a document brings.
const BRIDGE: &str = include_str!("bridge.js");

/// What a document is made of, to be served.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Its kind.
    pub kind: Kind,
    /// For people.
    pub title: &'a str,
    /// A page, or messages one a line.
    pub content: &'a str,
    /// The A2UI renderer, if this program was built with it.
    pub renderer: Option<&'a str>,
}

/// The whole answer.
pub fn page(page: Page<'_>) -> String {
    match page.kind {
        Kind::Html => html(page.content),
        Kind::A2ui => surface(page),
    }
}

/// The page with the bridge in front of it, behind its doctype if it has one.
fn html(content: &str) -> String {
    let start = content.len() - content.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len();
    let has_doctype = content[start..].get(..9).is_some_and(|begin| begin.eq_ignore_ascii_case("<!doctype"));
    let end = if has_doctype { content[start..].find('>').map(|at| start + at + 1) } else { None };
    let (doctype, rest) = match end {
        Some(end) => (&content[start..end], &content[end..]),
        None => ("<!doctype html>", content),
    };
    format!("{doctype}<meta charset=\"utf-8\"><script>{BRIDGE}</script>{rest}")
}

fn surface(page: Page<'_>) -> String {
    let title = escape(page.title);
    let Some(renderer) = page.renderer else {
        return format!(
            "<!doctype html><meta charset=\"utf-8\"><title>{title}</title><p>This gateway was built without its web UI, and \
             with it without the A2UI renderer. Build the UI (npm run build in ui/), then the gateway.</p>"
        );
    };
    // A script ends at `</script`, whatever stands around it; in JSON the sign can be written otherwise.
    let lines = page.content.lines().collect::<Vec<_>>().join(",").replace('<', "\\u003c");
    let renderer = renderer.replace("</script", "<\\/script");
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><script>{BRIDGE}</script></head><body><main id=\"surfaces\"></main>\
         <script>globalThis.bulkheadMessages = [{lines}];</script><script>{renderer}</script></body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(kind: Kind, content: &str, renderer: Option<&str>) -> String {
        page(Page { kind, title: "A <b>", content, renderer })
    }

    #[test]
    fn the_bridge_comes_before_everything_that_a_document_brings() {
        for (content, begins) in [
            ("<p>x", "<!doctype html><meta charset=\"utf-8\"><script>"),
            (
                "\u{feff} <!DOCTYPE html SYSTEM \"x\"><html>",
                "<!DOCTYPE html SYSTEM \"x\"><meta charset=\"utf-8\"><script>",
            ),
            ("<!doctype", "<!doctype html><meta charset=\"utf-8\"><script>"),
            ("äöüäöüäöü", "<!doctype html><meta charset=\"utf-8\"><script>"),
        ] {
            let all = served(Kind::Html, content, None);
            assert!(all.starts_with(begins), "{all}");
        }
        assert!(!BRIDGE.contains("</script"));
    }

    #[test]
    fn messages_cannot_end_the_script_that_they_stand_in() {
        let all = served(Kind::A2ui, "{\"a\":\"</script><script>alert(1)\"}\n{}", Some("run('</script>')"));
        assert!(all.contains("[{\"a\":\"\\u003c/script>\\u003cscript>alert(1)\"},{}]"), "{all}");
        assert_eq!(all.matches("</script>").count(), 3, "{all}");
        assert!(all.contains("<title>A &lt;b></title>") || all.contains("<title>A &lt;b&gt;</title>"));
        assert!(served(Kind::A2ui, "", None).contains("without its web UI"));
    }
}
