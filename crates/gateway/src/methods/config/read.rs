//! `config.get`.

use std::sync::Arc;

use bulkhead_config::{ConfigError, ConfigIssue, ConfigStore, IssueSeverity, redact, redacted_text};
use bulkhead_protocol::{ErrorShape, Scope};
use bulkhead_server::Reply;
use serde_json::{Value, json};

use crate::config_edit::told;
use crate::gateway::Gateway;
use crate::methods::Call;

/// The file with everything that is known of it.
pub(super) async fn get(gateway: &Arc<Gateway>, call: Call<'_>) -> Result<Reply, ErrorShape> {
    let settings = gateway.settings.now();
    let store = ConfigStore::new(&gateway.place);
    let (file, hash) = tokio::task::spawn_blocking(move || (store.load_current(), store.hash()))
        .await
        .map_err(|_| ErrorShape::unavailable("reading the configuration was interrupted; try again"))?;
    let path = gateway.place.config_path();
    let hash = hash.unwrap_or_default();
    let (raw, parsed, issues, warnings) = match file {
        Ok(loaded) => {
            let value = loaded.document.value();
            (redacted_text(&loaded.document), redact(&value), Vec::new(), loaded.warnings)
        }
        Err(ConfigError::Invalid { issues, .. }) => (None, json!({}), issues, Vec::new()),
        Err(error) => (None, json!({}), vec![whole_file(&error)], Vec::new()),
    };
    let valid = issues.is_empty();
    let mut result = json!({
        "path": path.display().to_string(),
        "includedPaths": [],
        "includeProvenance": [],
        "agentRosterIncludeOwned": false,
        "bindingsIncludeOwned": false,
        "exists": path.exists(),
        "raw": raw,
        "parsed": parsed,
        "sourceConfig": parsed,
        "resolved": parsed,
        "runtimeConfig": parsed,
        "config": parsed,
        "valid": valid,
        "hash": hash,
        "issues": told(&issues),
        "warnings": told(&warnings),
        "legacyIssues": [],
        "configRevisionHash": hash,
        "appliedConfigHash": settings.hash,
    });
    if let Some(problem) = &settings.problem {
        result["lastGoodInUse"] = true.into();
        result["problem"] = problem.message.clone().into();
        result["problemCode"] = problem.code.clone().into();
    }
    if !call.ctx.conn.allows(Scope::OperatorAdmin) {
        // Comments may hold anything; only who may write the file sees its text.
        result["raw"] = Value::Null;
    }
    Reply::json(&result)
}

fn whole_file(error: &ConfigError) -> ConfigIssue {
    ConfigIssue {
        severity: IssueSeverity::Error,
        path: String::new(),
        line: 0,
        column: 0,
        found: error.to_string(),
        expected: "a configuration that can be read".to_owned(),
        next_step: "Repair the file, or go back with `bulkhead config rollback`.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_config::ConfigDocument;

    use super::*;

    #[test]
    fn the_raw_text_keeps_comments_and_loses_secrets() {
        let text = "{ // mine\n gateway: { auth: { token: \"very-secret-token\" } } }";
        let text = redacted_text(&ConfigDocument::parse("test", text).unwrap()).unwrap();
        assert!(text.contains("// mine") && text.contains(bulkhead_config::REDACTED), "{text}");
        assert!(!text.contains("very-secret"), "{text}");
    }
}
