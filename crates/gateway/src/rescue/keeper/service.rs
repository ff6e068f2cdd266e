//! The service of the watched profile: asked off the async threads, since a service manager may take seconds.

use std::sync::Arc;

use bulkhead_profile::{Environment, Place};
use bulkhead_rescue::{Refusal, RefusalKind};
use bulkhead_service::{Scope, Service, ServiceError, ServiceSpec};

use super::bundled::blocking;

/// The service of one profile.
#[derive(Clone)]
pub(super) struct Services {
    place: Place,
    env: Arc<Environment>,
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn failed(error: ServiceError) -> Refusal {
    Refusal::new(RefusalKind::Failed, error.to_string())
}

impl Services {
    pub(super) fn new(place: Place, env: Arc<Environment>) -> Self {
        Self { place, env }
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(Service, &Place, &Environment) -> T + Send + 'static,
    ) -> Option<T> {
        let (place, env) = (self.place.clone(), Arc::clone(&self.env));
        blocking(move || work(Service::find(&place, &env), &place, &env)).await
    }

    async fn done(
        &self,
        work: impl FnOnce(Service, &Place, &Environment) -> Result<(), ServiceError> + Send + 'static,
    ) -> Result<(), Refusal> {
        let interrupted = || Refusal::new(RefusalKind::Failed, "asking the service manager was interrupted");
        self.with(work).await.ok_or_else(interrupted)?.map_err(failed)
    }

    /// Whether services work on this machine.
    pub(super) async fn available(&self) -> bool {
        self.with(|service, _, _| service.available().is_ok()).await == Some(true)
    }

    /// Whether this profile has one.
    pub(super) async fn installed(&self) -> bool {
        self.with(|service, _, _| service.is_installed()).await == Some(true)
    }

    /// Whether it starts by itself; one that could not be asked counts as yes.
    pub(super) async fn enabled(&self) -> bool {
        self.with(|service, _, _| service.status(None).enabled != Some(false)).await != Some(false)
    }

    /// Starts it.
    pub(super) async fn start(&self) -> Result<(), Refusal> {
        self.done(|service, _, _| service.start()).await
    }

    /// Installs it with this program, or puts right what differs, and lets it start by itself.
    pub(super) async fn install(&self, port: u16) -> Result<(), Refusal> {
        let program = std::env::current_exe().map_err(|error| {
            let message =
                format!("this program's own path is not known ({error}), so no service was installed");
            Refusal::new(RefusalKind::Failed, message)
        })?;
        self.done(move |service, place, env| {
            let scope: Scope = service.scope().clone();
            let spec = ServiceSpec::new(place, env, &program, port, scope)?;
            service.install(&spec, false).map(drop)
        })
        .await
    }
}
