//! The method table: one row per method, one file per family.
//!
//! A row here means that the method is served. `hello-ok.features`, scope checks, `gateway call --list`, the
//! reference page and the conformance tests all read this table.

use std::sync::LazyLock;

use crate::Scope;

pub mod agent;
pub mod agents;
pub mod approvals;
pub mod canvas;
pub mod channels;
pub mod chat;
pub mod config;
pub mod cron;
pub mod devices;
pub mod diagnostics;
pub mod health;
pub mod hooks;
pub mod identity;
pub mod logs;
pub mod models;
pub mod nodes;
pub mod questions;
pub mod rescue;
pub mod secrets;
pub mod sessions;
pub mod skills;
pub mod system;
pub mod tasks;
pub mod tools;
pub mod unserved;
pub mod usage;
pub mod wizard;

/// One row: what a method is called and what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodSpec {
    /// The method's name.
    pub name: &'static str,
    /// The least scope that may call it.
    pub scope: Scope,
    /// Some parameters ask for more than [`MethodSpec::scope`]; the method's own code says which.
    pub dynamic_scope: bool,
    /// Calling it twice does the same as calling it once: a client may repeat it after a lost connection.
    pub idempotent: bool,
    /// It is answered twice under one id, first `accepted`.
    pub two_phase: bool,
    /// `hello-ok.features` names it; those that it does not name are served all the same.
    pub advertised: bool,
    /// The version of `OpenClaw` that brought it; `bulkhead` for those that it does not have.
    pub since: &'static str,
    /// One line for people.
    pub summary: &'static str,
}

impl MethodSpec {
    const fn new(name: &'static str, scope: Scope, summary: &'static str) -> Self {
        Self {
            name,
            scope,
            dynamic_scope: false,
            idempotent: true,
            two_phase: false,
            advertised: true,
            since: "<=2026.7",
            summary,
        }
    }

    /// Calling it again does more.
    const fn once(mut self) -> Self {
        self.idempotent = false;
        self
    }

    const fn since(mut self, version: &'static str) -> Self {
        self.since = version;
        self
    }

    const fn dynamic(mut self) -> Self {
        self.dynamic_scope = true;
        self
    }

    const fn unadvertised(mut self) -> Self {
        self.advertised = false;
        self
    }

    const fn two_phase(mut self) -> Self {
        self.two_phase = true;
        self
    }
}

const FAMILIES: &[&[MethodSpec]] = &[
    health::ROWS,
    system::ROWS,
    identity::ROWS,
    hooks::ROWS,
    usage::ROWS,
    skills::ROWS,
    tools::ROWS,
    logs::ROWS,
    diagnostics::ROWS,
    channels::ROWS,
    config::ROWS,
    models::ROWS,
    agents::ROWS,
    sessions::ROWS,
    chat::ROWS,
    agent::ROWS,
    devices::ROWS,
    cron::ROWS,
    nodes::ROWS,
    canvas::ROWS,
    rescue::ROWS,
    secrets::ROWS,
    approvals::ROWS,
    questions::ROWS,
    tasks::ROWS,
    wizard::ROWS,
];

const COUNT: usize = {
    let (mut count, mut family) = (0, 0);
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
};

static TABLE: [MethodSpec; COUNT] = {
    let mut table = [FAMILIES[0][0]; COUNT];
    let (mut at, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            table[at] = FAMILIES[family][row];
            at += 1;
            row += 1;
        }
        family += 1;
    }
    table
};

/// Every method that is served.
pub static METHODS: &[MethodSpec] = &TABLE;

/// The row of a method, if it is served.
pub fn spec(name: &str) -> Option<&'static MethodSpec> {
    static BY_NAME: LazyLock<Vec<&'static MethodSpec>> = LazyLock::new(|| {
        let mut rows: Vec<_> = METHODS.iter().collect();
        rows.sort_unstable_by_key(|row| row.name);
        rows
    });
    let at = BY_NAME.binary_search_by(|row| row.name.cmp(name)).ok()?;
    BY_NAME.get(at).copied()
}

/// Names for `hello-ok.features.methods`.
pub fn names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|row| row.name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_row_is_found_and_none_is_there_twice() {
        for row in METHODS {
            assert_eq!(spec(row.name), Some(row));
        }
        let mut all: Vec<_> = names().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), METHODS.len());
        assert_eq!(spec("no.such.method"), None);
    }

    /// So many methods `OpenClaw` 2026.9.6 has, with those that it does not advertise.
    const KNOWN: usize = 489;

    #[test]
    fn each_known_name_is_served_or_has_a_reason() {
        let mut reasons = HashSet::new();
        for (name, reason) in unserved::methods() {
            assert!(reasons.insert(name), "{name} has two reasons");
            assert!(spec(name).is_none(), "{name} is served now: take it out of unserved/");
            assert!(reason.ends_with('.'), "{name}: {reason}");
        }
        let theirs = METHODS.iter().filter(|row| row.since != "bulkhead").map(|row| row.name);
        let known: HashSet<_> = theirs.chain(reasons).chain(["connect"]).collect();
        assert_eq!(known.len(), KNOWN, "a method that is served no more needs its reason in unserved/");
    }
}
