//! Secrets stay where they belong when something breaks: a full disk, a state directory that can't be written, a panic.
//! Everything at trace level, with a script (a mount namespace of its own, a library that breaks threads) around the real
//! gateway, which knows nothing of it.

use crate::outside::{Bot, Outside, Profile, word};
use crate::processes::until;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World, programs, search};
use std::path::{Path, PathBuf};
use std::process::Output;

const PERSON: i64 = 7007;

/// A profile with planted secrets, in a world that logs everything.
struct Planted {
    world: World,
    outside: Outside,
    bot: Bot,
    main: Profile,
    /// What commands printed.
    said: String,
}

impl Planted {
    async fn new() -> Self {
        let outside = Outside::new().await;
        let mut world = World::new();
        let bot = outside.bot("faulty_bot");
        let main = outside.onboard(&world, "main", Some(&bot), "file");
        world.set("BULKHEAD_LOG_LEVEL", "trace");
        Self { world, outside, bot, main, said: String::new() }
    }

    /// `sh` with the gateway's program as `$1` and its state directory as `$2`, with mounts of its own.
    fn in_own_mounts(&self, script: &str) -> Running {
        let mut command = self.world.command("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-ec", script, "sh"]);
        command.arg(programs::bulkhead()).arg(self.state());
        Running::start(command)
    }

    /// Lets the gateway run once while all is well.
    async fn paired(&self) {
        let mut gateway = self.main.running(&self.world).await;
        self.bot.pair(&self.world, &self.main, PERSON).await;
        self.bot.ask(PERSON, "ECHO all is well", "all is well").await;
        gateway.signal("TERM");
        gateway.wait();
    }

    fn state(&self) -> PathBuf {
        self.world.path(".bulkhead")
    }

    fn note(&mut self, out: &Output) {
        self.said.push_str(&text(out));
    }

    /// Asks over the protocol and over Telegram, with the right secret and with a wrong one.
    fn stir(&mut self) {
        let ask = self.world.bulkhead(&["agent", "--message", "ECHO stirred", "--timeout", "10"]);
        self.note(&ask);
        let url = format!("ws://127.0.0.1:{}", self.main.port);
        let wrong = format!("wrong-{}", word(20));
        for words in [
            &["health", "--url", &url, "--token", &wrong][..],
            &["channels", "status"],
            &["models", "probe"],
            &["config", "set", "gateway.controlUi.enabled", "true"],
            &["gateway", "call", "chat.history", "--params", "{\"sessionKey\":\"main\"}"],
        ] {
            let out = self.world.bulkhead(words);
            self.note(&out);
        }
        self.bot.control.say(PERSON, "ECHO stirred");
    }

    /// The secrets are where they were put, and nowhere else: not in files (as the gateway sees them and as we do), not in
    /// processes, not in anything that was printed.
    fn assert_kept(&self, gateway: &mut Running, own_root: Option<&Path>) {
        let kept = self.world.path(".config/bulkhead/secrets");
        let inside = own_root.map(|root| root.join(self.state().strip_prefix("/").expect("absolute")));
        let half = self.bot.token.split(':').nth(1).expect("a token");
        for secret in [self.bot.token.as_str(), half, &self.outside.key, &self.main.token] {
            let files = search::files_with(self.world.home(), secret, |path| path.starts_with(&kept));
            assert!(files.is_empty(), "in files: {files:?}");
            if let Some(inside) = &inside {
                assert!(inside.join("bulkhead.json").exists(), "{} is not to be seen", inside.display());
                let files = search::files_with(inside, secret, |_| false);
                assert!(files.is_empty(), "in files: {files:?}");
            }
            let processes = search::processes_with(secret);
            assert!(processes.is_empty(), "in processes: {processes:?}");
            assert!(!search::leaks(gateway.output().as_bytes(), secret), "in the gateway's output");
            assert!(!search::leaks(self.said.as_bytes(), secret), "in what commands printed: {}", self.said);
        }
        let seen = format!("{:?}", self.outside.model.control.requests());
        assert!(seen.contains(&self.outside.key), "the key went where it belongs");
        assert!(!self.bot.control.calls().is_empty(), "the bot token went where it belongs");
    }
}

