//! Pictures in a question. Pure: only pictures that come along are taken, nothing is fetched from an address.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_agent::Picture;
use serde_json::Value;

/// A question may show so many.
const MOST: usize = 8;
/// One may have so many bytes.
const LARGEST: usize = 10 * 1024 * 1024;
/// All together may have so many bytes.
const ALL: usize = 20 * 1024 * 1024;
/// What models read.
const KINDS: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Takes the pictures out of the parts of a message.
pub(super) fn of_parts(content: &Value) -> Result<Vec<Picture>, String> {
    let Value::Array(parts) = content else { return Ok(Vec::new()) };
    let mut pictures = Vec::new();
    let mut bytes = 0;
    for part in parts {
        let Some(picture) = picture(part)? else { continue };
        bytes += picture.data.len() / 4 * 3;
        pictures.push(picture);
        if pictures.len() > MOST {
            return Err(format!("the message shows more than {MOST} pictures; send fewer"));
        }
        if bytes > ALL {
            return Err(format!("the pictures have more than {} MB together; send smaller ones", ALL >> 20));
        }
    }
    Ok(pictures)
}

fn picture(part: &Value) -> Result<Option<Picture>, String> {
    let source = part.get("source");
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match part.get("type").and_then(Value::as_str) {
        Some("image_url") => {
            let url = part.get("image_url");
            let url = text(url.and_then(|url| url.get("url")).or(url));
            by_address(&url.ok_or("an image_url part has no url")?).map(Some)
        }
        Some("input_image") => match (text(part.get("image_url")), source) {
            (Some(url), _) => by_address(&url).map(Some),
            (None, Some(source)) if source.get("type").and_then(Value::as_str) == Some("base64") => {
                let kind = text(source.get("media_type")).unwrap_or_default();
                check(&kind, text(source.get("data")).unwrap_or_default()).map(Some)
            }
            (None, Some(source)) => by_address(&text(source.get("url")).unwrap_or_default()).map(Some),
            (None, None) => Err("an input_image part has neither image_url nor source".to_owned()),
        },
        _ => Ok(None),
    }
}

fn by_address(url: &str) -> Result<Picture, String> {
    let Some(data) = url.strip_prefix("data:") else {
        return Err(
            "pictures are not fetched from an address; send it as a data: URL (data:image/png;base64,…)"
                .to_owned(),
        );
    };
    let (head, data) = data.split_once(',').ok_or("a data: URL has no comma")?;
    let kind =
        head.strip_suffix(";base64").ok_or("a data: URL is not in base64; send data:image/png;base64,…")?;
    check(kind, data.to_owned())
}

fn check(kind: &str, base64: String) -> Result<Picture, String> {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !KINDS.contains(&kind.as_str()) {
        return Err(format!("a picture is of type {kind:?}, expected one of {}", KINDS.join(", ")));
    }
    if base64.len() / 4 * 3 > LARGEST {
        return Err(format!("a picture has more than {} MB; send a smaller one", LARGEST >> 20));
    }
    if base64.is_empty() || STANDARD.decode(&base64).is_err() {
        return Err("a picture's data is no base64".to_owned());
    }
    Ok(Picture { mime_type: kind, data: base64 })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pictures_that_come_along_are_taken() {
        let parts = json!([
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            {"type": "input_image", "image_url": "data:image/jpeg;base64,/9j/"},
            {"type": "input_image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lG"}},
        ]);
        let kinds: Vec<String> = of_parts(&parts).unwrap().into_iter().map(|one| one.mime_type).collect();
        assert_eq!(kinds, ["image/png", "image/jpeg", "image/gif"]);
        assert!(of_parts(&json!("text")).unwrap().is_empty());
    }

    #[test]
    fn others_are_told() {
        let wrong = |part: Value| of_parts(&json!([part])).unwrap_err();
        let url = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
        assert!(wrong(url("https://example.com/x.png")).contains("not fetched"));
        assert!(wrong(url("data:image/svg+xml;base64,PHN2Zz4=")).contains("svg"));
        assert!(wrong(url("data:image/png;base64,%%%")).contains("base64"));
        assert!(wrong(url("data:image/png,xx")).contains("base64"));
    }
}
