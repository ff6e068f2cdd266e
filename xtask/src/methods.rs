//! `cargo xtask methods`: the page of protocol methods, made from the tables that the gateway itself reads.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bulkhead_protocol::methods::{self, MethodSpec, unserved};
use bulkhead_protocol::{METHODS, events};

use crate::tools;

/// Writes the page.
pub fn write() -> Result<()> {
    std::fs::write(path(), page()).with_context(|| format!("could not write {}", path().display()))
}

fn path() -> PathBuf {
    tools::root().join("docs/protocol-methods.md")
}

const HEAD: &str = "# Methods of the gateway protocol
<!-- Written by `cargo xtask methods` from crates/protocol/src/methods; a test fails when it is stale. -->

The gateway speaks the OpenClaw gateway protocol, version 4, so clients of OpenClaw can be used with it. This page lists every method of
OpenClaw 2026.9.6 with what this gateway makes of it, and the methods that only this gateway has.

*Scope* is the least one that may call a method; `*` says that some parameters ask for more. *Since* is the version of OpenClaw that
brought it. *Idempotent* methods may be called again after a lost connection without doing more; the others are repeated under the same
`idempotencyKey` where they take one. A method that is not served is answered `unknown method: NAME`, with the reason in
`error.details.reason`. `connect`, the first request of every connection, is counted and not listed.

";

fn page() -> String {
    let (ours, served): (Vec<_>, Vec<_>) = METHODS.iter().partition(|row| row.since == "bulkhead");
    let unserved = unserved::methods().count();
    let mut page = String::from(HEAD);
    let _ = writeln!(
        page,
        "**{} of the {} methods of OpenClaw are served, {unserved} are not; {} methods are our own; {} events are sent.**",
        // `connect` is the handshake: it has no row in the table.
        served.len() + 1,
        served.len() + 1 + unserved,
        ours.len(),
        events::EVENTS.len(),
    );
    page.push_str("\n## Served\n");
    table(&mut page, served);
    page.push_str("\n## Our own\n");
    table(&mut page, ours);
    page.push_str("\n## Not served\n");
    for row in unserved::rows() {
        let mut names: Vec<_> = row.names.iter().filter(|name| methods::spec(name).is_none()).collect();
        names.sort_unstable();
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        if !names.is_empty() {
            let _ = write!(page, "\n**{}**\n{}\n", row.reason, names.join(", "));
        }
    }
    page.push_str("\n## Events\n\n| event | scope | a slow reader may miss it |\n|---|---|---|\n");
    let mut rows: Vec<_> = events::EVENTS.iter().collect();
    rows.sort_unstable_by_key(|row| row.name);
    for row in rows {
        let scope = row.scope.map_or("everybody", |scope| scope.as_str());
        let _ = writeln!(page, "| `{}` | {scope} | {} |", row.name, yes(row.droppable));
    }
    page
}

fn table(page: &mut String, mut rows: Vec<&MethodSpec>) {
    rows.sort_unstable_by_key(|row| row.name);
    page.push_str("\n| method | scope | since | idempotent | what it does |\n|---|---|---|---|---|\n");
    for row in rows {
        let more = if row.dynamic_scope { " *" } else { "" };
        let _ = writeln!(
            page,
            "| `{}` | {}{more} | {} | {} | {} |",
            row.name,
            row.scope.as_str(),
            row.since,
            yes(row.idempotent),
            row.summary.replace('|', "\\|")
        );
    }
}

const fn yes(it: bool) -> &'static str {
    if it { "yes" } else { "" }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_of_methods_is_what_the_table_says() {
        let kept = std::fs::read_to_string(super::path()).unwrap_or_default().replace("\r\n", "\n");
        assert!(kept == super::page(), "docs/protocol-methods.md is stale: run `cargo xtask methods`");
    }
}
