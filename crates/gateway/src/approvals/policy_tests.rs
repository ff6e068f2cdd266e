use std::collections::HashMap;
use std::path::PathBuf;

use bulkhead_config::ExecMode;

use super::*;

/// Programs by name, with where they lead.
struct Known(HashMap<&'static str, (&'static str, &'static str)>);

impl Programs for Known {
    fn resolve(&self, name: &str, cwd: &Path) -> Option<Resolved> {
        if let Some((path, real)) = self.0.get(name) {
            return Some(Resolved { path: PathBuf::from(path), real: PathBuf::from(real) });
        }
        name.contains('/').then(|| Resolved { path: cwd.join(name), real: cwd.join(name) })
    }
}

fn known() -> Known {
    Known(HashMap::from([
        ("git", ("/usr/bin/git", "/usr/bin/git")),
        ("rg", ("/usr/bin/rg", "/usr/bin/rg")),
        ("head", ("/usr/bin/head", "/usr/bin/head")),
        ("env", ("/usr/bin/env", "/usr/bin/env")),
        ("sh", ("/bin/sh", "/usr/bin/dash")),
        ("xargs", ("/usr/bin/xargs", "/usr/bin/xargs")),
        ("python3", ("/usr/bin/python3", "/usr/bin/python3.11")),
        ("link", ("/work/bin/link", "/usr/bin/dash")),
        ("ls", ("/bin/ls", "/bin/busybox")),
        ("/usr/bin/git", ("/usr/bin/git", "/usr/bin/git")),
        ("/usr/bin/../../tmp/x", ("/usr/bin/../../tmp/x", "/tmp/x")),
    ]))
}

const MISS: Policy =
    Policy { security: ExecSecurity::Allowlist, ask: ExecAsk::OnMiss, fallback: ExecSecurity::Deny };

fn verdict(policy: Policy, command: &str, entries: &[Entry]) -> Verdict {
    let cwd = Path::new("/work");
    let plan = Plan::of(command, &known(), cwd);
    decide(policy, &plan, Ground { entries, cwd, home: Path::new("/home/ada") })
}

#[test]
fn a_command_runs_only_if_every_program_of_it_is_on_the_list() {
    let entries: Vec<Entry> =
        ["git", "/usr/bin/rg", "ls", "env", "/bin/sh", "sh", "xargs", "/work/bin/*", "/usr/bin/*"]
            .map(Entry::manual)
            .into();
    let narrow: Vec<Entry> = ["git", "/usr/bin/rg"].map(Entry::manual).into();
    for (command, entries, runs) in [
        ("git status", &narrow, true),
        ("git status && rg x", &narrow, true),
        ("git log | head", &narrow, false),
        ("git log | head", &entries, true),
        ("git log; rm x", &narrow, false),
        ("git log & nothing", &narrow, false),
        ("git log\nnothing", &narrow, false),
        ("git 'log; rm x'", &narrow, true),
        ("git log \"$(rm x)\"", &entries, false),
        ("git log `rm x`", &entries, false),
        ("git log > x", &entries, false),
        ("git log >/dev/null 2>&1", &narrow, true),
        ("GIT_PAGER=x git log", &entries, false),
        ("git log *.rs", &narrow, true),
        ("g*t log", &entries, false),
        ("$GIT log", &entries, false),
        // By its path it is not what a bare name allows.
        ("/usr/bin/git log", &narrow, false),
        ("/usr/bin/git log", &entries, true),
        ("./git log", &entries, false),
        ("/usr/bin/../../tmp/x", &entries, false),
        ("cd sub && git log", &narrow, true),
        ("cd sub && ./rg x", &entries, false),
        ("echo hello", &narrow, true),
        ("echo hello && rg x", &narrow, true),
        // What runs others, and links to it, needs more than its name.
        ("env rm x", &entries, false),
        ("sh -c 'rm x'", &entries, false),
        ("rg x | xargs rm", &entries, false),
        ("link -c x", &entries, false),
        // Many in one: which it is, its name says.
        ("ls -l", &entries, true),
        ("python3 x.py", &entries, true),
        ("unknown", &entries, false),
    ] {
        let found = verdict(MISS, command, entries);
        assert_eq!(matches!(found, Verdict::Run(_)), runs, "{command:?}: {found:?}");
        if !runs {
            assert!(matches!(found, Verdict::Ask { .. }), "{command:?}: {found:?}");
            let silent = Policy { ask: ExecAsk::Off, ..MISS };
            assert!(matches!(verdict(silent, command, entries), Verdict::Refuse(_)), "{command:?}");
        }
    }
}

#[test]
fn always_allows_the_same_again_and_nothing_beside_it() {
    let Verdict::Ask { always: Some(entries), .. } = verdict(MISS, "git log -3 | head -1", &[]) else {
        panic!()
    };
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.is_exact() && entry.id.is_some()));
    for (command, runs) in [
        ("git log -3 | head -1", true),
        ("git   log '-3'|head -1", true),
        ("git log -3", true),
        ("git log -4 | head -1", false),
        ("git log", false),
        ("cd x && git log -3", false),
    ] {
        assert_eq!(matches!(verdict(MISS, command, &entries), Verdict::Run(_)), runs, "{command}");
    }
    let elsewhere = Plan::of("git log -3", &known(), Path::new("/other"));
    let ground = Ground { entries: &entries, cwd: Path::new("/other"), home: Path::new("/home/ada") };
    assert!(matches!(decide(MISS, &elsewhere, ground), Verdict::Ask { .. }), "another folder");
    // A shell's exact command may be allowed for good; what cannot be read may not.
    assert!(matches!(verdict(MISS, "sh -c 'ls'", &[]), Verdict::Ask { always: Some(_), .. }));
    for command in ["ls $(x)", "unknown x", "cd x && git log", "git log > x"] {
        assert!(matches!(verdict(MISS, command, &[]), Verdict::Ask { always: None, .. }), "{command}");
    }
}

