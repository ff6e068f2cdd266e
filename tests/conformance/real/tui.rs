//! The real terminal UI in tmux: it connects, streams an answer, aborts a slow one, changes the session.

use std::process::Command;
use std::time::{Duration, Instant};

use bulkhead_tests::World;
use bulkhead_tests::openclaw::OpenClaw;
use bulkhead_tests::run::PATIENCE;

use super::{Scene, Side};

/// Pause between two looks: a terminal has no events to wait for.
const LOOK: Duration = Duration::from_millis(50);

/// A terminal of its own, in which one program runs. Dropping it ends the program.
struct Terminal<'a> {
    world: &'a World,
}

impl<'a> Terminal<'a> {
    fn open(openclaw: &OpenClaw, side: &'a Side) -> Self {
        let command = side.command(openclaw, &["tui"]);
        let mut words = vec!["env".to_owned()];
        for (name, value) in command.get_envs() {
            words.extend(value.map(|value| format!("{}={}", name.display(), value.display())));
        }
        words.push(command.get_program().display().to_string());
        words.extend(command.get_args().map(|arg| arg.display().to_string()));
        let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let terminal = Self { world: &side.home };
        let options = ["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40"];
        assert!(terminal.tmux().args(options).arg(line).status().expect("tmux starts").success());
        terminal
    }

    fn tmux(&self) -> Command {
        let mut command = self.world.command("tmux");
        command.env("TERM", "xterm-256color").arg("-S").arg(self.world.path("run/tmux"));
        command
    }

    fn keys(&self, keys: &[&str]) {
        assert!(self.tmux().arg("send-keys").args(keys).status().expect("tmux").success(), "{keys:?}");
    }

    /// Types a line and sends it.
    fn say(&self, line: &str) {
        self.keys(&["-l", line]);
        self.keys(&["Enter"]);
    }

    fn shown(&self) -> String {
        let out = self.tmux().args(["capture-pane", "-p"]).output().expect("tmux");
        String::from_utf8_lossy(&out.stdout).lines().filter(|line| !line.trim().is_empty()).fold(
            String::new(),
            |mut all, line| {
                all.push_str(line.trim_end());
                all.push('\n');
                all
            },
        )
    }

    /// Waits until the screen is as wanted.
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown();
            if wanted(&shown) {
                return shown;
            }
            assert!(Instant::now() < deadline, "not in time: {what}; the screen is\n{shown}");
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real OpenClaw: cargo xtask conformance"]
async fn real_openclaw_tui_chats_aborts_and_changes_the_session() {
    let scene = Scene::ours().await;
    tokio::task::spawn_blocking(move || {
        let terminal = Terminal::open(&scene.openclaw, &scene.ours);
        let idle = |shown: &str| shown.contains("connected | idle");
        terminal.until("connected", idle);

        terminal.say(r#"DO: say "al" . "pha""#);
        terminal.until("an answer", |shown| shown.lines().any(|line| line.trim() == "alpha") && idle(shown));

        terminal.say("SLOW 400");
        terminal.until("a streamed answer", |shown| shown.contains("word3") && shown.contains("streaming"));
        terminal.keys(&["Escape"]);
        let shown = terminal.until("aborted", |shown| {
            shown.contains("run aborted") && (idle(shown) || shown.contains("connected | aborted"))
        });
        assert!(!shown.contains("word20"), "the answer went on:\n{shown}");

        terminal.say("/session second");
        let shown = terminal.until("another session", |shown| {
            shown.contains("session agent:main:second") && idle(shown) && !shown.contains("alpha")
        });
        assert!(!shown.contains("word3"), "{shown}");
        terminal.say(r#"DO: say "be" . "ta""#);
        terminal.until("its answer", |shown| shown.lines().any(|line| line.trim() == "beta") && idle(shown));

        terminal.say("/session main");
        let shown = terminal.until("the first session again", |shown| {
            shown.contains("session agent:main:main") && shown.contains("alpha") && idle(shown)
        });
        assert!(!shown.contains("beta"), "{shown}");
        for problem in ["failed", "unknown method", "error"] {
            assert!(!shown.contains(problem), "the terminal UI says {problem:?}:\n{shown}");
        }
    })
    .await
    .expect("tui");
}
