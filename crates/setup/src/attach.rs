//! Keeping an installed OpenClaw as the main gateway, and making only the profile that watches it.

use bulkhead_profile::openclaw::OpenClawInstall;
use bulkhead_profile::{Finding, files};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::event::error;
use crate::import::source;
use crate::plan::{Beside, Plan};
use crate::world::World;

/// The gateway that a rescue profile watches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MainPlan {
    /// What runs it.
    pub kind: MainKind,
    /// Its state directory or configuration file; none means the only one on this machine.
    #[serde(default)]
    pub from: Option<String>,
    /// Its service; none means the one that it installs by rule, if that is there.
    #[serde(default)]
    pub unit: Option<String>,
    /// Its address; none means its own port on this machine.
    #[serde(default)]
    pub url: Option<String>,
}

/// What runs a watched gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum MainKind {
    /// An installed OpenClaw.
    #[serde(rename = "openclaw")]
    OpenClaw,
}

/// What the profile has to know of the OpenClaw that it watches.
pub(crate) fn beside(plan: &Plan, main: &MainPlan, world: &World) -> Result<Beside, Finding> {
    let [profile] = plan.profiles.as_slice() else {
        return Err(error(
            "attach-one-profile",
            &[],
            "plan.profiles",
            format!("{} profiles", plan.profiles.len()),
            "exactly one: the profile that watches",
            "leave only the rescue profile in the plan",
        ));
    };
    if profile.name == bulkhead_profile::MAIN {
        return Err(error(
            "attach-into-main",
            &[profile.name.as_str()],
            "profile main",
            "the main profile, while an OpenClaw stays main",
            "another profile, such as rescue",
            "name it: bulkhead --profile rescue onboard --rescue-for openclaw",
        ));
    }
    let install = match main.kind {
        MainKind::OpenClaw => source::find(main.from.as_deref(), world)?,
    };
    let watched = watched(main, &install, world);
    Ok(Beside { install, take_over: false, watched: Some(watched) })
}

fn watched(main: &MainPlan, install: &OpenClawInstall, world: &World) -> Value {
    let mut said = Map::new();
    said.insert("kind".to_owned(), "openclaw".into());
    said.insert("configPath".to_owned(), json!(files::canonical(&install.config_path)));
    said.insert("stateDir".to_owned(), json!(files::canonical(&install.state_dir)));
    let url = main.url.clone().unwrap_or_else(|| format!("ws://127.0.0.1:{}", install.base_port));
    said.insert("url".to_owned(), url.into());
    let unit = main.unit.clone().or_else(|| installed_unit(install, world));
    if let Some(unit) = unit {
        said.insert("unit".to_owned(), unit.into());
    }
    Value::Object(said)
}

/// The name under which OpenClaw installs the service of a profile.
fn unit_of(profile: Option<&str>) -> String {
    let named = |default: &str, of: &dyn Fn(&str) -> String| profile.map_or_else(|| default.to_owned(), of);
    if cfg!(target_os = "macos") {
        named("ai.openclaw.gateway", &|profile| format!("ai.openclaw.{profile}"))
    } else if cfg!(windows) {
        named("OpenClaw Gateway", &|profile| format!("OpenClaw Gateway ({profile})"))
    } else {
        named("openclaw-gateway.service", &|profile| format!("openclaw-gateway-{profile}.service"))
    }
}

/// The service by rule, if its file is there.
fn installed_unit(install: &OpenClawInstall, world: &World) -> Option<String> {
    let unit = unit_of(install.profile.as_deref());
    let file = if cfg!(target_os = "macos") {
        world.env.home.join("Library/LaunchAgents").join(format!("{unit}.plist"))
    } else if cfg!(windows) {
        install.state_dir.join("gateway.cmd")
    } else {
        world.env.config_home.join("systemd/user").join(&unit)
    };
    file.exists().then_some(unit)
}
