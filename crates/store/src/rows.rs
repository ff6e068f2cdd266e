//! Reading JSON columns and small enums out of rows.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads column `name` as JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(name)?;
    let text: String = row.get(index)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error)))
}

/// Reads column `name` as JSON, if it is not NULL.
pub(crate) fn optional_json(row: &Row<'_>, name: &str) -> rusqlite::Result<Option<Value>> {
    let text: Option<String> = row.get(name)?;
    match text {
        None => Ok(None),
        Some(_) => json(row, name).map(Some),
    }
}

/// Reads column `name` as one of an enum's words.
pub(crate) fn word<T>(row: &Row<'_>, name: &str, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(name)?;
    let text: String = row.get(index)?;
    parse(&text).ok_or_else(|| {
        let error = format!("`{text}` is not a known {name}");
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into())
    })
}
