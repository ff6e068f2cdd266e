use std::path::{Path, PathBuf};

use bulkhead_profile::{Environment, Place, ProfileName};

use super::scan::{plist, task_names, unit};
use super::*;
use crate::{Scope, ServiceSpec, launchd, systemd};

fn place(name: &str) -> Place {
    let name = ProfileName::parse(name).unwrap();
    Place::resolve(Some(&name), &Environment::for_test("/home/ada")).unwrap()
}

fn ours(name: &str) -> String {
    let env = Environment::for_test("/home/ada");
    let spec =
        ServiceSpec::new(&place(name), &env, Path::new("/usr/bin/bulkhead"), 19789, Scope::User).unwrap();
    systemd::render(&spec)
}

fn seen(path: &str, text: &str, system: bool, missing: &[&str]) -> Option<OtherService> {
    let found = unit(Path::new(path), text, system)?;
    let own = Path::new("/home/ada/.config/systemd/user/bulkhead-gateway.service");
    judge(&found, &place("main"), own, 18789, |path| !missing.iter().any(|gone| Path::new(gone) == path))
}

const USER: &str = "/home/ada/.config/systemd/user";
const OPENCLAW: &str = "[Service]\nExecStart=/usr/bin/node /usr/lib/node_modules/openclaw/dist/index.js gateway --port 18800\nEnvironment=OPENCLAW_GATEWAY_PORT=18800\n";

#[test]
fn each_kind_has_its_advice() {
    let rescue = ours("rescue");
    let told = |other: Option<OtherService>| {
        let other = other.unwrap();
        format!(
            "{:?} {:?} {:?}: {}",
            other.product,
            other.verdict,
            other.profile.unwrap_or_default(),
            other.advice
        )
    };
    let rescue_path = format!("{USER}/bulkhead-gateway-rescue.service");
    let all = [
        told(seen(&rescue_path, &rescue, false, &[])),
        told(seen(&rescue_path, &rescue, false, &["/usr/bin/bulkhead"])),
        told(seen(&rescue_path, &rescue, false, &["/home/ada/.bulkhead-rescue"])),
        told(seen("/etc/systemd/system/bulkhead-gateway.service", &ours("main"), true, &[])),
        told(seen(&format!("{USER}/openclaw-gateway.service"), OPENCLAW, false, &[])),
        told(seen(
            &format!("{USER}/openclaw-gateway.service"),
            &OPENCLAW.replace("18800", "17000"),
            false,
            &[],
        )),
        told(seen(
            &format!("{USER}/openclaw-gateway.service"),
            OPENCLAW,
            false,
            &["/usr/lib/node_modules/openclaw/dist/index.js"],
        )),
        told(seen(
            &format!("{USER}/clawdbot-gateway.service"),
            "[Service]\nExecStart=/usr/bin/clawdbot gateway\n",
            false,
            &[],
        )),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn the_profiles_own_service_and_strangers_are_no_others() {
    assert_eq!(seen(&format!("{USER}/bulkhead-gateway.service"), &ours("main"), false, &[]), None);
    assert_eq!(
        seen("/etc/systemd/system/nginx.service", "[Service]\nExecStart=/usr/sbin/nginx\n", true, &[]),
        None
    );
    assert_eq!(
        seen(
            "/etc/systemd/system/kong-gateway.service",
            "[Service]\nExecStart=/usr/bin/kong gateway\n",
            true,
            &[]
        ),
        None
    );
}

#[test]
fn agents_are_known_by_label() {
    let env = Environment::for_test("/home/ada");
    let spec =
        ServiceSpec::new(&place("rescue"), &env, Path::new("/usr/bin/bulkhead"), 19789, Scope::User).unwrap();
    let found =
        plist(Path::new("/Users/ada/Library/LaunchAgents/x.plist"), &launchd::render(&spec), false).unwrap();
    assert_eq!(
        (found.name.as_str(), found.metadata.unwrap().profile.as_str()),
        ("ai.bulkhead.profile.rescue", "rescue")
    );
    let old = "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>Label</key><string>bot.molt.gateway</string></dict></plist>";
    let found = plist(Path::new("/Library/LaunchDaemons/bot.molt.gateway.plist"), old, true).unwrap();
    let other = judge(&found, &place("main"), &PathBuf::new(), 18789, |_| true).unwrap();
    assert_eq!((other.verdict, other.scope), (Verdict::OldName, "system"));
    assert!(other.advice.contains("sudo launchctl bootout system/bot.molt.gateway"), "{}", other.advice);
}

#[test]
fn tasks_in_any_language() {
    let csv = "\"\\Bulkhead Gateway\",\"Nicht zutreffend\",\"Bereit\"\r\n\"\\OpenClaw Gateway (ops)\",\"N/A\",\"Ready\"\r\n\"\\Bulkhead Gateway\",\"N/A\",\"Ready\"\r\n";
    assert_eq!(task_names(csv), ["Bulkhead Gateway", "OpenClaw Gateway (ops)"]);
}
