//! `bulkhead qr`: a code that lets one phone in.

use qrcode::render::unicode::Dense1x2;
use serde_json::{Value, json};

use super::DONE;
use super::devices::call;
use crate::asking;
use crate::context::Context;
use crate::error::Failure;
use crate::grammar::devices::QrArgs;
use crate::grammar::gateway::Target;

pub fn run(args: &QrArgs, context: &Context) -> Result<u8, Failure> {
    let mut params = json!({"includeQr": false});
    if let Some(url) = &args.url {
        params["publicUrl"] = url.as_str().into();
    }
    if args.remote {
        params["preferRemoteUrl"] = true.into();
    }
    let profile = match (args.limited, args.node, args.voice_node) {
        (true, ..) => Some("limited"),
        (_, true, _) => Some("node"),
        (.., true) => Some("voice-node"),
        _ => None,
    };
    if let Some(profile) = profile {
        params["bootstrapProfile"] = profile.into();
    }
    let answer = context.block_on(async {
        let door = asking::door(context, &Target::default()).await?;
        call(&door, "device.pair.setupCode", params).await
    })?;
    let code = answer["setupCode"].as_str().unwrap_or_default().to_owned();
    context.out.result(&answer, || {
        if args.setup_code_only { code.clone() } else { text(&answer, &code, !args.no_ascii) }
    });
    Ok(DONE)
}

fn text(answer: &Value, code: &str, picture: bool) -> String {
    let mut parts = Vec::new();
    if picture && let Ok(qr) = qrcode::QrCode::new(code) {
        // Dark on light, whatever the terminal's colours: scanners want it that way.
        let drawn = qr.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
        parts.push(drawn);
    }
    let gateway = answer["gatewayUrl"].as_str().unwrap_or_default();
    let access = match answer["access"].as_str() {
        Some("full") => "full access",
        Some("limited") => "access without the right to change the gateway",
        _ => "as a node",
    };
    parts.push(format!("Setup code: {code}"));
    parts.push(format!("For {gateway}, {access}. It lets one device in, once, within ten minutes."));
    if answer["accessDowngraded"] == true {
        parts.push(
            "The address is not encrypted, so the code gives no right to change the gateway; use a wss:// address for that."
                .to_owned(),
        );
    }
    parts.push("In the app: scan it, or paste the code. Keep it to yourself until then.".to_owned());
    parts.join("\n\n")
}
