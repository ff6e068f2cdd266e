//! The configuration of a profile as the plan wants it. Keys that the plan does not speak of stay as they are.

use bulkhead_config::{ConfigDocument, ConfigError, ConfigPath, SecretInput, SecretRef};
use bulkhead_secrets::SecretId;
use serde_json::{Value, json};

use super::secrets::keeps_own_token;
use crate::plan::{Plan, SecretsPlan};
use crate::target::{ModelTarget, Target};

/// What goes into the file.
pub(super) struct Wanted<'w> {
    pub(super) plan: &'w Plan,
    pub(super) model: Option<&'w ModelTarget<'w>>,
    pub(super) target: &'w Target<'w>,
    pub(super) port: u16,
    /// The other one of main and rescue, where there are both.
    pub(super) counterpart: Option<&'static str>,
}

impl Wanted<'_> {
    /// A file from nothing.
    pub(super) fn new_document(&self) -> Result<ConfigDocument, ConfigError> {
        let head = format!(
            "// Bulkhead: configuration of the profile `{}` (JSON5).\n\
             // Edit it freely: comments and keys that Bulkhead does not know are kept.\n\
             // No secret belongs in here: a field with `source` and `id` says where one is kept.\n{{}}\n",
            self.target.name()
        );
        let path = self.target.place.config_path().display().to_string();
        let text = match &self.target.plan.brought {
            Some(brought) => head.replace("{}\n", &format!("{:#}\n", brought.config)),
            None => head,
        };
        let mut document = ConfigDocument::parse(&path, &text)?;
        self.apply(&mut document)?;
        Ok(document)
    }

    /// The changes in a file that is there.
    pub(super) fn apply(&self, document: &mut ConfigDocument) -> Result<(), ConfigError> {
        self.gateway(document)?;
        self.workspace(document)?;
        self.model(document)?;
        self.telegram(document)?;
        self.watched(document)?;
        if let Some(secrets) = self.plan.secrets {
            default(document, "secrets.default", secrets.source().as_str().into())?;
        }
        Ok(())
    }

    fn gateway(&self, document: &mut ConfigDocument) -> Result<(), ConfigError> {
        document.set("gateway.mode", "local".into())?;
        document.set("gateway.port", self.port.into())?;
        match &self.target.plan.bind {
            Some(bind) => document.set("gateway.bind", bind.as_str().into())?,
            None => default(document, "gateway.bind", "loopback".into())?,
        }
        default(document, "gateway.auth.mode", "token".into())?;
        let given = self.target.plan.gateway_token.is_some();
        if let Some(secrets) = self.plan.secrets
            && (given || !keeps_own_token(self.target))
        {
            let existing = self.target.existing.config.gateway.auth.token.as_ref();
            reference(document, "gateway.auth.token", existing, given, secrets, &SecretId::gateway_token())?;
        }
        Ok(())
    }

    fn workspace(&self, document: &mut ConfigDocument) -> Result<(), ConfigError> {
        let workspace: Value = self.target.workspace.display().to_string().into();
        if self.target.plan.workspace.is_some() {
            document.set("agents.defaults.workspace", workspace)
        } else {
            default(document, "agents.defaults.workspace", workspace)
        }
    }

    fn model(&self, document: &mut ConfigDocument) -> Result<(), ConfigError> {
        let Some(model) = self.model else { return Ok(()) };
        let provider = ConfigPath::root().key("models").key("providers").key(&model.plan.provider);
        document.set_at(&provider.key("baseUrl"), model.base_url.as_str().into())?;
        document.set_at(&provider.key("api"), model.api.as_str().into())?;
        if let (Some(secrets), true) = (self.plan.secrets, model.plan.api_key.is_some()) {
            let id = SecretId::model_api_key(&model.plan.provider);
            let reference = SecretRef::new(secrets.source(), id.as_str()).to_value();
            document.set_at(&provider.key("apiKey"), reference)?;
        }
        if let Some(proxy) = &self.target.plan.proxy {
            document.set_at(&provider.key("proxy"), proxy.as_str().into())?;
        }
        let models = provider.key("models");
        let listed = document.get_at(&models).and_then(|value| value.as_array().cloned()).unwrap_or_default();
        if !listed.iter().any(|entry| entry.get("id") == Some(&json!(model.plan.model_id))) {
            document.set_at(&models.index(listed.len()), json!({ "id": model.plan.model_id }))?;
        }
        let primary: Value = format!("{}/{}", model.plan.provider, model.plan.model_id).into();
        let choice = ConfigPath::root().key("agents").key("defaults").key("model");
        if document.get_at(&choice).is_some_and(|value| value.is_string()) {
            document.set_at(&choice, primary)
        } else {
            document.set_at(&choice.key("primary"), primary)
        }
    }

    /// The gateway that this profile watches, where it is none of ours.
    fn watched(&self, document: &mut ConfigDocument) -> Result<(), ConfigError> {
        match self.target.plan.beside.as_ref().and_then(|beside| beside.watched.clone()) {
            Some(main) => document.set("rescue.main", main)?,
            None => self.counterpart(document)?,
        }
        self.operators(document)
    }

    /// Main and rescue watch each other: a dead rescue that is found only when it is needed is worthless.
    fn counterpart(&self, document: &mut ConfigDocument) -> Result<(), ConfigError> {
        let named = |path: &str| document.get(path).ok().flatten().is_some_and(|value| !value.is_null());
        match self.counterpart {
            Some(other) if !named("rescue.watch") && !named("rescue.main") => {
                document.set("rescue.watch", other.into())
            }
            _ => Ok(()),
        }
    }

    /// Who may repair: only those whom the plan names, besides those whom the file names already.
    fn operators(&self, document: &mut ConfigDocument) -> Result<(), ConfigError> {
        let mut operators = self.target.existing.config.rescue.operators.clone();
        let before = operators.len();
        for id in &self.plan.rescue_operators {
            if !operators.contains(id) {
                operators.push(id.clone());
            }
        }
        if operators.len() == before {
            return Ok(());
        }
        document.set("rescue.operators", operators.into())
    }

    fn telegram(&self, document: &mut ConfigDocument) -> Result<(), ConfigError> {
        let Some(telegram) = &self.target.plan.telegram else { return Ok(()) };
        document.set("channels.telegram.enabled", true.into())?;
        if let Some(secrets) = self.plan.secrets {
            let id = SecretId::telegram_bot_token();
            document.set(
                "channels.telegram.botToken",
                SecretRef::new(secrets.source(), id.as_str()).to_value(),
            )?;
        }
        default(document, "channels.telegram.dmPolicy", "pairing".into())?;
        match &telegram.api_root {
            Some(root) => document.set("channels.telegram.apiRoot", root.as_str().into())?,
            // A new token is for Telegram's own server unless the plan says otherwise.
            None => drop(document.unset("channels.telegram.apiRoot")?),
        }
        match &self.target.plan.proxy {
            Some(proxy) => document.set("channels.telegram.proxy", proxy.as_str().into()),
            None => Ok(()),
        }
    }
}

/// Sets what is not there.
fn default(document: &mut ConfigDocument, path: &str, value: Value) -> Result<(), ConfigError> {
    match document.get(path)? {
        None | Some(Value::Null) => document.set(path, value),
        Some(_) => Ok(()),
    }
}

/// A reference to where the secret is: the one that is there, unless the secret was given anew.
fn reference(
    document: &mut ConfigDocument,
    path: &str,
    existing: Option<&SecretInput>,
    given: bool,
    secrets: SecretsPlan,
    id: &SecretId,
) -> Result<(), ConfigError> {
    if !given && existing.is_some() {
        return Ok(());
    }
    document.set(path, SecretRef::new(secrets.source(), id.as_str()).to_value())
}
