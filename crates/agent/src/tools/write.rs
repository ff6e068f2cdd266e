//! `write`: a whole file.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tool, ToolContext, ToolOutput, arguments, blocking};
use crate::workspace::Workspace;

const LARGEST_FILE: usize = 4 * 1024 * 1024;

/// Writes text files of the workspace.
pub struct Write {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Args {
    #[serde(alias = "file_path", alias = "file")]
    path: String,
    content: String,
}

impl Write {
    /// In this workspace.
    pub const fn new(workspace: Workspace) -> Self {
        Self { workspace }
    }
}

#[async_trait]
impl Tool for Write {
    fn name(&self) -> &'static str {
        "write"
    }

    fn description(&self) -> &'static str {
        "Write a whole text file of the workspace, replacing what is there. Missing folders are made. To change a part, use edit."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Path relative to the workspace"},
                "content": {"type": "string", "description": "The whole new content"}
            },
            "required": ["path", "content"]
        })
    }

    async fn call(&self, _context: &ToolContext, args: Value) -> ToolOutput {
        let args: Args = match arguments(args) {
            Ok(args) => args,
            Err(refused) => return refused,
        };
        if args.content.len() > LARGEST_FILE {
            let size = args.content.len();
            return ToolOutput::error(format!(
                "{}: {size} bytes; at most {LARGEST_FILE} can be written",
                args.path
            ));
        }
        let workspace = self.workspace.clone();
        blocking(move || {
            let written = workspace.write(&args.path, args.content.as_bytes());
            written
                .map(|new| {
                    let what = if new { "made" } else { "replaced" };
                    format!("{what} {} ({} bytes)", args.path, args.content.len())
                })
                .into()
        })
        .await
    }
}
