//! What systemd itself says about the units: nothing.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use bulkhead_profile::{Environment, Place};
use bulkhead_service::{Scope, ServiceSpec, systemd};

/// `systemd-analyze verify` of a unit, with a program that is there, under odd names.
fn verify(scope: Scope, setuid: bool) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join("a b $HOME 100% ü/bulkhead");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(&program, "#!/bin/sh\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let env = Environment::for_test(home.path()).with_var("BULKHEAD_STATE_DIR", "/srv/100% \"x\" $y/ä");
    let place = Place::resolve(None, &env).unwrap();
    let system = scope.is_system();
    let spec = ServiceSpec::new(&place, &env, &program, 18789, scope).unwrap().with_setuid_programs(setuid);
    let unit = home.path().join(place.service_name());
    std::fs::write(&unit, systemd::render(&spec)).unwrap();
    let asked = Command::new("systemd-analyze")
        .args([if system { "--system" } else { "--user" }, "verify", "--man=no"])
        .arg(&unit)
        .env("XDG_RUNTIME_DIR", home.path())
        .env("HOME", home.path())
        .output();
    // A machine without systemd has nobody to ask.
    let out = asked.ok()?;
    Some(format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        eprintln!("skipped: there is no systemd-analyze here");
        return;
    }
    for setuid in [false, true] {
        assert_eq!(verify(Scope::User, setuid).unwrap(), "");
        assert_eq!(verify(Scope::System { user: "root".to_owned() }, setuid).unwrap(), "");
    }
}
