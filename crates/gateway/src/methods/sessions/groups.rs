//! `sessions.groups.*`: the headings that sessions are sorted under. Which session belongs to which is its `category`.

use std::sync::Arc;

use bulkhead_protocol::ErrorShape;
use bulkhead_server::Reply;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::methods::{Call, store_failed};

/// Groups that one gateway keeps.
const MOST: usize = 500;
/// Longest name, in characters.
const LONGEST: usize = 512;

/// The groups in their order.
pub(super) async fn list(gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    let names = gateway.store.sessions().groups().await.map_err(store_failed)?;
    Reply::json(&json!({"groups": rows(&names), "sectionOrder": []}))
}

/// No group has a folder of its own: agents work in their workspace.
pub(super) async fn defaults(_gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&json!({"defaults": []}))
}

#[derive(Deserialize)]
struct PutParams {
    names: Vec<String>,
}

/// Replaces the groups and their order.
pub(super) async fn put(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: PutParams = call.params()?;
    if params.names.len() > MOST {
        let problem = format!("found {}, expected at most {MOST}", params.names.len());
        return Err(ErrorShape::invalid_params("sessions.groups.put", "names", problem));
    }
    let names = params.names.iter().map(|name| checked(name)).collect::<Result<Vec<_>, _>>()?;
    match gateway.store.sessions().put_groups(names).await.map_err(store_failed)? {
        Ok(names) => answer(&names, None),
        Err(missing) => Err(ErrorShape::invalid_request(format!(
            "group {missing:?} still has sessions; remove it with sessions.groups.delete first"
        ))),
    }
}

#[derive(Deserialize)]
struct RenameParams {
    name: String,
    to: String,
}

/// Gives a group another name.
pub(super) async fn rename(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: RenameParams = call.params()?;
    let to = checked(&params.to)?;
    let sessions = gateway.store.sessions();
    let moved = sessions.rename_group(&params.name, &to).await.map_err(store_failed)?;
    let moved = moved.ok_or_else(|| unknown(&params.name))?;
    answer(&sessions.groups().await.map_err(store_failed)?, Some(moved))
}

#[derive(Deserialize)]
struct DeleteParams {
    name: String,
}

/// Removes a group; its sessions stay.
pub(super) async fn delete(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: DeleteParams = call.params()?;
    let sessions = gateway.store.sessions();
    let moved = sessions.delete_group(&params.name).await.map_err(store_failed)?;
    let moved = moved.ok_or_else(|| unknown(&params.name))?;
    answer(&sessions.groups().await.map_err(store_failed)?, Some(moved))
}

fn answer(names: &[String], moved: Option<usize>) -> Result<Reply, ErrorShape> {
    let mut result = json!({"ok": true, "groups": rows(names), "sectionOrder": []});
    if let Some(moved) = moved {
        result["updatedSessions"] = moved.into();
    }
    Reply::json(&result)
}

fn rows(names: &[String]) -> Vec<Value> {
    names.iter().enumerate().map(|(position, name)| json!({"name": name, "position": position})).collect()
}

fn checked(name: &str) -> Result<String, ErrorShape> {
    let name = name.trim();
    let chars = name.chars().count();
    if chars == 0 || chars > LONGEST || name.chars().any(char::is_control) {
        return Err(ErrorShape::invalid_request(format!(
            "group name: found {chars} characters, expected 1 to {LONGEST} printable ones"
        )));
    }
    Ok(name.to_owned())
}

fn unknown(name: &str) -> ErrorShape {
    ErrorShape::invalid_request(format!("there is no group {name:?}; sessions.groups.list names them"))
}
