//! What stands in the register, and what is asked of it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::audit::Finding;
use crate::environment::Environment;
use crate::name::ProfileName;
use crate::openclaw;
use crate::place::Place;
use crate::ports::Ports;
use crate::spacing::ForeignClaim;

/// Who runs a profile's gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The app; its gateways end with it.
    Desktop,
    /// systemd, launchd or the Task Scheduler.
    Service,
    /// Somebody else; we only attach.
    #[default]
    External,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Desktop => "desktop",
            Self::Service => "service",
            Self::External => "external",
        })
    }
}

/// One profile in the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterEntry {
    /// Its name.
    pub name: ProfileName,
    /// Its state directory: what makes it one profile and no other.
    pub state_dir: PathBuf,
    /// Its configuration file.
    pub config_path: PathBuf,
    /// The base of the interval that it claims.
    pub base_port: u16,
    /// Who runs it.
    #[serde(default)]
    pub owner: Owner,
    /// When it was entered, in milliseconds since 1970.
    #[serde(default)]
    pub created_at: u64,
    /// Public ids of its Telegram bots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bot_ids: Vec<u64>,
    /// Fields of a newer version, kept.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The file, with what this version cannot read kept as it is.
#[derive(Default)]
pub(super) struct Content {
    pub(super) entries: Vec<RegisterEntry>,
    unreadable: Vec<Value>,
}

impl Content {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let mut content = Self::default();
        for item in value.get("profiles")?.as_array()? {
            match RegisterEntry::deserialize(item) {
                Ok(entry) if Ports::new(entry.base_port).is_ok() => content.entries.push(entry),
                _ => content.unreadable.push(item.clone()),
            }
        }
        Some(content)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut profiles: Vec<Value> =
            self.entries.iter().filter_map(|entry| serde_json::to_value(entry).ok()).collect();
        profiles.extend(self.unreadable.iter().cloned());
        let mut bytes = serde_json::to_vec_pretty(&serde_json::json!({"version": 1, "profiles": profiles}))
            .unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// What surrounds a new interval: other programs' claims, what listens now, ranges better left alone.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// OpenClaw profiles and the like.
    pub foreign: Vec<ForeignClaim>,
    /// Ports that somebody listens on.
    pub listening: BTreeSet<u16>,
    /// The system's ephemeral and excluded ranges.
    pub avoid: Vec<RangeInclusive<u16>>,
    /// State directories of every `OpenClaw` whose ports are taken over.
    pub taken_over: Vec<PathBuf>,
}

impl Surroundings {
    /// With every OpenClaw found here; what listens and what to avoid comes from the process crate.
    pub fn look(env: &Environment, listening: BTreeSet<u16>, avoid: Vec<RangeInclusive<u16>>) -> Self {
        let foreign = openclaw::detect(env).iter().flat_map(openclaw::OpenClawInstall::claims).collect();
        Self { foreign, listening, avoid, taken_over: Vec::new() }
    }

    /// The same beside one OpenClaw more, wherever it lies.
    #[must_use]
    pub fn beside(mut self, install: &openclaw::OpenClawInstall) -> Self {
        self.foreign.extend(install.claims());
        self
    }

    /// The same without an OpenClaw whose ports are taken over.
    #[must_use]
    pub fn taking_over(mut self, install: &openclaw::OpenClawInstall) -> Self {
        self.foreign.retain(|claim| claim.label != install.label());
        self.taken_over.push(install.state_dir.clone());
        self
    }
}

/// What is asked of the register when a profile is created or its port changed.
#[derive(Debug, Clone)]
pub struct ClaimRequest<'a> {
    /// The profile's place.
    pub place: &'a Place,
    /// A base port that somebody named; `None` keeps the present claim or takes a free interval.
    pub base_port: Option<u16>,
    /// Who runs it; `None` keeps what is registered (a new one is external).
    pub owner: Option<Owner>,
}

/// What the register answered.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The entry as it stands now.
    pub entry: RegisterEntry,
    /// Findings that do not refuse, for example an overlap that the seeds allow.
    pub warnings: Vec<Finding>,
    /// Whether the entry is new.
    pub created: bool,
}