/// Writes until nothing fits any more.
fn fill(folder: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(folder.join("filler")).expect("a file that fills the disk");
    for size in [65_536, 1024, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk() {
    let mut planted = Planted::new().await;
    planted.paired().await;
    let mut gateway = planted.in_own_mounts(
        "mkdir \"$2.small\"; mount -t tmpfs -o size=6m tmpfs \"$2.small\"; cp -a \"$2/.\" \"$2.small/\"; \
         mount --bind \"$2.small\" \"$2\"; exec \"$1\" gateway run",
    );
    planted.main.answers().await;
    planted.bot.ask(PERSON, "ECHO there is room", "there is room").await;
    let root = PathBuf::from(format!("/proc/{}/root", gateway.id()));
    let state = root.join(planted.state().strip_prefix("/").expect("absolute"));
    fill(&state);
    planted.stir();
    planted.stir();
    planted.assert_kept(&mut gateway, Some(&root));
    // It says so, and lives.
    let url = format!("http://127.0.0.1:{}/healthz", planted.main.port);
    assert!(crate::outside::client().get(url).send().await.expect("an answer").status().is_success());
    assert_eq!(std::fs::read(state.join("filler")).expect("filler").last(), Some(&0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_cannot_be_written() {
    let mut planted = Planted::new().await;
    planted.paired().await;
    let mut gateway = planted.in_own_mounts(
        "mount --bind \"$2\" \"$2\"; mount -o remount,ro,bind \"$2\"; exec \"$1\" gateway run",
    );
    let status = gateway.wait();
    assert_eq!(status.code(), Some(1), "{}", gateway.output());
    let said = gateway.output();
    for part in [planted.state().display().to_string().as_str(), "expected", "ead-only"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    planted.stir();
    planted.assert_kept(&mut gateway, None);
}

/// A library that makes new threads impossible once a file exists: the way to a panic that needs nothing in the program.
const NO_THREADS: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*work)(void *), void *with) {
    const char *flag = getenv("NO_MORE_THREADS");
    if (flag && access(flag, F_OK) == 0) return ENOMEM;
    return ((create *)dlsym(RTLD_NEXT, "pthread_create"))(thread, how, work, with);
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_panic() {
    let mut planted = Planted::new().await;
    let (source, library) = (planted.world.path("threads.c"), planted.world.path("threads.so"));
    std::fs::write(&source, NO_THREADS).expect("source");
    let cc = planted.world.command("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).output();
    let cc = cc.expect("a C compiler: the programs were built with one");
    assert!(cc.status.success(), "{}", text(&cc));
    let flag = planted.world.path("no-more-threads");
    let mut command = planted.world.command(programs::bulkhead());
    command.args(["gateway", "run"]).env("LD_PRELOAD", &library).env("NO_MORE_THREADS", &flag);
    let mut gateway = Running::start(command);
    planted.main.answers().await;
    planted.bot.pair(&planted.world, &planted.main, PERSON).await;
    planted.bot.ask(PERSON, "ECHO there are threads", "there are threads").await;

    std::fs::write(&flag, "").expect("flag");
    let log = planted.world.path(".bulkhead/logs/gateway.jsonl");
    let panicked = || std::fs::read_to_string(&log).unwrap_or_default().contains("internal error at");
    // Threads that rest are used first: several at a time need a new one.
    until("a panic is in the log", || {
        std::thread::scope(|scope| {
            for number in 0..6 {
                let world = &planted.world;
                scope.spawn(move || {
                    let session = format!("s{number}");
                    world.bulkhead(&[
                        "agent",
                        "--session-id",
                        &session,
                        "--timeout",
                        "5",
                        "--message",
                        "ECHO x",
                    ])
                });
            }
        });
        panicked()
    })
    .await;
    std::fs::remove_file(&flag).expect("flag");
    planted.stir();
    planted.assert_kept(&mut gateway, None);
    assert_eq!(
        planted.bot.ask(PERSON, "ECHO it goes on", "it goes on").await.trim(),
        "it goes on",
        "a panic ends what it was in, and nothing else"
    );
}
