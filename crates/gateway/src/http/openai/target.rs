//! Who is asked, in which conversation, with which model: by model name, headers and `user`. Pure.

use axum::http::HeaderMap;

use crate::sessions::resolve;
use crate::settings::{ModelRef, Settings};

/// Namespaces of conversations that the gateway keeps for itself.
const RESERVED: &[&str] = &["subagent:", "cron:", "acp:"];

/// What a request is addressed to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) agent_id: String,
    pub(super) session_key: String,
    /// Another model than the agent's.
    pub(super) model: Option<ModelRef>,
}

/// The agent that a model name asks for; `None` is the default agent.
pub(super) fn agent_of_model(model: &str) -> Result<Option<&str>, String> {
    let name = model.trim();
    for prefix in ["bulkhead", "openclaw"] {
        if name == prefix || name.is_empty() {
            return Ok(None);
        }
        if let Some(agent) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(['/', ':'])) {
            return Ok((agent != "default").then_some(agent));
        }
    }
    if let Some(agent) = name.strip_prefix("agent:").filter(|agent| !agent.is_empty()) {
        return Ok(Some(agent));
    }
    Err(format!(
        "`model` is {name:?}, expected \"openclaw\", \"bulkhead\" or \"openclaw/<agent>\"; GET /v1/models lists them"
    ))
}

/// A header by its name of ours, else by OpenClaw's.
pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers
        .get(format!("x-bulkhead-{name}"))
        .or_else(|| headers.get(format!("x-openclaw-{name}")))?
        .to_str()
        .ok()?
        .trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Reads the address of a request. `fresh` names the conversation of a request that belongs to none.
pub(super) fn target(
    settings: &Settings,
    model: &str,
    headers: &HeaderMap,
    user: Option<&str>,
    fresh: &str,
) -> Result<Target, String> {
    let by_model = agent_of_model(model)?;
    let agent = header(headers, "agent-id").or_else(|| by_model.map(str::to_owned));
    let key = match header(headers, "session-key") {
        Some(key) if is_reserved(&key) => {
            return Err(format!(
                "x-openclaw-session-key is {key:?}: conversations of {} belong to the gateway; choose a key of your own",
                RESERVED.join(", ")
            ));
        }
        Some(key) => key,
        None => match user.map(str::trim).filter(|user| !user.is_empty()) {
            Some(user) => format!("openai-user:{user}"),
            None => format!("openai:{fresh}"),
        },
    };
    let (session_key, agent_id) =
        resolve(settings, Some(&key), agent.as_deref()).map_err(|error| error.message)?;
    let model = header(headers, "model").map(|name| model_named(settings, &name)).transpose()?;
    Ok(Target { agent_id, session_key, model })
}

fn is_reserved(key: &str) -> bool {
    let own = match key.strip_prefix("agent:") {
        Some(rest) => rest.split_once(':').map_or("", |(_, own)| own),
        None => key,
    };
    RESERVED.iter().any(|name| own.starts_with(name))
}

/// `provider/model`, or a model's id alone if one provider lists it.
pub(super) fn model_named(settings: &Settings, name: &str) -> Result<ModelRef, String> {
    let listed = |which: &ModelRef| settings.provider(&which.provider).is_some();
    ModelRef::parse(name)
        .filter(listed)
        .or_else(|| {
            let providers = &settings.config.models.providers;
            let (provider, _) =
                providers.iter().find(|(_, entry)| entry.models.iter().any(|model| model.id == name))?;
            Some(ModelRef { provider: provider.clone(), model: name.to_owned() })
        })
        .ok_or_else(|| {
            format!(
                "x-openclaw-model is {name:?}: expected provider/model with a provider of models.providers, or the id of \
                 a model that one of them lists"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_chosen_by_model_and_strangers_are_told() {
        assert_eq!(agent_of_model("bulkhead/ops"), Ok(Some("ops")));
        assert_eq!(agent_of_model("openclaw:main"), Ok(Some("main")));
        assert_eq!(agent_of_model("agent:main"), Ok(Some("main")));
        assert_eq!(agent_of_model("openclaw/default"), Ok(None));
        assert_eq!(agent_of_model(""), Ok(None));
        assert!(agent_of_model("gpt-4").unwrap_err().contains("gpt-4"));
    }

    #[test]
    fn conversations_of_the_gateway_itself_are_reserved() {
        for key in ["cron:x", "subagent:1", "agent:main:acp:7"] {
            assert!(is_reserved(key), "{key}");
        }
        for key in ["mine", "agent:main:mine", "agent:cron:main"] {
            assert!(!is_reserved(key), "{key}");
        }
    }
}
