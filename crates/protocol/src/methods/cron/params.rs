//! Parameters of the methods.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    CronDelivery, CronFailureAlert, CronOwner, CronPayload, CronSchedule, DeliveryStatus, RunStatusWord,
    SessionTarget, WakeMode,
};

/// Parameters of `cron.add`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronAddParams {
    /// Name.
    pub name: String,
    /// Made again under this key, it is the same job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration_key: Option<String>,
    /// Name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<CronOwner>,
    /// Agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// On, unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Gone once it succeeded; the default of one-shots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after_run: Option<bool>,
    /// When.
    pub schedule: CronSchedule,
    /// Not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pacing: Option<Value>,
    /// Not served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Value>,
    /// In which conversation.
    pub session_target: SessionTarget,
    /// Whether it is told at once.
    pub wake_mode: WakeMode,
    /// What.
    pub payload: CronPayload,
    /// Where the outcome goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<CronDelivery>,
    /// When failures are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_alert: Option<CronFailureAlert>,
}

/// Parameters of `cron.update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronUpdateParams {
    /// Which job.
    #[serde(alias = "jobId")]
    pub id: String,
    /// Fields to change; `null` takes one away.
    pub patch: Map<String, Value>,
    /// Only if the job is still this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_config_revision: Option<String>,
}

/// Parameters that only name a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronIdParams {
    /// Which job.
    #[serde(alias = "jobId")]
    pub id: String,
}

/// `cron.run` `mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CronRunMode {
    /// In any case.
    #[default]
    Force,
    /// If its time has come.
    Due,
    /// Unless it is off.
    IfEnabled,
}

/// Parameters of `cron.run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronRunParams {
    /// Which job.
    #[serde(alias = "jobId")]
    pub id: String,
    /// When.
    #[serde(default)]
    pub mode: CronRunMode,
    /// Only by this process of the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_process_instance_id: Option<String>,
}

/// Parameters of `cron.list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CronListParams {
    /// Those that are off too.
    pub include_disabled: bool,
    /// Most jobs.
    pub limit: Option<usize>,
    /// Leave out so many.
    pub offset: usize,
    /// Text in name, description or id.
    pub query: Option<String>,
    /// `all`, `enabled` or `disabled`.
    pub enabled: Option<String>,
    /// `all`, `at`, `every` or `cron`.
    pub schedule_kind: Option<String>,
    /// `all`, `ok`, `error`, `skipped` or `unknown`.
    pub last_run_status: Option<String>,
    /// `all`, `conditional` or `unconditional`.
    pub trigger: Option<String>,
    /// `nextRunAtMs`, `updatedAtMs` or `name`.
    pub sort_by: Option<String>,
    /// `asc` or `desc`.
    pub sort_dir: Option<String>,
    /// Only this agent's.
    pub agent_id: Option<String>,
    /// Short rows.
    pub compact: bool,
    /// Say where outcomes would go.
    pub include_delivery_previews: Option<bool>,
}

/// Parameters of `cron.runs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CronRunsParams {
    /// Only this agent's jobs.
    pub agent_id: Option<String>,
    /// `job` or `all`.
    pub scope: Option<String>,
    /// Which job.
    pub id: Option<String>,
    /// Which job.
    pub job_id: Option<String>,
    /// Which run.
    pub run_id: Option<String>,
    /// Most runs.
    pub limit: Option<usize>,
    /// Leave out so many.
    pub offset: usize,
    /// How they ended.
    pub statuses: Option<Vec<RunStatusWord>>,
    /// `all`, or how they ended.
    pub status: Option<String>,
    /// What became of their outcomes.
    pub delivery_statuses: Option<Vec<DeliveryStatus>>,
    /// What became of their outcomes.
    pub delivery_status: Option<DeliveryStatus>,
    /// Text in summary or error.
    pub query: Option<String>,
    /// `asc` or `desc`.
    pub sort_dir: Option<String>,
}

/// Parameters of `cron.scratch.set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CronScratchSetParams {
    /// Which job.
    #[serde(alias = "jobId")]
    pub id: String,
    /// The note; `null` takes it away.
    pub content: Option<String>,
    /// Only if the note is still this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<i64>,
}
