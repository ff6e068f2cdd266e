//! Reading a request frame.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A request frame, borrowed from the message it came in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    #[allow(dead_code)]
    traceparent: Option<Cow<'a, str>>,
}

/// What a message is that is no request frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// No JSON at all.
    NotJson,
    /// JSON, but no request frame; its id if it has one, and what is wrong.
    NotRequest { id: Option<String>, why: String },
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        match serde_json::from_str::<Self>(text) {
            Ok(envelope)
                if envelope.kind == "req" && !envelope.id.is_empty() && !envelope.method.is_empty() =>
            {
                Ok(envelope)
            }
            _ => Err(Malformed::of(text)),
        }
    }
}

impl Malformed {
    /// Looks closer at a message that is no request: slower, and only for those.
    fn of(text: &str) -> Self {
        let mut reader = serde_json::Deserializer::from_str(text);
        let why = match serde_path_to_error::deserialize::<_, Envelope<'_>>(&mut reader) {
            Ok(_) if reader.end().is_err() => return Self::NotJson,
            Ok(envelope) if envelope.kind != "req" => {
                format!("at /type: found {:?}, expected \"req\"", shown(&envelope.kind))
            }
            Ok(envelope) if envelope.id.is_empty() => {
                "at /id: found an empty text, expected an id".to_owned()
            }
            Ok(_) => "at /method: found an empty text, expected a method's name".to_owned(),
            Err(error) => {
                let path = error.path().to_string();
                let path =
                    if path == "." { String::from("/") } else { format!("/{}", path.replace('.', "/")) };
                format!("at {path}: {}", error.inner())
            }
        };
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Self::NotJson;
        }
        Self::NotRequest { id: id_of(text), why }
    }
}

/// The id of a frame that is otherwise not understood, so that its sender learns of it.
fn id_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    serde_json::from_str::<Id>(text).ok().map(|frame| frame.id).filter(|id| !id.is_empty() && id.len() <= 256)
}

/// A piece of foreign text short enough for a message.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames() {
        let frame =
            Envelope::parse(r#"{"type":"req","id":"1","method":"health","params":{"a":[1]}}"#).unwrap();
        assert_eq!(
            (&*frame.id, &*frame.method, frame.params.map(RawValue::get)),
            ("1", "health", Some(r#"{"a":[1]}"#))
        );
        assert!(
            Envelope::parse(r#"{"type":"req","id":"\u0031","method":"health","traceparent":"x"}"#).is_ok()
        );
        for not_json in ["", "{", "nope", "{}x", "\u{0}"] {
            assert_eq!(Envelope::parse(not_json).unwrap_err(), Malformed::NotJson, "{not_json:?}");
        }
        for (frame, id, names) in [
            ("[]", None, "struct Envelope"),
            ("7", None, "struct Envelope"),
            (r#"{"type":"req","id":"1"}"#, Some("1"), "`method`"),
            (r#"{"type":"req","id":7,"method":"x"}"#, None, "/id"),
            (r#"{"type":"res","id":"1","method":"x"}"#, Some("1"), "/type"),
            (r#"{"type":"req","id":"","method":"x"}"#, None, "/id"),
            (r#"{"type":"req","id":"1","method":""}"#, Some("1"), "/method"),
            (r#"{"type":"req","id":"1","method":"x","extra":1}"#, Some("1"), "extra"),
        ] {
            let Malformed::NotRequest { id: found, why } = Envelope::parse(frame).unwrap_err() else {
                panic!("{frame} should be JSON")
            };
            assert_eq!(found.as_deref(), id, "{frame}");
            assert!(why.contains(names), "{frame}: {why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,200}", id in ".{0,20}", method in ".{0,20}") {
            let _ = Envelope::parse(&text);
            let frame = serde_json::json!({ "type": "req", "id": id, "method": method, "params": text }).to_string();
            match Envelope::parse(&frame) {
                Ok(envelope) => proptest::prop_assert_eq!((&*envelope.id, &*envelope.method), (&*id, &*method)),
                Err(_) => proptest::prop_assert!(id.is_empty() || method.is_empty()),
            }
        }
    }
}
