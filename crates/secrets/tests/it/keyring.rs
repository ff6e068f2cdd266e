//! A real keyring daemon on a private session bus.
//!
//! Each test starts this binary again inside `dbus-run-session`, with a home of its own; the inner part is the ignored
//! test of the same name.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bulkhead_secrets::{KeychainStore, SecretError, SecretId, SecretStore, probe};
use secrecy::{ExposeSecret, SecretString};

const SERVICE: &str = "ai.bulkhead.test";

fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

struct Session {
    home: tempfile::TempDir,
    bus_config: Option<PathBuf>,
}

impl Session {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        for dir in ["run", ".local/share"] {
            fs::create_dir_all(home.path().join(dir)).unwrap();
        }
        fs::set_permissions(home.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        Self { home, bus_config: None }
    }

    /// A bus that can start no service by itself.
    fn without_services(mut self) -> Self {
        let path = self.home.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:dir={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            self.home.path().join("run").display()
        );
        fs::write(&path, text).unwrap();
        self.bus_config = Some(path);
        self
    }

    /// Runs a shell line and the inner test on a new session bus; returns what the inner test printed.
    fn run(&self, before: &str, inner: &str) -> String {
        let mut command = Command::new("dbus-run-session");
        if let Some(config) = &self.bus_config {
            command.arg("--config-file").arg(config);
        }
        let script = format!(
            "{before}\n\"$TEST_BINARY\" --exact keyring::{inner} --ignored --nocapture; code=$?; \
             [ -n \"$DAEMON\" ] && kill $DAEMON; exit $code"
        );
        self.finish(command.arg("--").arg("sh").arg("-c").arg(script))
    }

    fn finish(&self, command: &mut Command) -> String {
        let output = command
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.home.path().join("run"))
            .env("XDG_DATA_HOME", self.home.path().join(".local/share"))
            .env("TEST_BINARY", std::env::current_exe().unwrap())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

const UNLOCKED: &str = "printf pass | gnome-keyring-daemon --unlock --components=secrets --foreground >/dev/null 2>&1 & DAEMON=$!\n\
     until secret-tool store --label=ready ready yes </dev/null >/dev/null 2>&1; do :; done";
const NOT_UNLOCKED: &str = "gnome-keyring-daemon --start --components=secrets --foreground >/dev/null 2>&1 & DAEMON=$!\n\
     until dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets org.freedesktop.DBus.Peer.Ping >/dev/null 2>&1; do :; done";

fn store() -> KeychainStore {
    KeychainStore::new(SERVICE)
}

fn print_error(error: &SecretError) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ERROR [{}] {error}", error.code()).unwrap();
}

fn error_line(text: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix("ERROR ")).unwrap_or("no error").to_owned()
}

#[test]
fn an_open_keychain_keeps_reads_and_forgets() {
    if installed("dbus-run-session") && installed("gnome-keyring-daemon") && installed("secret-tool") {
        Session::new().run(UNLOCKED, "inner_open");
    }
}

#[tokio::test]
#[ignore = "runs inside the session that the test above makes"]
async fn inner_open() {
    let (store, id) = (store(), SecretId::telegram_bot_token());
    assert_eq!(store.get(&id).await.unwrap_err().code(), "secret.not-found");
    store.set(&id, &SecretString::from("1:real")).await.unwrap();
    store.set(&id, &SecretString::from("2:real")).await.unwrap();
    assert_eq!(store.get(&id).await.unwrap().expose_secret(), "2:real");
    let seen = Command::new("secret-tool")
        .args(["lookup", "service", SERVICE, "username", id.as_str()])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&seen.stdout), "2:real");
    let other = KeychainStore::new("ai.bulkhead.other");
    assert_eq!(other.get(&id).await.unwrap_err().code(), "secret.not-found", "namespaces are apart");
    probe(&store).await.unwrap();
    let many = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let id = SecretId::parse(&format!("n/{n}")).unwrap();
            store.set(&id, &SecretString::from(format!("{n}"))).await.unwrap();
            assert_eq!(store.get(&id).await.unwrap().expose_secret(), format!("{n}"));
        })
    });
    for task in many.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert!(store.delete(&id).await.unwrap());
    assert!(!store.delete(&id).await.unwrap());
}

#[test]
fn what_people_read_when_the_keychain_does_not_work() {
    if !(installed("dbus-run-session") && installed("gnome-keyring-daemon") && installed("secret-tool")) {
        return;
    }
    let locked = Session::new();
    locked.run(UNLOCKED, "inner_open");
    let mut report = vec![
        ("locked, no display", error_line(&locked.run(NOT_UNLOCKED, "inner_error"))),
        ("no keychain set up", error_line(&Session::new().run(NOT_UNLOCKED, "inner_error"))),
        ("no service on the bus", error_line(&Session::new().without_services().run("true", "inner_error"))),
    ];
    let room = Session::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "keyring::inner_error", "--ignored", "--nocapture"])
        .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", Path::new("/nonexistent/bus").display()));
    report.push(("no bus", error_line(&room.finish(&mut command))));
    let report: Vec<String> = report.into_iter().map(|(case, text)| format!("{case}\n  {text}")).collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[tokio::test]
#[ignore = "runs inside the sessions that the test above makes"]
async fn inner_error() {
    match store().set(&SecretId::gateway_token(), &SecretString::from("t")).await {
        Ok(()) => println!("it worked"),
        Err(error) => print_error(&error),
    }
}
