//! Which address leads to which document.

/// Where a capability stands in front of the path, as `hello-ok.pluginSurfaceUrls` gives it out.
const SURFACE: &str = "/__openclaw__/cap/";
/// Where documents are.
const CANVAS: &str = "/__openclaw__/canvas/";
/// The only file of a document.
const FILE: &str = "index.html";

/// The longest name of a document.
const MOST_ID: usize = 256;

/// A capability and the document that it is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// The capability.
    pub token: &'a str,
    /// The document.
    pub document: &'a str,
}

impl<'a> Address<'a> {
    /// Reads a path: `/__openclaw__/canvas/<capability>/documents/<id>/index.html`, or as `OpenClaw`'s nodes put it together,
    /// `/__openclaw__/cap/<capability>/__openclaw__/canvas/documents/<id>/index.html`. Nothing in it is decoded: a name that
    /// is written otherwise is another name.
    pub fn read(path: &'a str) -> Option<Self> {
        let (token, rest) = match path.strip_prefix(SURFACE) {
            Some(rest) => {
                let (token, rest) = rest.split_once('/')?;
                (token, rest.strip_prefix(&CANVAS[1..])?)
            }
            None => path.strip_prefix(CANVAS)?.split_once('/')?,
        };
        let document = Self::document(rest)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let token = Some(token).filter(|token| !token.is_empty() && token.bytes().all(plain))?;
        Some(Self { token, document })
    }

    /// The document of a path below a surface, such as `/__openclaw__/canvas/documents/<id>/index.html`.
    pub fn document_of(path: &'a str) -> Option<&'a str> {
        Self::document(path.strip_prefix(CANVAS)?)
    }

    fn document(rest: &'a str) -> Option<&'a str> {
        let (id, file) = rest.strip_prefix("documents/")?.split_once('/')?;
        let good = (file.is_empty() || file == FILE) && is_id(id);
        good.then_some(id)
    }

    /// The path of a document for whoever holds a capability.
    pub fn path(token: &str, document: &str) -> String {
        format!("{CANVAS}{token}/documents/{document}/{FILE}")
    }

    /// The path of a document below a surface, as nodes are told it.
    pub fn hosted(document: &str) -> String {
        format!("{CANVAS}documents/{document}/{FILE}")
    }

    /// What stands in front of [`Address::hosted`] for whoever holds a capability.
    pub fn surface(token: &str) -> String {
        format!("{SURFACE}{token}")
    }
}

/// Whether a text can be a document's name, as the schema of `canvas.document.view` has it.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !text.is_empty() && text.len() <= MOST_ID && text != "." && text != ".." && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_ways_to_write_it_lead_there() {
        let expected = Some(Address { token: "To_k-1", document: "cv_1" });
        assert_eq!(Address::read(&Address::path("To_k-1", "cv_1")), expected);
        let surface = format!("{}{}", Address::surface("To_k-1"), Address::hosted("cv_1"));
        assert_eq!(Address::read(&surface), expected);
        assert_eq!(Address::read("/__openclaw__/canvas/To_k-1/documents/cv_1/"), expected);
        assert_eq!(Address::document_of(&Address::hosted("cv_1")), Some("cv_1"));
    }

    #[test]
    fn everything_else_leads_nowhere() {
        for path in [
            "/",
            "/__openclaw__/canvas/",
            "/__openclaw__/canvas//documents/cv_1/index.html",
            "/__openclaw__/canvas/t/documents/cv_1",
            "/__openclaw__/canvas/t/documents/../index.html",
            "/__openclaw__/canvas/t/documents/cv_1/other.html",
            "/__openclaw__/canvas/t/documents/cv_1/../cv_2/index.html",
            "/__openclaw__/canvas/t/documents/cv%5f1/index.html",
            "/__openclaw__/canvas/t/documents/cv_1/index.html/",
            "/__openclaw__/canvas/t%2Fdocuments/cv_1/index.html",
            "/__openclaw__/cap/t/documents/cv_1/index.html",
            "/__openclaw__/cap/t//__openclaw__/canvas/documents/cv_1/index.html",
            "//__openclaw__/canvas/t/documents/cv_1/index.html",
        ] {
            assert_eq!(Address::read(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_leads_somewhere_is_plain(path in "/__openclaw__/(canvas|cap)/[a-z%./_]{0,12}/documents/[a-zA-Z%./_]{0,12}/(index.html)?") {
            if let Some(address) = Address::read(&path) {
                prop_assert!(is_id(address.document));
                prop_assert!(!address.token.contains(['/', '.', '%']));
            }
        }
    }
}
