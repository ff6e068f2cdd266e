//! Can the models be asked? By what real answers ran into, and by the providers' lists of models.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_agent::{
    ModelInfo, ModelRequest, ModelStream, Provider, ProviderError, ProviderErrorKind, provider,
};
use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Trouble;
use crate::gateway::Gateway;

/// How long a list may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// A connection that failed is tried again after this before anybody is told: one lost packet is no outage.
const SECOND_LOOK: Duration = Duration::from_secs(1);
/// A provider that finds the questions too many is left alone for this long.
const LEFT_ALONE: Duration = Duration::from_mins(5);

/// How a trouble was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A real answer.
    Run,
    /// A list of models.
    Listing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Met {
    kind: ProviderErrorKind,
    by: By,
    trouble: Trouble,
}

/// What providers answered last, by their ids.
#[derive(Debug, Default)]
pub(crate) struct ModelTroubles {
    met: Mutex<BTreeMap<String, Met>>,
    changed: Notify,
}

impl ModelTroubles {
    /// Resolves when one began or ended.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The trouble with a provider.
    pub(crate) fn of(&self, provider: &str) -> Option<Trouble> {
        self.lock().get(provider).map(|met| met.trouble.clone())
    }

    /// Another configuration or another key: what was is no longer known to be so.
    pub(crate) fn forget(&self) {
        self.lock().clear();
        self.changed.notify_one();
    }

    fn note(&self, provider: &str, by: By, outcome: Result<(), &ProviderError>) {
        let mut met = self.lock();
        let before = met.get(provider);
        let after = after(before, by, outcome);
        if before == after.as_ref() {
            return;
        }
        match after {
            Some(after) => met.insert(provider.to_owned(), after),
            None => met.remove(provider),
        };
        drop(met);
        self.changed.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Met>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a provider after an answer of it. Pure.
fn after(before: Option<&Met>, by: By, outcome: Result<(), &ProviderError>) -> Option<Met> {
    use ProviderErrorKind::{KeyRejected, NotFound, Redirected, Settings, Timeout, Unavailable, Unreachable};
    match outcome {
        Ok(()) if by == By::Run => None,
        // A list that anybody may read says nothing about a key, and nothing about one model.
        Ok(()) => {
            before.filter(|met| met.by == By::Run && matches!(met.kind, KeyRejected | NotFound)).cloned()
        }
        Err(error) => {
            let telling = match error.kind {
                KeyRejected | Unreachable | Timeout | Unavailable | Settings | Redirected => true,
                // Not every provider has a list.
                NotFound => by == By::Run,
                _ => false,
            };
            if !telling {
                return before.cloned();
            }
            let trouble = Trouble { code: error.code().to_owned(), message: error.to_string() };
            Some(Met { kind: error.kind, by, trouble })
        }
    }
}

/// A provider whose answers are noted.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) inner: Arc<dyn Provider>,
    pub(crate) troubles: Arc<ModelTroubles>,
}

#[async_trait]
impl Provider for Noted {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn place(&self) -> &str {
        self.inner.place()
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ProviderError> {
        let id = self.inner.id().to_owned();
        let troubles = Arc::clone(&self.troubles);
        let stream = self.inner.stream(request).await;
        match stream {
            Ok(stream) => Ok(Box::pin(stream.inspect(move |event| {
                troubles.note(&id, By::Run, event.as_ref().map(drop));
            }))),
            Err(error) => {
                troubles.note(&id, By::Run, Err(&error));
                Err(error)
            }
        }
    }

    async fn list_models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        self.inner.list_models().await
    }
}

/// Asking for the lists of models, with patience.
#[derive(Debug, Default)]
pub(super) struct Listing {
    left_alone: BTreeMap<String, Instant>,
}

impl Listing {
    /// Asks the providers of the agents' first models.
    pub(super) async fn ask(&mut self, gateway: &Arc<Gateway>) {
        self.left_alone.retain(|_, until| *until > Instant::now());
        let settings = gateway.settings.now();
        let mut asked: Vec<String> = Vec::new();
        for which in settings.agents().into_iter().filter_map(|agent| agent.models.into_iter().next()) {
            if asked.contains(&which.provider) || self.left_alone.contains_key(&which.provider) {
                continue;
            }
            asked.push(which.provider.clone());
            // One that cannot be built is told by `Gateway::model_failures`.
            let Ok(provider) = gateway.models.provider(&settings, &which) else { continue };
            let outcome = match provider::list_models(&*provider, PATIENCE).await {
                Err(error) if is_connection(error.kind) => {
                    tokio::select! {
                        () = gateway.stop.cancelled() => return,
                        () = tokio::time::sleep(SECOND_LOOK) => {}
                    }
                    provider::list_models(&*provider, PATIENCE).await
                }
                first => first,
            };
            if let Err(error) = &outcome
                && error.kind == ProviderErrorKind::RateLimited
            {
                self.left_alone.insert(which.provider.clone(), Instant::now() + LEFT_ALONE);
            }
            // The key or the address may be others by now.
            if Arc::ptr_eq(&settings, &gateway.settings.now()) {
                gateway.models.troubles().note(&which.provider, By::Listing, outcome.as_ref().map(drop));
            }
        }
    }
}

fn is_connection(kind: ProviderErrorKind) -> bool {
    use ProviderErrorKind::{Timeout, Unavailable, Unreachable};
    matches!(kind, Timeout | Unavailable | Unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ProviderErrorKind) -> ProviderError {
        ProviderError {
            kind,
            provider: "x".into(),
            place: "http://x".into(),
            status: None,
            found: "no".to_owned(),
            retry_after: None,
        }
    }

    #[test]
    fn answers_count_and_lists_say_what_they_can() {
        let met = |by, kind| after(None, by, Err(&error(kind)));
        let rejected = met(By::Run, ProviderErrorKind::KeyRejected);
        assert_eq!(rejected.as_ref().unwrap().trouble.code, "model-key-rejected");
        assert_eq!(after(rejected.as_ref(), By::Listing, Ok(())), rejected, "a public list proves no key");
        assert_eq!(after(rejected.as_ref(), By::Run, Ok(())), None);
        let listed = met(By::Listing, ProviderErrorKind::KeyRejected);
        assert_eq!(after(listed.as_ref(), By::Listing, Ok(())), None);
        let down = met(By::Run, ProviderErrorKind::Unreachable);
        assert_eq!(after(down.as_ref(), By::Listing, Ok(())), None, "it can be reached again");
        assert_eq!(met(By::Listing, ProviderErrorKind::NotFound), None, "not every provider has a list");
        assert!(met(By::Run, ProviderErrorKind::NotFound).is_some());
        let filtered = error(ProviderErrorKind::Filtered);
        assert_eq!(after(None, By::Run, Err(&filtered)), None, "an answer that was held back is no outage");
        let busy = error(ProviderErrorKind::RateLimited);
        assert_eq!(after(rejected.as_ref(), By::Run, Err(&busy)), rejected);
    }
}
