//! JSON that is written once and shared.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Serialises a value of ours. Our own types cannot fail to serialise; should one, it becomes `null`.
pub(crate) fn raw(value: &(impl Serialize + ?Sized)) -> Arc<RawValue> {
    boxed(value).into()
}

/// The same, not shared.
pub(crate) fn boxed(value: &(impl Serialize + ?Sized)) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|error| {
        tracing::error!(%error, "a result could not be written as JSON");
        RawValue::NULL.to_owned()
    })
}
