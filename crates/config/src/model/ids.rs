//! Ids of people and chats: numbers or texts in the file, texts in the program.

use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum IdValue {
    Number(i64),
    Text(String),
}

impl IdValue {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => {
                let text = text.trim();
                let bare = text.strip_prefix("telegram:").or_else(|| text.strip_prefix("tg:"));
                bare.unwrap_or(text).to_owned()
            }
        }
    }
}

pub(super) fn id_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    IdValue::deserialize(deserializer).map(IdValue::into_text)
}

pub(super) fn id_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let ids = Vec::<IdValue>::deserialize(deserializer)?;
    Ok(ids.into_iter().map(IdValue::into_text).collect())
}

pub(super) fn optional_id_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    id_list(deserializer).map(Some)
}
