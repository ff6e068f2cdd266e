//! Telling whoever sits at this machine: the app hears the event `rescue.incident` and shows a notification.

use std::sync::Weak;

use async_trait::async_trait;
use bulkhead_rescue::{Message, MessageRef, Recipient, TellError, Teller};
use serde_json::json;

use crate::clock;
use crate::gateway::Gateway;

/// As the engine knows this way.
const NAME: &str = "app";

/// Every connection that may read.
pub(super) struct AppTeller {
    gateway: Weak<Gateway>,
}

impl AppTeller {
    pub(super) fn new(gateway: Weak<Gateway>) -> Self {
        Self { gateway }
    }
}

#[async_trait]
impl Teller for AppTeller {
    fn name(&self) -> &str {
        NAME
    }

    fn recipients(&self) -> Vec<Recipient> {
        vec![Recipient { teller: NAME.to_owned(), operator: "local".to_owned() }]
    }

    /// What buttons carry is not told: whoever has the right uses `rescue.remedy`.
    async fn tell(
        &self,
        _to: &Recipient,
        message: &Message,
        existing: Option<&MessageRef>,
    ) -> Result<MessageRef, TellError> {
        let nobody =
            || TellError::Later { why: "no app is connected to this gateway".to_owned(), after: None };
        let gateway = self.gateway.upgrade().ok_or_else(nobody)?;
        let remedies: Vec<&str> =
            message.buttons.iter().flatten().map(|button| button.remedy.as_str()).collect();
        let payload = json!({
            "event": "notice",
            "incident": message.incident,
            "kind": message.kind,
            "severity": message.severity,
            "title": message.title,
            "text": message.text,
            "remedies": remedies,
            "update": existing.is_some(),
            "silent": message.silent,
            "notify": gateway.settings.now().config.rescue.notify.desktop,
            "ts": clock::now_ms(),
        });
        if !gateway.events.rescue_incident(&payload) {
            return Err(nobody());
        }
        Ok(MessageRef(format!("{NAME}/{}", message.incident)))
    }
}
