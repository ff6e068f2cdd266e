//! From words to simple commands, and what is known of program names.

use super::lexer::{Segment, Word};
use super::{Hidden, Simple};

/// Words that begin or end a construct.
const RESERVED: &[&str] = &[
    "!", "{", "}", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for",
    "function", "if", "in", "select", "then", "time", "until", "while",
];

/// Builtins that run something else, or change what runs later.
const HIDING: &[&str] = &[
    ".",
    "alias",
    "bind",
    "builtin",
    "command",
    "complete",
    "declare",
    "enable",
    "eval",
    "exec",
    "export",
    "fc",
    "getopts",
    "hash",
    "let",
    "local",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "set",
    "shopt",
    "source",
    "trap",
    "typeset",
    "unalias",
    "unset",
];

/// Builtins of the shell that do nothing but say something.
const HARMLESS: &[&str] = &[":", "[", "cd", "echo", "exit", "false", "printf", "pwd", "test", "true"];

/// Programs whose business is to run what stands in their arguments: knowing their name says nothing.
const CARRIERS: &[&str] = &[
    "ash",
    "at",
    "bash",
    "batch",
    "bun",
    "busybox",
    "bwrap",
    "chroot",
    "cmd",
    "cmd.exe",
    "csh",
    "dash",
    "doas",
    "docker",
    "env",
    "entr",
    "expect",
    "find",
    "firejail",
    "fish",
    "flatpak",
    "flock",
    "gdb",
    "ionice",
    "ksh",
    "ld.so",
    "make",
    "nice",
    "nohup",
    "npx",
    "nsenter",
    "parallel",
    "pkexec",
    "podman",
    "powershell",
    "pwsh",
    "rbash",
    "rlwrap",
    "run-parts",
    "script",
    "setarch",
    "setpriv",
    "setsid",
    "sh",
    "socat",
    "ssh",
    "start-stop-daemon",
    "stdbuf",
    "strace",
    "su",
    "sudo",
    "systemd-run",
    "taskset",
    "tcsh",
    "time",
    "timeout",
    "tmux",
    "toybox",
    "unshare",
    "uvx",
    "watch",
    "xargs",
    "xdg-open",
    "zsh",
];

/// Whether the shell itself does it, and it does nothing but say something or change its directory.
pub fn is_builtin(name: &str) -> bool {
    HARMLESS.contains(&name)
}

/// Whether a program of this name runs what stands in its arguments.
pub fn is_carrier(name: &str) -> bool {
    CARRIERS.contains(&name) || name.starts_with("ld-linux") || name.starts_with("ld-musl")
}

/// Every segment as a simple command.
pub(super) fn simple_commands(segments: Vec<Segment>) -> Result<Vec<Simple>, Hidden> {
    let mut commands = Vec::new();
    let mut moved = false;
    for segment in segments {
        let Some(first) = segment.words.first() else { continue };
        check_program(first)?;
        let is_cd = first.text == "cd";
        commands.push(Simple {
            expands: segment.words.iter().any(|word| word.expands),
            moved,
            argv: segment.words.into_iter().map(|word| word.text).collect(),
        });
        moved |= is_cd;
    }
    if commands.is_empty() { Err(Hidden::Empty) } else { Ok(commands) }
}

fn check_program(word: &Word) -> Result<(), Hidden> {
    let text = word.text.as_str();
    if text.is_empty() {
        return Err(Hidden::Malformed);
    }
    // `[` is a program's name and no pattern when it stands alone.
    if word.expands && text != "[" {
        return Err(if text == "{" || text == "[[" { Hidden::Syntax } else { Hidden::Expansion });
    }
    if is_assignment(text) {
        return Err(Hidden::Assignment);
    }
    if !word.quoted && RESERVED.contains(&text) {
        return Err(Hidden::Syntax);
    }
    if HIDING.contains(&text) {
        return Err(Hidden::Builtin);
    }
    Ok(())
}

/// `NAME=…`, `NAME+=…`, `NAME[…]=…`. A quote in it may or may not make it one; it counts as one.
fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    let name = name.split('[').next().unwrap_or(name);
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
