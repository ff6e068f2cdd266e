//! Models that don't answer.

use super::{ROW, Row, Scene, provoke};
use bulkhead_fakes::model::Fault;

const FILE: &str = ".bulkhead/bulkhead.json";
const GOOD: &str = "{ gateway: { port: {base}, auth: { mode: \"none\" } }, secrets: { default: \"file\" },
  agents: { defaults: { model: \"mine/fake-1\" } },
  models: { providers: { mine: { baseUrl: \"{model}\", apiKey: { source: \"file\", id: \"models/mine/api-key\" }, models: [{ id: \"fake-1\" }] } } } }\n";
const DEAD: &str = "{ gateway: { port: {base}, auth: { mode: \"none\" } }, secrets: { default: \"file\" },
  agents: { defaults: { model: \"mine/fake-1\" } },
  models: { providers: { mine: { baseUrl: \"http://127.0.0.1:{dead}/v1\", models: [{ id: \"fake-1\" }] } } } }\n";
const UNKNOWN: &str = "{ secrets: { default: \"file\" },
  models: { providers: { mine: { baseUrl: \"{model}\", apiKey: { source: \"file\", id: \"models/mine/api-key\" }, models: [{ id: \"no-such-model\" }] } } } }\n";

fn store(scene: &Scene, key: &str) {
    let out = scene.world.bulkhead_with_input(&["secrets", "set", "models/mine/api-key", "-"], key);
    assert!(out.status.success(), "{}", bulkhead_tests::world::text(&out));
}

const ROWS: &[Row] = &[
    Row {
        name: "model-refused",
        trigger: "a model where nobody listens",
        files: &[(FILE, DEAD)],
        run: &["models", "probe"],
        ..ROW
    },
    Row {
        name: "model-refused-agent",
        trigger: "a question to an agent whose model isn't there",
        files: &[(FILE, DEAD)],
        running: &[&["gateway", "run"]],
        run: &["agent", "--message", "hello"],
        ..ROW
    },
    Row {
        name: "model-key-wrong",
        trigger: "a key that the provider refuses",
        files: &[(FILE, GOOD)],
        arrange: |scene| store(scene, "sk-another-key"),
        run: &["models", "probe"],
        ..ROW
    },
    Row {
        name: "model-key-missing",
        trigger: "a key that was never stored",
        files: &[(FILE, GOOD)],
        run: &["models", "probe"],
        ..ROW
    },
    Row {
        name: "model-unknown-there",
        trigger: "a model that the provider doesn't have",
        files: &[(FILE, UNKNOWN)],
        arrange: |scene| store(scene, &scene.outside.key),
        run: &["models", "probe"],
        ..ROW
    },
    Row {
        name: "model-error-500",
        trigger: "a provider that fails",
        files: &[(FILE, GOOD)],
        arrange: |scene| {
            store(scene, &scene.outside.key);
            for _ in 0..20 {
                scene.outside.model.control.fail_next(Fault::Status { status: 500, retry_after: None });
            }
        },
        run: &["models", "probe"],
        ..ROW
    },
    Row {
        name: "model-web-page",
        trigger: "a provider that answers with a web page",
        files: &[(FILE, GOOD)],
        arrange: |scene| {
            store(scene, &scene.outside.key);
            for _ in 0..20 {
                scene.outside.model.control.fail_next(Fault::Html);
            }
        },
        run: &["models", "probe"],
        ..ROW
    },
    Row {
        name: "model-not-configured",
        trigger: "a model that isn't configured",
        files: &[(FILE, GOOD)],
        run: &["models", "probe", "other/m"],
        exit: 2,
        ..ROW
    },
    Row {
        name: "model-none",
        trigger: "a question to an agent without any model",
        files: &[(
            FILE,
            "{ gateway: { port: {base}, auth: { mode: \"none\" } }, secrets: { default: \"file\" } }",
        )],
        running: &[&["gateway", "run"]],
        run: &["agent", "--message", "hello"],
        ..ROW
    },
    Row {
        name: "model-onboard-refused",
        trigger: "onboarding with a model where nobody listens: told, and set up, because a model comes back",
        input: "sk-any",
        run: &[
            "onboard",
            "--non-interactive",
            "--accept-risk",
            "--auth-choice",
            "custom-api-key",
            "--custom-base-url",
            "http://127.0.0.1:{dead}/v1",
            "--custom-model-id",
            "m",
            "--custom-provider-id",
            "mine",
            "--custom-api-key",
            "-",
            "--gateway-port",
            "{base}",
            "--secrets",
            "file",
            "--no-install-daemon",
        ],
        exit: 0,
        ..ROW
    },
    Row {
        name: "model-address-malformed",
        trigger: "a provider's address that is none",
        files: &[(
            FILE,
            "{ models: { providers: { mine: { baseUrl: \"localhost:11434\", models: [{ id: \"m\" }] } } } }",
        )],
        run: &["models", "probe"],
        exit: 78,
        ..ROW
    },
    Row {
        name: "agent-unknown",
        trigger: "a question to an agent that isn't there",
        files: &[(FILE, DEAD)],
        running: &[&["gateway", "run"]],
        run: &["agent", "--agent", "nobody", "--message", "hello"],
        ..ROW
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn models_that_do_not_answer() {
    provoke(ROWS).await;
}
