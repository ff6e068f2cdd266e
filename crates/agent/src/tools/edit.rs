//! `edit`: a part of a file, found by its text.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Tool, ToolContext, ToolOutput, arguments, blocking};
use crate::workspace::Workspace;

const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// Changes text files of the workspace.
pub struct Edit {
    workspace: Workspace,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Args {
    #[serde(alias = "file_path", alias = "file")]
    path: String,
    #[serde(alias = "old_text", alias = "old_string")]
    old_text: String,
    #[serde(alias = "new_text", alias = "new_string")]
    new_text: String,
    #[serde(default, alias = "replace_all")]
    replace_all: bool,
}

impl Edit {
    /// In this workspace.
    pub const fn new(workspace: Workspace) -> Self {
        Self { workspace }
    }
}

#[async_trait]
impl Tool for Edit {
    fn name(&self) -> &'static str {
        "edit"
    }

    fn description(&self) -> &'static str {
        "Replace a piece of text in a file of the workspace. `oldText` must occur exactly as given, and only once unless \
         `replaceAll` is true."
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Path relative to the workspace"},
                "oldText": {"type": "string", "description": "The text to replace, exactly"},
                "newText": {"type": "string", "description": "What comes in its place"},
                "replaceAll": {"type": "boolean", "description": "Replace every occurrence"}
            },
            "required": ["path", "oldText", "newText"]
        })
    }

    async fn call(&self, _context: &ToolContext, args: Value) -> ToolOutput {
        let args: Args = match arguments(args) {
            Ok(args) => args,
            Err(refused) => return refused,
        };
        let workspace = self.workspace.clone();
        blocking(move || edit(&workspace, &args)).await
    }
}

fn edit(workspace: &Workspace, args: &Args) -> ToolOutput {
    let path = &args.path;
    if args.old_text.is_empty() {
        return ToolOutput::error(format!("{path}: oldText is empty; expected the text to replace"));
    }
    let bytes = match workspace.read(path, LARGEST_FILE) {
        Ok(bytes) => bytes,
        Err(error) => return ToolOutput::error(error.to_string()),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return ToolOutput::error(format!("{path}: not UTF-8 text"));
    };
    let found = text.matches(&args.old_text).count();
    if found == 0 {
        return ToolOutput::error(format!(
            "{path}: oldText does not occur in it; read it and give the text exactly"
        ));
    }
    if found > 1 && !args.replace_all {
        return ToolOutput::error(format!(
            "{path}: oldText occurs {found} times; give more of the surrounding text, or set replaceAll"
        ));
    }
    let grown = text.len() + found * args.new_text.len();
    if u64::try_from(grown).is_ok_and(|grown| grown > LARGEST_FILE) {
        return ToolOutput::error(format!("{path}: would grow beyond {LARGEST_FILE} bytes"));
    }
    let changed = text.replace(&args.old_text, &args.new_text);
    workspace
        .write(path, changed.as_bytes())
        .map(|_| format!("changed {path} ({found} place{})", if found == 1 { "" } else { "s" }))
        .into()
}
