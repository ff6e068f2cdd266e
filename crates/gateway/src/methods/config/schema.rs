//! `config.schema` and `config.schema.lookup`: what may stand in the file, for forms.

use std::sync::Arc;

use bulkhead_config::{Child, lookup, schema, ui_hints};
use bulkhead_protocol::ErrorShape;
use bulkhead_protocol::methods::config::{ConfigSchemaLookupParams, ConfigSchemaLookupResult, SchemaChild};
use bulkhead_server::Reply;
use serde_json::json;

use crate::clock;
use crate::gateway::{Gateway, VERSION};
use crate::methods::Call;

/// JSON schema and labels for forms.
pub(super) async fn whole(_gateway: &Arc<Gateway>, _call: Call<'_>) -> Result<Reply, ErrorShape> {
    Reply::json(&json!({
        "schema": schema(),
        "uiHints": ui_hints(),
        "version": VERSION,
        "generatedAt": clock::rfc3339(clock::now_ms()),
    }))
}

/// One place with what may stand below it.
pub(super) async fn place(_gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let params: ConfigSchemaLookupParams = call.params()?;
    let found = lookup(&params.path).ok_or_else(|| {
        ErrorShape::invalid_request(format!(
            "config schema path not found: {:?}; config.schema.lookup with path \".\" names the sections",
            params.path.chars().take(200).collect::<String>()
        ))
    })?;
    let (hint_path, hint) = found.hint.unzip();
    Reply::json(&ConfigSchemaLookupResult {
        path: found.path,
        schema: found.schema,
        reload_kind: Some(found.reload.as_str().to_owned()),
        hint,
        hint_path,
        children: found.children.into_iter().map(child).collect(),
    })
}

fn child(child: Child) -> SchemaChild {
    let (hint_path, hint) = child.hint.unzip();
    SchemaChild {
        key: child.key,
        path: child.path,
        kind: child.kind,
        required: false,
        has_children: child.has_children,
        reload_kind: Some(child.reload.as_str().to_owned()),
        hint,
        hint_path,
    }
}
