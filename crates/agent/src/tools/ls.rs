//! `ls`: what is in a folder.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tool, ToolContext, ToolOutput, arguments, blocking};
use crate::workspace::Workspace;

const MOST: usize = 500;

/// Lists folders of the workspace.
pub struct Ls {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Args {
    #[serde(alias = "directory", alias = "dir")]
    path: Option<String>,
}

impl Ls {
    /// In this workspace.
    pub const fn new(workspace: Workspace) -> Self {
        Self { workspace }
    }
}

#[async_trait]
impl Tool for Ls {
    fn name(&self) -> &'static str {
        "ls"
    }

    fn description(&self) -> &'static str {
        "List a folder of the workspace (the workspace itself without `path`). Folders end in /, links in @."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {"path": {"type": "string", "description": "Path relative to the workspace"}}
        })
    }

    async fn call(&self, _context: &ToolContext, args: Value) -> ToolOutput {
        let args: Args = match arguments(args) {
            Ok(args) => args,
            Err(refused) => return refused,
        };
        let workspace = self.workspace.clone();
        blocking(move || {
            let listed = workspace.list(args.path.as_deref().unwrap_or("."), MOST);
            listed
                .map(|(names, all)| match all {
                    0 => "(empty)".to_owned(),
                    _ if all > names.len() => {
                        format!("{}\n[{} of {all} shown]", names.join("\n"), names.len())
                    }
                    _ => names.join("\n"),
                })
                .into()
        })
        .await
    }
}
