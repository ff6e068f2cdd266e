//! `device.pair.setupCode`: a code that lets one phone or node in, once, within ten minutes.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::devices::{DevicePairSetupCodeParams, DevicePairSetupStatusParams};
use bulkhead_server::{AuthMode, Reply};
use bulkhead_store::Setup;
use serde_json::{Value, json};

use super::{Call, store_failed};
use crate::access::setup::{Access as Level, LIFETIME, token_hash};
use crate::gateway::Gateway;
use crate::nodes::doorway::{self, Doorway};

/// Makes a setup code; it alone holds the token.
pub(super) async fn code(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DevicePairSetupCodeParams = call.params()?;
    let policy = gateway.access_policy();
    if policy.device_token_key.is_none() {
        return Err(ErrorShape::unavailable(
            "this gateway has no device key, so devices get no token; bulkhead doctor says how to make one",
        ));
    }
    let wanted = match params.bootstrap_profile.as_deref() {
        None => Level::Full,
        Some(name) => Level::parse(name).ok_or_else(|| {
            ErrorShape::invalid_params(
                call.spec.name,
                "bootstrapProfile",
                format!("found {name:?}, expected full, limited, node or voice-node"),
            )
        })?,
    };
    if params.join_url == Some(true) {
        return Err(ErrorShape::invalid_params(
            call.spec.name,
            "joinUrl",
            "this gateway makes no join URLs; use the setup code itself",
        ));
    }
    let settings = gateway.settings.now();
    let doorway = doorway::find(
        &settings.config.gateway,
        gateway.port,
        params.public_url.as_deref(),
        params.prefer_remote_url == Some(true),
    )?;
    // Whoever listens on a network without TLS could be faster with the token.
    let level = if wanted == Level::Full && !doorway.is_private() { Level::Limited } else { wanted };
    let token = fresh()?;
    let setup = gateway
        .store
        .setups()
        .add(&uuid::Uuid::new_v4().to_string(), &token_hash(&token), level.as_str(), LIFETIME)
        .await
        .map_err(store_failed)?;
    let content = json!({
        "url": doorway.url, "bootstrapToken": token, "expiresAtMs": setup.expires_at,
    });
    let code = URL_SAFE_NO_PAD.encode(content.to_string());
    let mut result = json!({
        "setupId": setup.id,
        "expiresAtMs": setup.expires_at,
        "setupCode": code,
        "gatewayUrl": doorway.url,
        "auth": if policy.mode == AuthMode::Password { "password" } else { "token" },
        "urlSource": doorway.source,
        "access": level.label(),
    });
    if level != wanted {
        result["accessDowngraded"] = true.into();
    }
    if params.include_qr != Some(false) {
        result["qrDataUrl"] = picture(&code)?.into();
    }
    Reply::json(&result)
}

/// What came of a setup code that the caller showed.
pub(super) async fn status(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DevicePairSetupStatusParams = call.params()?;
    let setup = gateway.store.setups().get(&params.setup_id).await.map_err(store_failed)?;
    Reply::json(&match setup.as_ref().and_then(outcome) {
        Some((true, payload)) => json!({"completion": payload}),
        Some((false, payload)) => json!({"deliveryUncertain": payload}),
        None => json!({}),
    })
}

/// Whether the device has its token, and what is told of it.
pub(crate) fn outcome(setup: &Setup) -> Option<(bool, Value)> {
    let outcome = setup.outcome.as_ref()?;
    let mut payload = json!({
        "setupId": setup.id,
        "deviceId": outcome.device_id,
        "access": Level::parse(&setup.access).unwrap_or(Level::Node).label(),
        "ts": outcome.at,
    });
    if let Some(name) = outcome.device_name.as_deref().filter(|name| !name.is_empty()) {
        payload["deviceName"] = name.into();
    }
    Some((outcome.delivered, payload))
}

/// 256 random bits.
fn fresh() -> Result<String, ErrorShape> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| ErrorShape::unavailable(format!("no random numbers: {error}; try again")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Points per module of the picture, and white modules around it.
const SCALE: usize = 4;
const MARGIN: usize = 4;

/// The code as a QR picture: a PNG in a data URL.
fn picture(code: &str) -> Result<String, ErrorShape> {
    let failed = |error: String| ErrorShape::unavailable(format!("the QR code could not be drawn: {error}"));
    let qr = qrcode::QrCode::with_error_correction_level(code, qrcode::EcLevel::M)
        .map_err(|error| failed(error.to_string()))?;
    let width = qr.width();
    let side = (width + 2 * MARGIN) * SCALE;
    let colors = qr.to_colors();
    let row_bytes = side.div_ceil(8);
    let mut points = vec![0xff_u8; row_bytes * side];
    for (at, _) in colors.iter().enumerate().filter(|(_, color)| **color == qrcode::Color::Dark) {
        let (x, y) = ((at % width + MARGIN) * SCALE, (at / width + MARGIN) * SCALE);
        for row in y..y + SCALE {
            for column in x..x + SCALE {
                points[row * row_bytes + column / 8] &= !(0x80 >> (column % 8));
            }
        }
    }
    let mut file = Vec::new();
    let side = u32::try_from(side).map_err(|error| failed(error.to_string()))?;
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().map_err(|error| failed(error.to_string()))?;
    writer.write_image_data(&points).map_err(|error| failed(error.to_string()))?;
    writer.finish().map_err(|error| failed(error.to_string()))?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(file)))
}

/// A doorway that nobody on the way can listen to.
impl Doorway {
    fn is_private(&self) -> bool {
        self.url.starts_with("wss:") || self.loopback
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_fits_into_what_clients_take() {
        let code = "x".repeat(260);
        let url = picture(&code).unwrap();
        assert!(url.starts_with("data:image/png;base64,") && url.len() <= 16_384, "{}", url.len());
    }
}
