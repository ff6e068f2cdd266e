//! `skills.*`: what agents can read up on.

use std::sync::Arc;

use bulkhead_agent::skills::report;
use bulkhead_config::{ConfigError, ConfigStore, IssueSeverity, check_remote_change, validate_document};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::skills::{SkillsStatusParams, SkillsUpdateParams};
use bulkhead_server::Reply;
use serde_json::json;

use super::{Call, agents};
use crate::gateway::Gateway;
use crate::settings::{AgentView, Settings};
use crate::skills::Machine;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "skills.status" => status,
    "skills.update" => update,
};

fn agent_of(params: &SkillsStatusParams, settings: &Settings) -> Result<AgentView, ErrorShape> {
    let by_session = params.session_key.as_deref().and_then(crate::sessions::agent_of);
    let id = params.agent_id.as_deref().or(by_session).unwrap_or_else(|| settings.default_agent());
    settings.agent(id).ok_or_else(|| agents::unknown(id))
}

/// Every skill with what it needs and whether that is here.
async fn status(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SkillsStatusParams = call.params()?;
    let settings = gateway.settings.now();
    let agent = agent_of(&params, &settings)?;
    let shelf = gateway.shelf(&settings, &agent).await;
    let rules = gateway.skill_rules(&settings, &agent.id).await;
    let managed = gateway.place.state_dir().join("skills");
    let told = tokio::task::spawn_blocking(move || {
        report(&shelf, &rules, &Machine, &agent.id, &agent.workspace, &managed)
    });
    let told = told
        .await
        .map_err(|_| ErrorShape::unavailable("looking at the skills was interrupted; try again"))?;
    Reply::json(&told)
}

/// Switches a skill on or off. Keys and variables are set on the machine itself.
async fn update(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: SkillsUpdateParams = call.params()?;
    let key = params.check()?.to_owned();
    let Some(enabled) = params.enabled else {
        return Err(ErrorShape::invalid_request(
            "skills.update: found nothing to change, expected enabled; a skill's variables are set on the machine itself, as \
             references to secrets: `bulkhead config set skills.entries.<key>.env.<NAME> …`",
        ));
    };
    let patch = json!({"skills": {"entries": {key.as_str(): {"enabled": enabled}}}});
    let _one_at_a_time = gateway.config_writes.lock().await;
    let store = ConfigStore::new(&gateway.place);
    tokio::task::spawn_blocking(move || -> Result<(), ConfigError> {
        let loaded = store.load_current()?;
        let before = loaded.document.value();
        let mut document = loaded.document;
        document.merge_patch(&patch)?;
        check_remote_change(&before, &document.value())?;
        let issues = validate_document(&document);
        if issues.iter().any(|issue| issue.severity == IssueSeverity::Error) {
            return Err(ConfigError::Invalid { file: store.path().display().to_string(), issues });
        }
        store.write(&document, Some(&loaded.hash)).map(drop)
    })
    .await
    .map_err(|_| ErrorShape::unavailable("writing the configuration was interrupted; read it again"))?
    .map_err(|error| ErrorShape::invalid_request(error.to_string()))?;
    gateway.reload().await;
    gateway.events.skills_changed("config");
    Reply::json(&json!({"ok": true, "skillKey": key, "config": {"enabled": enabled}}))
}
