//! Provoked errors: one row per error with its trigger, and a snapshot per row with the command, the exit code and the
//! exact text. Each message has to say where, what was found, what was expected and what to do next.
//!
//! A row is data: what is on the machine, what is run before, what is run, how it must end. [`scene`] makes it happen.

mod agents;
mod away;
mod browser;
mod configuration;
mod credentials;
mod places;
mod ports;
mod scene;
mod telegram;
mod words;

use scene::Scene;

/// What kind of machine the row happens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keychain {
    /// No session bus: a server, or a container.
    NoBus,
    /// A session bus on which nobody offers a keychain.
    NoService,
    /// A keychain that is there, and locked.
    Locked,
}

/// One provoked error.
pub struct Row {
    /// Name of the snapshot.
    pub name: &'static str,
    /// What is wrong, in words.
    pub trigger: &'static str,
    /// The machine's keychain.
    pub keychain: Keychain,
    /// Files under the home directory, with [`scene`]'s placeholders in their texts.
    pub files: &'static [(&'static str, &'static str)],
    /// What else is wrong on this machine.
    pub arrange: fn(&Scene),
    /// Variables, with placeholders.
    pub vars: &'static [(&'static str, &'static str)],
    /// Commands that must succeed before.
    pub before: &'static [&'static [&'static str]],
    /// Commands that are started and run until the end of the row; each is waited for until it is ready.
    pub running: &'static [&'static [&'static str]],
    /// Standard input of the command.
    pub input: &'static str,
    /// The command: words for `bulkhead`, with placeholders.
    pub run: &'static [&'static str],
    /// The command is repeated until it says this: a running gateway finds some faults out by itself.
    pub until: Option<&'static str>,
    /// How it must end.
    pub exit: i32,
}

/// A row in which nothing is wrong yet.
pub const ROW: Row = Row {
    name: "",
    trigger: "",
    keychain: Keychain::NoBus,
    files: &[],
    arrange: |_| {},
    vars: &[],
    before: &[],
    running: &[],
    input: "",
    run: &[],
    until: None,
    exit: 1,
};

/// Every row once, each on a machine of its own, and then one verdict over all.
async fn provoke(rows: &[Row]) {
    let mut wrong = Vec::new();
    for row in rows {
        let seen = Scene::new(row).await.play(row).await;
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path("snapshots");
        settings.set_omit_expression(true);
        settings.set_description(row.trigger);
        for (pattern, shown) in &seen.filters {
            settings.add_filter(pattern, shown.as_str());
        }
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            settings.bind(|| insta::assert_snapshot!(row.name, seen.told));
        }));
        if outcome.is_err() {
            wrong.push(format!("{}: another text than in its snapshot", row.name));
        }
        if seen.exit != Some(row.exit) {
            wrong.push(format!("{}: exit {:?}, expected {}\n{}", row.name, seen.exit, row.exit, seen.told));
        }
        // A message without what was expected leaves its reader with a fact and no way on.
        if !["xpected", "--help", "missing"].iter().any(|word| seen.told.contains(word)) {
            wrong.push(format!("{}: does not say what was expected:\n{}", row.name, seen.told));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