#[test]
fn arguments_can_be_bound_by_a_pattern() {
    let entry = Entry { arg_pattern: Some(r"^safe\.py( --\w+)?$".into()), ..Entry::manual("python3") };
    for (command, runs) in [
        ("python3 safe.py", true),
        ("python3 safe.py --fast", true),
        ("python3 other.py", false),
        ("python3 safe.py --fast x", false),
        ("python3 $X", false),
    ] {
        let found = verdict(MISS, command, std::slice::from_ref(&entry));
        assert_eq!(matches!(found, Verdict::Run(_)), runs, "{command}");
    }
    let broken = Entry { arg_pattern: Some("(".into()), ..Entry::manual("python3") };
    assert!(matches!(verdict(MISS, "python3 x", &[broken]), Verdict::Ask { .. }));
}

#[test]
fn security_and_ask_together() {
    use ExecAsk::{Always, Off, OnMiss};
    use ExecSecurity::{Allowlist, Deny, Full};
    let git = [Entry::manual("git")];
    for (security, ask, command, expected) in [
        (Deny, Off, "git x", "refuse"),
        (Deny, Always, "git x", "refuse"),
        (Allowlist, Off, "git x", "run"),
        (Allowlist, Off, "rg x", "refuse"),
        (Allowlist, OnMiss, "git x", "run"),
        (Allowlist, OnMiss, "rg x", "ask"),
        (Allowlist, Always, "git x", "ask"),
        (Full, Off, "rg $(x)", "run"),
        (Full, OnMiss, "rg x", "run"),
        (Full, Always, "git x", "ask"),
    ] {
        let policy = Policy { security, ask, fallback: Deny };
        let found = match verdict(policy, command, &git) {
            Verdict::Run(_) => "run",
            Verdict::Ask { .. } => "ask",
            Verdict::Refuse(_) => "refuse",
        };
        assert_eq!(found, expected, "{security:?} {ask:?} {command}");
    }
    assert!(matches!(
        verdict(Policy { ask: Always, ..MISS }, "git x", &git),
        Verdict::Ask { always: None, .. }
    ));
}

#[test]
fn nothing_runs_unless_the_file_says_so_and_channels_ask() {
    use ExecAsk::{Always, Off, OnMiss};
    use ExecSecurity::{Allowlist, Full};
    let none = Exec::default();
    let on = Exec { enabled: Some(true), ..Exec::default() };
    let off = Exec { enabled: Some(false), mode: Some(ExecMode::Full), ..Exec::default() };
    let ask = Exec { mode: Some(ExecMode::Ask), ..Exec::default() };
    let always = Exec { ask: Some(Always), ..Exec::default() };
    let deny = Exec { mode: Some(ExecMode::Deny), ..Exec::default() };
    for (everybody, agent, here, channel) in [
        (&none, &none, None, None),
        (&off, &none, None, None),
        (&on, &deny, None, None),
        (&on, &none, Some((Full, Off)), Some((Allowlist, OnMiss))),
        (&ask, &none, Some((Allowlist, OnMiss)), Some((Allowlist, OnMiss))),
        (&none, &ask, Some((Allowlist, OnMiss)), Some((Allowlist, OnMiss))),
        (&on, &always, Some((Full, Always)), Some((Allowlist, Always))),
        (&deny, &on, None, None),
    ] {
        assert_eq!(requested(everybody, agent, false), here, "{everybody:?} {agent:?}");
        assert_eq!(requested(everybody, agent, true), channel, "{everybody:?} {agent:?}");
    }
}
