//! `hooks.status`: folders with a `HOOK.md`, which another program would run. Here they are only told of: their code is
//! JavaScript, and this gateway runs none.

use std::path::Path;
use std::sync::Arc;

use bulkhead_agent::skills::{Manifest, Requirements};
use bulkhead_agent::workspace::Workspace;
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::hooks::{HookStatus, HooksStatusParams, HooksStatusResult};
use bulkhead_server::Reply;
use serde_json::json;

use super::{Call, agents};
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "hooks.status" => status,
};

/// The file that makes a folder a hook.
const FILE: &str = "HOOK.md";
/// Its code, one of these.
const HANDLERS: [&str; 4] = ["handler.ts", "handler.js", "index.ts", "index.js"];
/// Folders of one place that are looked into.
const MOST: usize = 200;
/// The largest `HOOK.md`, in bytes.
const LARGEST: u64 = 256 * 1024;
/// Why none of them runs, and what to do instead.
const WHY: &str = "its handler is JavaScript, which this gateway does not run; use a job (`bulkhead cron`), a webhook or a \
                   skill instead";

/// What lies in the places of an agent.
pub(super) async fn status(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: HooksStatusParams = call.params()?;
    let settings = gateway.settings.now();
    let id = params.agent_id.as_deref().map_or_else(|| settings.default_agent(), str::trim);
    let agent = settings.agent(id).ok_or_else(|| agents::unknown(id))?;
    let managed = gateway.place.state_dir().join("hooks");
    let places =
        [(agent.workspace.join("hooks"), "openclaw-workspace"), (managed.clone(), "openclaw-managed")];
    let hooks = tokio::task::spawn_blocking(move || {
        places.iter().flat_map(|(place, source)| look(place, source)).collect()
    })
    .await
    .map_err(|_| ErrorShape::unavailable("looking for hooks was interrupted; try again"))?;
    Reply::json(&HooksStatusResult {
        workspace_dir: agent.workspace.display().to_string(),
        managed_hooks_dir: managed.display().to_string(),
        hooks,
    })
}

/// The hooks of one place. What cannot be read is none.
fn look(place: &Path, source: &str) -> Vec<HookStatus> {
    let Ok(opened) = Workspace::open(place, &[]) else { return Vec::new() };
    let Ok((entries, _)) = opened.entries(".", 0, MOST) else { return Vec::new() };
    let read = |folder: &str| {
        let bytes = opened.read(&format!("{folder}/{FILE}"), LARGEST).ok()?;
        let manifest = Manifest::parse(&String::from_utf8(bytes).ok()?).ok()?;
        let base = opened.root().join(folder);
        let handler = HANDLERS.iter().map(|name| base.join(name)).find(|path| path.is_file());
        Some(told(folder, &base, &handler.unwrap_or_default(), manifest, source))
    };
    entries.iter().filter(|entry| entry.folder).filter_map(|entry| read(&entry.name)).collect()
}

fn told(folder: &str, base: &Path, handler: &Path, manifest: Manifest, source: &str) -> HookStatus {
    let name = manifest.name.unwrap_or_else(|| folder.to_owned());
    HookStatus {
        hook_key: manifest.skill_key.unwrap_or_else(|| name.clone()),
        name,
        description: manifest.description,
        source: source.to_owned(),
        file_path: base.join(FILE).display().to_string(),
        base_dir: base.display().to_string(),
        handler_path: handler.display().to_string(),
        emoji: manifest.emoji,
        homepage: manifest.homepage,
        events: manifest.events,
        unknown_events: Vec::new(),
        always: manifest.always,
        enabled_by_config: false,
        requirements_satisfied: false,
        loadable: false,
        blocked_reason: WHY.to_owned(),
        managed_by_plugin: false,
        requirements: json!(manifest.requirements),
        missing: json!(Requirements::default()),
        config_checks: Vec::new(),
        install: Vec::new(),
    }
}
