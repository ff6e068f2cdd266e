//! `bulkhead dashboard`: the web UI, logged in by the token behind the `#`, which no server ever sees.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::json;
use zeroize::Zeroizing;

use super::DONE;
use crate::asking;
use crate::context::{Context, base_port};
use crate::error::Failure;
use crate::grammar::simple::DashboardArgs;
use crate::http;

pub fn run(args: &DashboardArgs, context: &Context) -> Result<u8, Failure> {
    let place = context.place()?;
    let (port, _) = base_port(&place, &context.env)?;
    let token = context.block_on(async { Ok(asking::own_token(context, &place).await?) })?;
    let config = crate::context::config(&place)?.config;
    let base = config.gateway.control_ui.base_path.unwrap_or_default();
    let base = base.trim_matches('/');
    let plain = if base.is_empty() {
        format!("http://127.0.0.1:{port}/")
    } else {
        format!("http://127.0.0.1:{port}/{base}/")
    };
    let mut url = Zeroizing::new(plain.clone());
    if let Some(token) = &token {
        url.push_str("#token=");
        url.extend(url::form_urlencoded::byte_serialize(token.expose_secret().as_bytes()));
    }
    if args.no_open {
        context.out.result(&json!({ "ok": true, "url": url.as_str(), "opened": false }), || url.to_string());
        return Ok(DONE);
    }
    if http::get(port, "/healthz", Duration::from_secs(1)).is_err() {
        return Err(Failure::failed(
            "gateway.not-running",
            format!(
                "no gateway of profile {} answers on port {port}: expected it to run, because it serves the web UI; start it with `bulkhead --profile {} gateway`, then try again",
                place.name(),
                place.name()
            ),
        ));
    }
    // The opener's own error would quote the address with the token.
    open::that_detached(url.as_str()).map_err(|error| {
        Failure::failed(
            "dashboard.no-browser",
            format!(
                "no browser could be opened ({}): print the address with `bulkhead dashboard --no-open`",
                error.kind()
            ),
        )
    })?;
    context.out.result(&json!({ "ok": true, "url": plain, "opened": true }), || format!("Opened {plain}"));
    Ok(DONE)
}
