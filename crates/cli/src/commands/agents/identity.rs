//! `bulkhead agents set-identity`

use std::path::{Path, PathBuf};

use bulkhead_config::Identity;
use bulkhead_gateway::roster::{self, Listed, read_identity};
use bulkhead_profile::files;
use serde_json::json;

use crate::commands::config::edit;
use crate::context::{Context, config};
use crate::error::Failure;
use crate::grammar::agents::IdentityArgs;
use crate::output::{paint, table};

/// The largest file that is read.
const LONGEST: u64 = 64 * 1024;
/// The largest picture.
const LARGEST_PICTURE: u64 = 2 * 1024 * 1024;

pub(super) fn run(context: &Context, args: &IdentityArgs) -> Result<(), Failure> {
    let place = context.place_for_writing()?;
    let agents = super::agents(context, &place)?;
    let agent = meant(context, &agents, args)?;
    let said = args.name.is_some() || args.theme.is_some() || args.emoji.is_some() || args.avatar.is_some();
    let file = match &args.identity_file {
        Some(path) => Some(here(context, path)?),
        None if args.from_identity || !said => Some(agent.workspace.join("IDENTITY.md")),
        None => None,
    };
    let read = file.as_deref().map(read).transpose()?.unwrap_or_default();
    let pick = |flag: &Option<String>, read: Option<String>| flag.clone().or(read);
    let identity = Identity {
        name: pick(&args.name, read.name),
        theme: pick(&args.theme, read.theme),
        emoji: pick(&args.emoji, read.emoji),
        avatar: pick(&args.avatar, read.avatar),
    };
    let mut fields = json!({});
    for (key, value) in [
        ("name", &identity.name),
        ("theme", &identity.theme),
        ("emoji", &identity.emoji),
        ("avatar", &identity.avatar),
    ] {
        if let Some(value) = value {
            fields[key] = value.trim().into();
        }
    }
    if fields.as_object().is_none_or(serde_json::Map::is_empty) {
        let path = file.unwrap_or_else(|| agent.workspace.join("IDENTITY.md"));
        return Err(Failure::usage(format!(
            "{}: found no name, manner, emoji or picture, expected lines such as `- Name: Ada`; write some, or give --name",
            path.display()
        )));
    }
    if let Some(avatar) = &identity.avatar {
        check_picture(avatar.trim(), &agent.workspace)?;
    }
    let default = config(&place)?.config.default_agent_id().to_owned();
    edit(context, &place, |document| {
        roster::merge(document, &agent.id, &json!({"identity": fields}), &default)
    })?;
    let from =
        file.as_deref().and_then(Path::parent).map(Path::to_path_buf).or_else(|| args.workspace.clone());
    let result = json!({
        "agentId": agent.id, "identity": fields, "workspace": from, "storedWorkspace": agent.workspace,
        "identityFile": file,
    });
    context.out.result(&result, || {
        let rows: Vec<(&str, String)> = ["name", "theme", "emoji", "avatar"]
            .into_iter()
            .filter_map(|key| Some((key, fields.get(key)?.as_str()?.to_owned())))
            .collect();
        format!("{}\n{}", paint::strong(&agent.id), table::pairs(&rows))
    });
    Ok(())
}

/// The agent that the flags mean.
fn meant(context: &Context, agents: &[Listed], args: &IdentityArgs) -> Result<Listed, Failure> {
    let (None, Some(folder)) = (&args.agent, &args.workspace) else {
        return super::agent(agents, args.agent.as_deref());
    };
    let folder = files::canonical(&here(context, folder)?);
    let found: Vec<&Listed> =
        agents.iter().filter(|agent| files::canonical(&agent.workspace) == folder).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => Err(Failure::usage(format!(
            "--workspace: no agent works in {}; expected the folder of one, see `bulkhead agents list`",
            folder.display()
        ))),
        _ => {
            let ids: Vec<&str> = found.iter().map(|agent| agent.id.as_str()).collect();
            Err(Failure::usage(format!(
                "--workspace: {} work in {}; say which one with --agent",
                ids.join(", "),
                folder.display()
            )))
        }
    }
}

fn here(context: &Context, path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(context.env.expand(&path.to_string_lossy()))
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn read(path: &Path) -> Result<Identity, Failure> {
    let bytes = files::read_limited(path, LONGEST).map_err(|error| {
        Failure::usage(format!(
            "{} cannot be read: found {error}, expected a file of at most {LONGEST} bytes; write it, or give --name",
            path.display()
        ))
    })?;
    Ok(read_identity(&String::from_utf8_lossy(&bytes)))
}

/// A picture is an address, or a file of the workspace.
fn check_picture(avatar: &str, workspace: &Path) -> Result<(), Failure> {
    if avatar.is_empty()
        || ["http://", "https://", "data:image/"].iter().any(|scheme| avatar.starts_with(scheme))
    {
        return Ok(());
    }
    let expected = "expected an address, or a picture of at most 2 MiB inside of its workspace";
    let wrong = |found: String| Err(Failure::usage(format!("--avatar: {found}, {expected}")));
    let real = files::canonical(&workspace.join(avatar));
    if !files::is_within(&real, &files::canonical(workspace)) {
        return wrong(format!("{avatar} leads out of {}", workspace.display()));
    }
    match std::fs::metadata(&real) {
        Ok(about) if about.is_file() && about.len() <= LARGEST_PICTURE => Ok(()),
        Ok(about) => wrong(format!("{} has {} bytes or is no file", real.display(), about.len())),
        Err(error) => wrong(format!("{} cannot be read: {error}", real.display())),
    }
}
