//! Colours; whoever prints takes them away where they cannot be seen.

use clap::builder::styling::{AnsiColor, Style};

fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// It works.
pub fn good(text: &str) -> String {
    painted(AnsiColor::Green.on_default(), text)
}

/// It works, but.
pub fn warn(text: &str) -> String {
    painted(AnsiColor::Yellow.on_default(), text)
}

/// It does not work.
pub fn bad(text: &str) -> String {
    painted(AnsiColor::Red.on_default().bold(), text)
}

/// Beside the point.
pub fn dim(text: &str) -> String {
    painted(Style::new().dimmed(), text)
}

/// A heading.
pub fn strong(text: &str) -> String {
    painted(Style::new().bold(), text)
}
