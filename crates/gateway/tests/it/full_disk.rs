//! A state directory on a small disk of its own, which fills up or becomes read-only. Mounting needs root; without it
//! these tests say so and do nothing.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::{Gateway, World};

struct SmallDisk(PathBuf);

impl SmallDisk {
    /// A disk of 16 MiB in place of a directory. Nothing, where nobody may mount.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs"]).arg(at).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self(at.to_owned()));
        }
        println!("SKIPPED: mounting a small disk needs root");
        None
    }

    /// Lays a read-only view over it, until that is dropped.
    fn read_only(&self) -> Self {
        let mount = |args: &[&str]| {
            assert!(Command::new("mount").args(args).arg(&self.0).status().unwrap().success(), "{args:?}");
        };
        mount(&["--bind", self.0.to_str().unwrap()]);
        mount(&["-o", "remount,ro,bind"]);
        Self(self.0.clone())
    }

    /// Writes until nothing goes any more.
    fn fill(&self) -> PathBuf {
        use std::io::Write as _;
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

async fn send(gateway: &Gateway, run: &str) -> Result<String, String> {
    let (client, mut events) = gateway.client().await;
    let params = json!({"sessionKey": "main", "message": "ECHO hi", "idempotencyKey": run});
    client.request("chat.send", params).await.map_err(|error| error.to_string())?;
    Ok(events.end_of(run).await["state"].as_str().unwrap().to_owned())
}

async fn small_world() -> Option<(World, SmallDisk)> {
    let world = World::new().await;
    let disk = SmallDisk::mount(&world.state())?;
    let mut config = world.config();
    // Somebody watches: it is looked at every few seconds.
    config["rescue"] = json!({"watch": "rescue"});
    world.write_config(&config);
    Some((world, disk))
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let Some((world, disk)) = small_world().await else { return };
    let mut gateway = world.start().await;
    gateway.until_ready(&[]).await;
    assert_eq!(send(&gateway, "r1").await.unwrap(), "final");
    let filler = disk.fill();
    gateway.until_ready(&["disk"]).await;
    assert_eq!(gateway.get("/readyz").await["details"]["disk"]["code"], "disk.full");
    // Messages are refused in words as long as nothing can be recorded, and the gateway stays up.
    for n in 0..40 {
        if let Err(refusal) = send(&gateway, &format!("full-{n}")).await {
            assert!(refusal.contains("full"), "{refusal}");
            break;
        }
    }
    assert!(gateway.process.child.try_wait().unwrap().is_none(), "it stays up");
    assert_eq!(gateway.get("/healthz").await["ok"], true);
    std::fs::remove_file(filler).unwrap();
    gateway.until_ready(&[]).await;
    assert_eq!(send(&gateway, "r2").await.unwrap(), "final");
}

#[tokio::test]
async fn a_read_only_state_directory_is_told_and_survived() {
    let Some((world, disk)) = small_world().await else { return };
    let mut gateway = world.start().await;
    gateway.until_ready(&[]).await;
    assert_eq!(send(&gateway, "r1").await.unwrap(), "final");
    let view = disk.read_only();
    gateway.until_ready(&["state"]).await;
    assert_eq!(gateway.get("/readyz").await["details"]["state"]["code"], "state.read-only");
    assert!(gateway.process.child.try_wait().unwrap().is_none(), "it stays up");
    drop(view);
    gateway.until_ready(&[]).await;
    assert_eq!(send(&gateway, "r2").await.unwrap(), "final");
}

#[tokio::test]
async fn a_start_on_a_full_disk_works_too() {
    let Some((world, disk)) = small_world().await else { return };
    let mut first = world.start().await;
    first.until_ready(&[]).await;
    first.process.kill().await;
    let filler = disk.fill();
    let mut gateway = world.start().await;
    gateway.until_ready(&["disk"]).await;
    assert!(gateway.process.child.try_wait().unwrap().is_none());
    std::fs::remove_file(filler).unwrap();
    gateway.until_ready(&[]).await;
    assert_eq!(send(&gateway, "r1").await.unwrap(), "final");
}
