//! What the protocol and agents may not change.

use bulkhead_config::{check_remote_change, is_local_only};
use serde_json::json;

#[test]
fn paths_that_change_only_here() {
    for path in [
        "gateway.bind",
        "rescue",
        "rescue.operators",
        "rescue.anything",
        "rescue.main.url",
        "rescue.auto",
        "rescue.quietHours.from",
        "hooks",
        "hooks.token",
        "secrets.providers.pass.command",
        "models.providers[\"my.host\"].baseUrl",
        "channels.telegram.apiRoot",
        "channels.telegram.accounts.two.apiRoot",
        "not a path",
    ] {
        assert!(is_local_only(path), "{path}");
    }
    for path in ["gateway.port", "channels.telegram.dmPolicy", "agents.defaults.model.primary", "plugins.x"] {
        assert!(!is_local_only(path), "{path}");
    }
}

#[test]
fn changes_are_judged_by_what_they_change() {
    let old = json!({
        "gateway": { "bind": "loopback", "port": 18789 },
        "models": { "providers": { "a": { "baseUrl": "https://a.example/v1", "apiKey": { "source": "keychain", "id": "models/a/api-key" } } } },
    });
    let with = |patch: serde_json::Value| {
        let mut doc = bulkhead_config::ConfigDocument::parse("x", &old.to_string()).unwrap();
        doc.merge_patch(&patch).unwrap();
        check_remote_change(&old, &doc.value()).map_err(|error| error.to_string())
    };
    assert_eq!(with(json!({ "gateway": { "port": 19789, "bind": "loopback" } })), Ok(()));
    assert_eq!(
        with(json!({ "models": { "providers": { "a": { "baseUrl": "https://a.example/v2" } } } })),
        Ok(())
    );
    assert!(with(json!({ "models": { "providers": { "a": null } } })).is_err());
    for patch in [
        json!({ "gateway": { "bind": "lan" } }),
        json!({ "gateway": { "bind": null } }),
        json!({ "models": { "providers": { "a": { "baseUrl": "https://evil.example/v1" } } } }),
        json!({ "models": { "providers": { "a": { "baseUrl": "http://a.example/v1" } } } }),
        json!({ "models": { "providers": { "b": { "baseUrl": "https://evil.example", "apiKey": { "source": "keychain", "id": "models/a/api-key" } } } } }),
        json!({ "gateway": { "auth": { "token": { "source": "exec", "id": "x" } } } }),
        json!({ "hooks": { "enabled": true } }),
        json!({ "rescue": { "operators": [1] } }),
        json!({ "channels": { "telegram": { "apiRoot": "https://evil.example" } } }),
        json!({ "channels": { "telegram": { "accounts": { "x": { "apiRoot": "https://evil.example" } } } } }),
        json!({ "secrets": { "providers": { "x": { "source": "exec", "command": "/bin/sh" } } } }),
    ] {
        assert!(with(patch.clone()).is_err(), "{patch}");
    }
}
