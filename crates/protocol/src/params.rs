//! Reading the parameters of a method.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::ErrorShape;

/// Reads the parameters of a method; absent ones and `null` count as `{}`. What is wrong is named with its field.
///
/// ```
/// use bulkhead_protocol::{methods::sessions::SessionsDescribeParams, params};
/// let error = params::parse::<SessionsDescribeParams>("sessions.describe", None).unwrap_err();
/// assert_eq!(error.message, "invalid sessions.describe params: missing field `key`");
/// ```
pub fn parse<T: DeserializeOwned>(method: &str, raw: Option<&RawValue>) -> Result<T, ErrorShape> {
    let text = match raw.map(RawValue::get) {
        None | Some("null") => "{}",
        Some(text) => text,
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        ErrorShape::invalid_params(method, &path, plain(error.inner()))
    })
}

/// The reader's message without line and column: they count from the start of the parameters and help nobody.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
