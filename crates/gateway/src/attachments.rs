//! Pictures that come with a message: which are taken, and for which models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::Picture;
use bulkhead_protocol::{ErrorShape, limits};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::{ModelRef, Settings};

/// Pictures of one message.
const MOST: usize = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attachment {
    file_name: Option<String>,
    content: Option<String>,
}

/// Reads the attachments of a message. What they are is seen by their bytes, not by what is said of them.
pub(crate) fn pictures(
    attached: &[Value],
    model: Option<&ModelRef>,
    settings: &Settings,
) -> Result<Vec<Picture>, ErrorShape> {
    if attached.len() > MOST {
        return Err(ErrorShape::invalid_request(format!(
            "attachments: found {}, expected at most {MOST}",
            attached.len()
        )));
    }
    let pictures =
        attached.iter().enumerate().map(|(index, one)| picture(index, one)).collect::<Result<_, _>>()?;
    match model {
        Some(model) if !settings.takes_pictures(model) => Err(ErrorShape::invalid_request(format!(
            "attachments: {} takes text only; choose a model that takes pictures, or add \"image\" to its `input` in \
             models.providers.{}.models",
            model.full(),
            model.provider
        ))),
        _ => Ok(pictures),
    }
}

fn picture(index: usize, attached: &Value) -> Result<Picture, ErrorShape> {
    let read: Attachment = serde_json::from_value(attached.clone())
        .map_err(|error| ErrorShape::invalid_request(format!("attachments[{index}]: {error}")))?;
    let name = read.file_name.unwrap_or_else(|| format!("attachments[{index}]"));
    let wrong = |problem: String| ErrorShape::invalid_request(format!("attachment {name}: {problem}"));
    let content = read.content.ok_or_else(|| wrong("found no content, expected base64".to_owned()))?;
    // A data URL says what it is in front of the bytes.
    let encoded = content.split_once(";base64,").map_or(content.as_str(), |(_, encoded)| encoded);
    let most = usize::try_from(limits::ATTACHMENT_IMAGE_BYTES).unwrap_or(usize::MAX);
    if encoded.len() / 4 * 3 > most + 3 {
        return Err(wrong(format!("found about {} bytes, expected at most {most}", encoded.len() / 4 * 3)));
    }
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| wrong("invalid base64 content".to_owned()))?;
    let Some(mime_type) = kind(&bytes) else {
        return Err(wrong(
            "found another kind of file, expected a PNG, JPEG, GIF or WebP picture".to_owned(),
        ));
    };
    Ok(Picture { mime_type: mime_type.to_owned(), data: STANDARD.encode(bytes) })
}

/// The kind of a picture, by its first bytes.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_bytes() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(kind(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(kind(b"RIFF\0\0\0\0WAVE"), None);
        assert_eq!(kind(b"<svg/>"), None);
    }
}
