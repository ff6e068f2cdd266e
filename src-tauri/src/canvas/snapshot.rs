//! A picture of a document's window, as WebKit for GTK draws it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gtk::cairo;
use serde_json::{Value, json};
use std::time::Duration;
use tauri::WebviewWindow;
use webkit2gtk::{SnapshotOptions, SnapshotRegion, WebViewExt as _};

/// How long WebKit may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest picture, in pixels.
const MOST: i32 = 16_000_000;

/// The visible part of the window as PNG, in base64.
pub async fn take(window: &WebviewWindow) -> Result<Value, String> {
    let (tell, told) = tokio::sync::oneshot::channel();
    window
        .with_webview(move |webview| {
            let answer = move |drawn: Result<cairo::Surface, _>| {
                let drawn = drawn.map_err(|error: gtk::glib::Error| error.to_string());
                let _ = tell.send(drawn.and_then(encode));
            };
            webview.inner().snapshot(
                SnapshotRegion::Visible,
                SnapshotOptions::NONE,
                gtk::gio::Cancellable::NONE,
                answer,
            );
        })
        .map_err(|error| error.to_string())?;
    let (width, height, png) = tokio::time::timeout(PATIENCE, told)
        .await
        .map_err(|_| "the picture took too long".to_owned())?
        .map_err(|_| "the window is gone".to_owned())??;
    Ok(json!({"format": "png", "base64": STANDARD.encode(png), "width": width, "height": height}))
}

fn encode(surface: cairo::Surface) -> Result<(u32, u32, Vec<u8>), String> {
    let mut image =
        cairo::ImageSurface::try_from(surface).map_err(|_| "the picture is no image".to_owned())?;
    let (width, height) = (image.width(), image.height());
    if width < 1 || height < 1 || width.saturating_mul(height) > MOST {
        return Err(format!("the window is {width}×{height}, which makes no picture"));
    }
    let stride = usize::try_from(image.stride()).map_err(|error| error.to_string())?;
    let (wide, high) = (width.unsigned_abs(), height.unsigned_abs());
    let row = usize::try_from(wide).map_err(|error| error.to_string())? * 4;
    let data = image.data().map_err(|error| error.to_string())?;
    // Cairo keeps ARGB in the machine's byte order; a window has no transparency that counts.
    let pixels: Vec<u8> = data
        .chunks(stride)
        .flat_map(|line| line[..row].chunks_exact(4))
        .flat_map(|pixel| {
            let [a, r, g, b] = u32::from_ne_bytes([pixel[0], pixel[1], pixel[2], pixel[3]]).to_be_bytes();
            let _ = a;
            [r, g, b]
        })
        .collect();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, wide, high);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|error| error.to_string())?;
    Ok((wide, high, png))
}
