//! A place of its own, and a gateway that does what a script says.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_profile::{Environment, Owner, Place};
use bulkhead_supervisor::{
    CommandLauncher, GatewayStatus, LadderPolicy, NoSecrets, SecretsSource, Supervisor, SupervisorHandle,
    SupervisorOptions,
};

/// Says that it is ready, then reads stdin to its end.
pub const GOOD: &str = r#"
read first
echo "{\"type\":\"ready\",\"pid\":$$,\"port\":18789,\"version\":\"0.1.0\",\"readyMs\":3,\"warnings\":[]}"
while read line; do echo "$line" >> "$HERE/updates"; done
exit 0
"#;

pub struct World {
    dir: tempfile::TempDir,
    pub place: Place,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("bh").tempdir().unwrap();
        let place = Place::resolve(None, &Environment::for_test(dir.path())).unwrap();
        place.write_marker().unwrap();
        Self { dir, place }
    }

    /// A program that plays the gateway; `$HERE` is the world's directory, `$0`'s arguments those of the gateway.
    pub fn script(&self, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.dir.path().join("gateway.sh");
        let text = format!("#!/bin/sh\nHERE='{}'\n{text}", self.dir.path().display());
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    pub fn options(&self, script: &str) -> SupervisorOptions {
        self.options_with(script, Arc::new(NoSecrets))
    }

    pub fn options_with(&self, script: &str, secrets: Arc<dyn SecretsSource>) -> SupervisorOptions {
        let quick = [0, 5, 10].map(Duration::from_millis).to_vec();
        SupervisorOptions {
            program: Some(self.script(script)),
            ladder: LadderPolicy { backoff: quick, ..LadderPolicy::default() },
            ..SupervisorOptions::new(self.place.clone(), Owner::Desktop, Arc::new(CommandLauncher), secrets)
        }
    }

    pub fn spawn(&self, script: &str) -> SupervisorHandle {
        Supervisor::spawn(self.options(script)).unwrap()
    }
}

/// Waits until the status is so, at most half a minute.
pub async fn until(handle: &SupervisorHandle, wanted: impl FnMut(&GatewayStatus) -> bool) -> GatewayStatus {
    let waited = tokio::time::timeout(Duration::from_secs(30), handle.wait_for(wanted)).await;
    waited.unwrap_or_else(|_| panic!("still {:#?}", handle.status())).unwrap()
}

/// Waits until a file holds a text.
pub async fn until_file(world: &World, name: &str, wanted: &str) {
    let waiting = async {
        while !world.read(name).contains(wanted) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "{name} never held {wanted:?}: {:?}", world.read(name));
}
