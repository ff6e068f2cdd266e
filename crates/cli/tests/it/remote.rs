//! Gateways elsewhere: remote mode, explicit addresses, ways through SSH.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::home::{Home, free_base};

const TOKEN: &str = "token-of-the-remote-gateway-0123456789";

fn set_up() -> (Home, String) {
    let home = Home::new();
    let port = free_base().to_string();
    let config = format!("{{ gateway: {{ port: {port} }}, secrets: {{ default: \"file\" }} }}\n");
    home.write(".bulkhead/bulkhead.json", &config);
    (home, port)
}

#[test]
fn remote_mode_asks_the_other_gateway_and_runs_none_here() {
    let (there, port) = set_up();
    let there = there.with("BULKHEAD_GATEWAY_TOKEN", TOKEN);
    let _gateway = there.gateway(&["gateway"]);
    let (here, _) = set_up();
    let set = |path: &str, value: &Value| {
        here.run(&["config", "set", path, &value.to_string()]).ok();
    };
    set("gateway.mode", &json!("remote"));
    let nowhere = here.run(&["gateway", "call", "health"]);
    assert!(nowhere.code != 0 && nowhere.err.contains("gateway.remote.url"), "{nowhere:?}");
    set("gateway.remote.url", &json!(format!("ws://127.0.0.1:{port}")));
    let refused = here.run(&["gateway", "call", "config.get"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    set("gateway.remote.token", &json!({"source": "env", "id": "REMOTE_TOKEN"}));
    let here = here.with("REMOTE_TOKEN", TOKEN);
    let config = here.run(&["gateway", "call", "config.get", "--json"]).ok().json();
    assert!(config["path"].as_str().unwrap().starts_with(there.path().to_str().unwrap()), "{config}");

    let run = here.run(&["gateway", "run"]);
    assert_eq!(run.code, 78, "{run:?}");
    assert!(run.err.contains("gateway.mode"), "{run:?}");

    let probe = here.run(&["gateway", "probe", "--json"]).ok().json();
    assert_eq!(probe["primaryTargetId"], "configRemote", "{probe}");
    let remote = &probe["targets"][0];
    assert_eq!((&remote["kind"], &remote["active"]), (&json!("configRemote"), &json!(true)));
}

#[test]
fn an_address_that_is_given_wants_its_own_credentials() {
    let (there, port) = set_up();
    let there = there.with("BULKHEAD_GATEWAY_TOKEN", TOKEN);
    let _gateway = there.gateway(&["gateway"]);
    let url = format!("ws://127.0.0.1:{port}");
    let refused = there.run(&["gateway", "call", "config.get", "--url", &url]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("--token or --password"), "{refused:?}");
    there.run(&["gateway", "call", "config.get", "--url", &url, "--token", TOKEN]).ok();
    let wrong = there.run(&["gateway", "call", "health", "--url", &url, "--tls-fingerprint", "beef"]);
    assert!(wrong.code == 2 && wrong.err.contains("64 hexadecimal"), "{wrong:?}");
    let plain = "ab".repeat(32);
    let plain = there.run(&["gateway", "call", "health", "--url", &url, "--tls-fingerprint", &plain]);
    assert!(plain.err.contains("wss://"), "{plain:?}");
}

#[test]
fn a_certificate_of_its_own_is_pinned_by_its_fingerprint() {
    let (home, port) = set_up();
    let home = home.with("BULKHEAD_GATEWAY_TOKEN", TOKEN);
    let off = home.run(&["gateway", "fingerprint"]);
    assert!(off.code == 1 && off.err.contains("gateway.tls.enabled"), "{off:?}");
    home.run(&["config", "set", "gateway.tls.enabled", "true"]).ok();
    let _gateway = home.gateway(&["gateway"]);
    let shown = home.run(&["gateway", "fingerprint"]).ok();
    let fingerprint = shown.out.trim();
    let url = format!("wss://localhost:{port}");
    let words = ["gateway", "call", "config.get", "--url", &url, "--token", TOKEN, "--tls-fingerprint"];
    home.run(&[&words[..], &[fingerprint]].concat()).ok();
    let other = "ab".repeat(32);
    let refused = home.run(&[&words[..], &[other.as_str()]].concat());
    assert!(
        refused.code == 1 && refused.err.contains(fingerprint) && refused.err.contains("AB:AB:"),
        "{refused:?}"
    );
    // The profile's own commands go over loopback as ever.
    home.run(&["gateway", "health"]).ok();
}

/// A program that stands in for SSH: forwards `-L LOCAL:HOST:PORT` and notes its arguments and its end.
const SSH: &str = r#"#!/usr/bin/env python3
import os, socket, sys, threading
args = sys.argv[1:]
with open(os.environ["SSH_NOTES"], "w") as notes: notes.write("\n".join(args) + "\nenv " + str(any(k.startswith("BULKHEAD_") for k in os.environ)))
if args[-1].endswith("broken"):
    sys.stderr.write("Permission denied (publickey).\n"); sys.exit(255)
where, local, there, remote = args[args.index("-L") + 1].split(":")
listener = socket.create_server((where, int(local)))
def pump(a, b):
    try:
        while (data := a.recv(65536)): b.sendall(data)
    except OSError: pass
    finally:
        for s in (a, b):
            try: s.shutdown(socket.SHUT_RDWR)
            except OSError: pass
while True:
    client, _ = listener.accept()
    server = socket.create_connection((there, int(remote)))
    for pair in ((client, server), (server, client)): threading.Thread(target=pump, args=pair, daemon=True).start()
"#;

#[test]
fn a_way_through_ssh_leads_to_the_same_gateway_and_leaves_nothing_behind() {
    let (home, port) = set_up();
    let bin = home.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let ssh = bin.join("ssh");
    std::fs::write(&ssh, SSH).unwrap();
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let notes = home.path().join("ssh-notes");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let home = home
        .with("BULKHEAD_GATEWAY_TOKEN", TOKEN)
        .with("PATH", &path)
        .with("SSH_NOTES", notes.to_str().unwrap());
    let _gateway = home.gateway(&["gateway"]);

    let probe = home
        .run(&["gateway", "probe", "--json", "--ssh", "ada@server:2222", "--port", &port, "--token", TOKEN])
        .ok()
        .json();
    assert_eq!(probe["primaryTargetId"], "sshTunnel", "{probe}");
    let tunnel = &probe["targets"][0];
    assert_eq!(
        (&tunnel["tunnel"]["kind"], &tunnel["connect"]["ok"]),
        (&json!("ssh"), &json!(true)),
        "{probe}"
    );
    assert_eq!(probe["identities"], 1, "the tunnel and this machine lead to one gateway: {probe}");
    let asked = std::fs::read_to_string(&notes).unwrap();
    assert!(asked.contains("-p\n2222") && asked.contains("--\nada@server"), "{asked}");
    assert!(asked.ends_with("env False"), "no variable of ours reaches SSH: {asked}");
    let pid = tunnel["tunnel"]["pid"].as_u64().unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "SSH ended with the probe");

    let broken = home.run(&["gateway", "probe", "--json", "--ssh", "broken", "--token", TOKEN]).ok().json();
    let warning = &broken["warnings"][0];
    assert_eq!(warning["code"], "ssh_tunnel_failed", "{broken}");
    assert!(warning["message"].as_str().unwrap().contains("Permission denied"), "{broken}");
    let option = home.run(&["gateway", "probe", "--ssh=-oProxyCommand=x"]);
    assert_eq!(option.code, 2, "{option:?}");
}
