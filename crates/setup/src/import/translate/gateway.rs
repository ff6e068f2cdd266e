//! `gateway`: a port of its own, and the secrets that clients know.

use bulkhead_secrets::SecretId;
use serde_json::Value;

use super::Draft;
use crate::import::line::{ImportArea, ImportLine};

impl Draft<'_, '_> {
    pub(super) fn gateway(&mut self) {
        let same_port = self.terms.same_port;
        let gateway = self.config.entry("gateway").or_insert_with(|| Value::Object(serde_json::Map::new()));
        let Some(gateway) = gateway.as_object_mut() else { return };
        let port = gateway.remove("port");
        let mode = gateway.remove("mode");
        let remote = gateway.remove("remote");
        let mut auth = gateway.remove("auth");
        if !same_port {
            let theirs = port.map_or_else(|| "the port of the rule".to_owned(), |port| port.to_string());
            self.say(ImportLine::changed(
                ImportArea::Ports,
                "gateway.port",
                format!("{theirs} stays OpenClaw's; the profile gets a free interval of its own."),
            ));
        }
        if mode.as_ref().and_then(Value::as_str) == Some("remote") || remote.is_some() {
            self.say(
                ImportLine::skipped(
                    ImportArea::Config,
                    "gateway.remote",
                    "A gateway on another machine. The profile gets a gateway of its own here.",
                )
                .then("to watch the remote one instead, set rescue.main of a rescue profile"),
            );
        }
        self.auth(auth.as_mut().and_then(Value::as_object_mut));
        if let (Some(auth), Some(gateway)) = (
            auth.filter(|auth| auth.as_object().is_some_and(|auth| !auth.is_empty())),
            self.section("gateway"),
        ) {
            gateway.insert("auth".to_owned(), auth);
        }
    }

    fn auth(&mut self, auth: Option<&mut serde_json::Map<String, Value>>) {
        let mut none = serde_json::Map::new();
        let auth = auth.unwrap_or(&mut none);
        if let Some(mode) = auth.get("mode").and_then(Value::as_str).map(str::to_owned)
            && !["token", "password", "none"].contains(&mode.as_str())
        {
            auth.insert("mode".to_owned(), "token".into());
            self.handled.insert("gateway.auth.mode".to_owned());
            self.say(
                ImportLine::changed(
                    ImportArea::Config,
                    "gateway.auth.mode",
                    format!("\"{mode}\" became \"token\": Bulkhead has no such mode."),
                )
                .then("give clients the token; show it with: bulkhead dashboard --no-open"),
            );
        }
        let fields = [
            ("token", SecretId::gateway_token(), "OPENCLAW_GATEWAY_TOKEN"),
            ("password", SecretId::gateway_password(), "OPENCLAW_GATEWAY_PASSWORD"),
        ];
        for (key, id, variable) in fields {
            let item = format!("gateway.auth.{key}");
            let given = auth.remove(key).or_else(|| {
                self.terms
                    .credentials
                    .variables
                    .of_openclaw(variable)
                    .map(|_| Value::from(format!("${{{variable}}}")))
            });
            if let Some(reference) = given.and_then(|input| self.secret(&item, &input, id)) {
                auth.insert(key.to_owned(), reference);
            }
        }
    }
}
