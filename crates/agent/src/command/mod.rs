//! What a shell command would run, read without running it. Pure but for [`SystemPrograms`].
//!
//! The reader knows a small, plain part of the shell's language: simple commands joined by `;`, `&`, `&&`, `||`, `|` and
//! line breaks. Whatever could hide a program from it makes the whole command [`Reading::Hidden`], and then a person has to
//! look at it. It errs on that side only.

mod lexer;
mod programs;
mod words;

pub use programs::{Programs, Resolved, SystemPrograms, resolve_on_path};
pub use words::{is_builtin, is_carrier};

/// One command of a chain or pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simple {
    /// The program and its arguments, quotes taken off. A word that the shell would expand stands here as it was written.
    pub argv: Vec<String>,
    /// Whether the shell would change an argument (variables, patterns, `~`).
    pub expands: bool,
    /// Whether a `cd` came before it, so that the directory is not the one that the whole began in.
    pub moved: bool,
}

impl Simple {
    /// The program as it was written.
    pub fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }
}

/// What could not be seen through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// `$(…)` or backticks.
    Substitution,
    /// `${…}`, `$'…'`, or a variable, pattern or `~` where a program stands.
    Expansion,
    /// `(…)`, `{ …; }`.
    Group,
    /// `if`, `for`, `case`, `!`, functions.
    Syntax,
    /// A file that is read or written by the shell itself.
    Redirection,
    /// `NAME=value`, before a command or alone: it can change what runs.
    Assignment,
    /// `eval`, `exec`, `.`, `export` and their kind.
    Builtin,
    /// A quote that is never closed, or a character that has no business there.
    Malformed,
    /// Nothing to run.
    Empty,
}

impl Hidden {
    /// For people: what was found.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Substitution => "it runs another command for its words",
            Self::Expansion => "what runs depends on an expansion",
            Self::Group => "it groups commands",
            Self::Syntax => "it is a script, not a plain command",
            Self::Redirection => "it redirects to or from a file",
            Self::Assignment => "it sets variables",
            Self::Builtin => "it changes or replaces the shell",
            Self::Malformed => "it cannot be read for sure",
            Self::Empty => "there is nothing to run",
        }
    }
}

/// What a command is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Every program of it stands here.
    Plain(Vec<Simple>),
    /// Something in it hides what would run.
    Hidden(Hidden),
}

/// Longer commands are not read; somebody has to look at them.
const LONGEST: usize = 16 * 1024;

/// Reads a command for `/bin/sh -c`.
///
/// ```
/// use bulkhead_agent::command::{Hidden, Reading, read};
/// let Reading::Plain(simple) = read("git log | head -3") else { panic!() };
/// assert_eq!(simple[1].argv, ["head", "-3"]);
/// assert_eq!(read("ls $(rm x)"), Reading::Hidden(Hidden::Substitution));
/// ```
pub fn read(command: &str) -> Reading {
    if command.len() > LONGEST {
        return Reading::Hidden(Hidden::Malformed);
    }
    match lexer::segments(command).and_then(words::simple_commands) {
        Ok(simple) => Reading::Plain(simple),
        Err(hidden) => Reading::Hidden(hidden),
    }
}

#[cfg(test)]
mod tests;
