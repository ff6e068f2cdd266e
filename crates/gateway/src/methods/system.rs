//! `system-presence`, `system.info`, `update.status`: who is here, and on what.

use std::sync::Arc;

use bulkhead_process::{Disk, Host, memory};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::system::{ProcessMemory, SystemInfo};
use bulkhead_server::Reply;
use serde_json::json;

use super::Call;
use crate::gateway::Gateway;

/// What this family serves.
pub(super) const ROUTES: &[super::Route] = super::routes! {
    "system-presence" => presence,
    "system.info" => info,
    "update.status" => update_status,
};

/// The list as the `presence` event carries it.
pub(super) async fn presence(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Ok(gateway.presence.render().into())
}

/// The machine as it is now.
pub(super) async fn info(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let dir = gateway.place.state_dir().to_owned();
    let pid = std::process::id();
    let (host, disk, rss) =
        tokio::task::spawn_blocking(move || (Host::look(), Disk::of(&dir), memory::of(pid)))
            .await
            .map_err(|_| ErrorShape::unavailable("looking at the machine was interrupted; try again"))?;
    let platform = platform();
    Reply::json(&SystemInfo {
        machine_name: host.name.clone(),
        os_label: format!("{} {}", system_name(), host.release).trim().to_owned(),
        hostname: host.name,
        platform: platform.to_owned(),
        release: host.release,
        arch: arch().to_owned(),
        port: Some(gateway.port),
        node_version: "none".to_owned(),
        pid,
        process_instance_id: Some(gateway.presence.instance_id()),
        uptime_ms: gateway.lifecycle.uptime_ms(),
        cpu_count: host.processors,
        cpu_model: host.processor,
        load_average: host.load,
        memory_total_bytes: host.memory_total,
        memory_free_bytes: host.memory_available,
        disk_total_bytes: disk.map(|disk| disk.total),
        disk_available_bytes: disk.map(|disk| disk.free),
        disk_path: disk.map(|_| gateway.place.state_dir().display().to_string()),
        process_memory: rss.map(|rss_bytes| ProcessMemory { rss_bytes }),
    })
}

/// This gateway never asks anybody for a newer version: it is installed with its package or its app, and they know.
pub(super) async fn update_status(_gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&json!({
        "sentinel": null,
        "updateAvailable": null,
        "effectiveChannel": "stable",
        "schedule": {"channel": "stable", "autoEnabled": false, "install": {"kind": "package"}},
    }))
}

/// The words that clients of the protocol know.
fn platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

fn system_name() -> &'static str {
    match std::env::consts::OS {
        "macos" => "macOS",
        "windows" => "Windows",
        "linux" => "Linux",
        other => other,
    }
}

fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}
