//! What follows from the answers. Pure.

use serde_json::{Value, json};

/// What is to be different. Nothing stands for what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) model: Option<String>,
    pub(crate) fallbacks: Option<Vec<String>>,
    pub(crate) agent_name: Option<String>,
    pub(crate) policy: Option<&'static str>,
    pub(crate) allow_from: Option<Vec<String>>,
    pub(crate) heartbeat: Option<String>,
}

impl Changes {
    /// Where each change goes, but for the agent's name: path and value.
    pub(crate) fn places(&self, model_has_object: bool) -> Vec<(&'static str, Value)> {
        let mut places = Vec::new();
        if let (Some(list), false) = (&self.fallbacks, model_has_object) {
            // A model that is only a name has no place for fallbacks.
            let mut whole = json!({"fallbacks": list});
            if let Some(model) = &self.model {
                whole["primary"] = model.as_str().into();
            }
            places.push(("agents.defaults.model", whole));
        } else {
            if let Some(model) = &self.model {
                let path =
                    if model_has_object { "agents.defaults.model.primary" } else { "agents.defaults.model" };
                places.push((path, model.as_str().into()));
            }
            if let Some(list) = &self.fallbacks {
                places.push(("agents.defaults.model.fallbacks", list.clone().into()));
            }
        }
        if let Some(policy) = self.policy {
            places.push(("channels.telegram.dmPolicy", policy.into()));
        }
        if let Some(list) = &self.allow_from {
            places.push(("channels.telegram.allowFrom", list.clone().into()));
        }
        if let Some(every) = &self.heartbeat {
            places.push(("agents.defaults.heartbeat.every", every.as_str().into()));
        }
        places
    }
}
