//! Wizards that run: who asked for them, how far they are, and when they are forgotten. What they ask is in [`script`],
//! what an answer has to be in [`answers`], what follows in [`changes`].

pub(crate) mod answers;
pub(crate) mod changes;
pub(crate) mod script;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use script::Script;

/// A wizard that nobody answers is forgotten after this long.
const PATIENCE: Duration = Duration::from_mins(15);
/// Wizards that run at one time.
const MOST: usize = 16;

/// The wizards that run.
#[derive(Debug, Default)]
pub(crate) struct Wizards {
    running: Mutex<HashMap<String, Running>>,
}

#[derive(Debug)]
struct Running {
    /// Who asked for it; nobody else may answer.
    owner: String,
    script: Script,
    touched: Instant,
}

/// Too many run already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Wizards {
    fn lock(&self, now: Instant) -> MutexGuard<'_, HashMap<String, Running>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, one| now.saturating_duration_since(one.touched) < PATIENCE);
        running
    }

    /// Keeps a new one. One that the same owner left unfinished is forgotten: it changed nothing.
    pub(crate) fn begin(&self, owner: &str, script: Script, now: Instant) -> Result<String, TooMany> {
        let mut running = self.lock(now);
        running.retain(|_, one| one.owner != owner);
        if running.len() >= MOST {
            return Err(TooMany);
        }
        let id = uuid::Uuid::new_v4().to_string();
        running.insert(id.clone(), Running { owner: owner.to_owned(), script, touched: now });
        Ok(id)
    }

    /// Does something with the script of one that the owner may answer.
    pub(crate) fn with<T>(
        &self,
        owner: &str,
        id: &str,
        now: Instant,
        act: impl FnOnce(&mut Script) -> T,
    ) -> Option<T> {
        let mut running = self.lock(now);
        let found = running.get_mut(id).filter(|one| one.owner == owner)?;
        found.touched = now;
        Some(act(&mut found.script))
    }

    /// Ends one and hands its script out.
    pub(crate) fn end(&self, owner: &str, id: &str, now: Instant) -> Option<Script> {
        let mut running = self.lock(now);
        running.get(id).filter(|one| one.owner == owner)?;
        running.remove(id).map(|one| one.script)
    }
}

#[cfg(test)]
mod tests {
    use super::script::Known;
    use super::*;

    fn script() -> Script {
        Script::new(Known::default(), bulkhead_protocol::methods::wizard::WizardFlow::Setup)
    }

    #[test]
    fn one_wizard_an_owner_for_a_while() {
        let (wizards, now) = (Wizards::default(), Instant::now());
        let first = wizards.begin("a", script(), now).unwrap();
        assert!(wizards.with("b", &first, now, |_| ()).is_none(), "somebody else's");
        let second = wizards.begin("a", script(), now).unwrap();
        assert!(wizards.with("a", &first, now, |_| ()).is_none(), "a new one takes its place");
        let later = now + PATIENCE / 2;
        assert!(wizards.with("a", &second, later, |_| ()).is_some());
        assert!(wizards.with("a", &second, now + PATIENCE, |_| ()).is_some(), "an answer keeps it");
        assert!(wizards.end("a", &second, now + PATIENCE * 3).is_none(), "forgotten");
        for n in 0..MOST {
            wizards.begin(&n.to_string(), script(), now).unwrap();
        }
        assert_eq!(wizards.begin("one more", script(), now), Err(TooMany));
    }
}
