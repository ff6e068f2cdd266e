//! `gateway supervise` and the commands that ask it.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::home::{Home, free_base};

struct Supervisor {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Supervisor {
    fn start(home: &Home) -> Self {
        let mut command = home.command(&["gateway", "supervise", "--json"]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next status that is so.
    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        for line in self.lines.by_ref() {
            let status: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if wanted(&status) {
                return status;
            }
        }
        panic!("the supervisor ended");
    }

    fn running(&mut self) -> u64 {
        self.until(|status| status["state"] == "running")["pid"].as_u64().unwrap()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(name: &str, pid: u64) {
    assert!(Command::new("/bin/kill").args([name, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_gateway_is_kept_running_and_asked_through_its_supervisor() {
    let home = Home::new();
    home.run(&["setup", "--port", &free_base().to_string()]).ok();
    home.run(&["config", "set", "secrets.default", "file"]).ok();
    let mut supervisor = Supervisor::start(&home);
    let first = supervisor.running();
    assert_eq!(home.run(&["health", "--json"]).ok().json()["ok"], true);
    let status = home.run(&["gateway", "status", "--json"]).ok().json();
    assert_eq!(
        (&status["supervisor"]["state"], &status["supervisor"]["pid"]),
        (&json!("running"), &json!(first))
    );

    signal("-KILL", first);
    let second = supervisor.running();
    assert_ne!(first, second);

    let again = home.run(&["gateway", "restart", "--json"]).ok().json();
    assert_eq!((&again["result"], &again["via"]), (&json!("restarted"), &json!("supervisor")));
    assert_ne!(again["supervisor"]["pid"], json!(second));
    assert_eq!(home.run(&["gateway", "stop", "--json"]).ok().json()["result"], "stopped");
    assert_eq!(home.run(&["status", "--only", "--json"]).ok().json()["profile"]["state"], "stopped");
    let started = home.run(&["gateway", "start", "--json"]).ok().json();
    let last = started["supervisor"]["pid"].as_u64().unwrap();

    let refused = home.run(&["gateway", "supervise"]);
    assert_eq!(refused.code, 1, "{refused:?}");

    let log = home.run(&["logs", "--json"]).ok().json()["lines"].to_string();
    assert!(log.contains("Drained") && !log.contains("AtOnce"), "a stop by the supervisor must drain: {log}");

    signal("-TERM", u64::from(supervisor.child.id()));
    assert!(supervisor.child.wait().unwrap().success());
    assert!(!std::path::Path::new(&format!("/proc/{last}")).exists(), "the gateway outlived its supervisor");
    assert_eq!(home.run(&["status", "--only", "--json"]).ok().json()["profile"]["state"], "stopped");
}

#[test]
fn a_supervisor_ends_with_the_program_that_started_it() {
    let home = Home::new();
    home.run(&["setup", "--port", &free_base().to_string()]).ok();
    home.run(&["config", "set", "secrets.default", "file"]).ok();
    let mut command = home.command(&["gateway", "supervise", "--json", "--until-stdin-ends"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let parent = child.stdin.take();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut supervisor = Supervisor { child, lines };
    let gateway = supervisor.running();
    // What the system does when that program is killed.
    drop(parent);
    assert!(supervisor.child.wait().unwrap().success());
    assert!(
        !std::path::Path::new(&format!("/proc/{gateway}")).exists(),
        "the gateway outlived its supervisor"
    );
}

#[test]
fn a_rollback_goes_through_the_supervisor() {
    let home = Home::new();
    home.run(&["setup", "--port", &free_base().to_string()]).ok();
    home.run(&["config", "set", "secrets.default", "file"]).ok();
    let mut supervisor = Supervisor::start(&home);
    let first = supervisor.running();
    let good = home.read(".bulkhead/bulkhead.json");
    home.write(".bulkhead/bulkhead.json", "{ broken");
    let refused = home.run(&["config", "set", "logging.level", "debug"]);
    assert_eq!((refused.code, home.read(".bulkhead/bulkhead.json").as_str()), (78, "{ broken"));
    let done = home.run(&["config", "rollback", "--json"]).ok().json();
    assert_eq!((&done["via"], &done["changed"]), (&json!("supervisor"), &json!(true)));
    assert_eq!(home.read(".bulkhead/bulkhead.json"), good);
    assert_ne!(supervisor.running(), first, "it was restarted");
    let again = home.run(&["config", "rollback", "--json"]).ok().json();
    assert_eq!((&again["changed"], &again["rejected"]), (&json!(false), &json!(null)));
}

#[test]
fn a_gateway_that_is_killed_in_a_loop_climbs_the_ladder_and_a_restart_brings_it_back() {
    let home = Home::new();
    home.run(&["setup", "--port", &free_base().to_string()]).ok();
    home.run(&["config", "set", "secrets.default", "file"]).ok();
    let mut supervisor = Supervisor::start(&home);
    let mut rungs = Vec::new();
    let last = loop {
        let status = supervisor.until(|status| status["state"] == "running" || status["state"] == "failed");
        let Some(pid) = status["pid"].as_u64() else { break status };
        rungs.push(status["rung"].as_str().unwrap().to_owned());
        if rungs.len() == 1 {
            // A gateway that came up is something to fall back on, a moment after it is ready.
            while !home.path().join(".bulkhead/config-history/came-up").exists() {
                std::thread::yield_now();
            }
        }
        signal("-KILL", pid);
    };
    let expected: Vec<&str> =
        ["normal", "last-good", "safe"].into_iter().flat_map(|rung| [rung; 4]).collect();
    assert_eq!(rungs, expected);
    assert_eq!(last["problem"]["code"], "crash-loop");
    assert_eq!(last["lastExit"]["signal"], 9);
    let crashes: Vec<Value> = std::fs::read_dir(home.path().join(".bulkhead/crashes"))
        .unwrap()
        .map(|file| serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap())
        .collect();
    assert_eq!(crashes.len(), 12);
    // What the gateway said is kept, also where it had nothing to complain of.
    assert!(crashes.iter().any(|crash| crash["firstLines"].to_string().contains("ready")), "{crashes:#?}");
    let again = home.run(&["gateway", "start", "--json"]).ok().json();
    assert_eq!(
        (&again["supervisor"]["rung"], &again["supervisor"]["problem"]),
        (&json!("normal"), &json!(null))
    );
    assert_eq!(home.run(&["health", "--json"]).ok().json()["ok"], true);
}
