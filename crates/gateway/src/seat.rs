//! The browser seat of this gateway: its control service, and the tool with which agents use it.
//!
//! Nothing is launched before somebody asks. A control port that is taken disables the seat and nothing else.

mod tool;

use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_agent::Tool;
use bulkhead_agent::tools::{forbidden_address, forbidden_name};
use bulkhead_browser::{AddressRules, BrowserSeat, ControlService, Reach, SeatSettings};
use bulkhead_profile::Ports;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::gateway::Gateway;

/// The seat, while it is on.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    taken: Mutex<Option<Taken>>,
    /// Why there is none, though there should be one.
    problem: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Taken {
    seat: BrowserSeat,
    port: u16,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Seat {
    /// The tool, while the seat is on.
    pub(crate) fn tool(&self) -> Option<Arc<dyn Tool>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.as_ref().map(|taken| Arc::new(tool::BrowserTool::new(taken.seat.clone())) as Arc<dyn Tool>)
    }

    /// How it is, for `status`.
    pub(crate) fn view(&self) -> Value {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "enabled": taken.is_some() || problem.is_some(),
            "controlPort": taken.as_ref().map(|taken| taken.port),
            "problem": *problem,
        })
    }

    /// Brings the seat to what configuration and secrets ask for.
    pub(crate) async fn apply(&self, gateway: &Gateway) {
        let wanted = match wanted(gateway) {
            Ok(wanted) => wanted,
            Err(problem) => {
                self.tell(Some(problem));
                None
            }
        };
        let unchanged = {
            let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            match (&*taken, &wanted) {
                (Some(taken), Some(wanted)) => taken.seat.settings().same_as(wanted),
                (None, None) => true,
                _ => false,
            }
        };
        if unchanged {
            return;
        }
        self.stop().await;
        let Some(settings) = wanted else { return };
        match take(settings).await {
            Ok(taken) => {
                self.tell(None);
                *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(taken);
            }
            Err(problem) => self.tell(Some(problem)),
        }
    }

    /// Ends the service and every browser that it started.
    pub(crate) async fn stop(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(taken) = taken {
            taken.stop.cancel();
            let _ = taken.serving.await;
        }
    }

    fn tell(&self, problem: Option<String>) {
        if let Some(problem) = &problem {
            tracing::warn!("the browser seat is off: {problem}");
        }
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}

/// The settings of the seat; `None` when there should be none.
fn wanted(gateway: &Gateway) -> Result<Option<SeatSettings>, String> {
    let settings = gateway.settings.now();
    let off = settings.config.browser.enabled == Some(false) || settings.unconfigured;
    if off || gateway.safe_mode || gateway.credentials.waiting() || gateway.stop.is_cancelled() {
        return Ok(None);
    }
    // The control service asks for the gateway's own secret; without one there is nothing to ask for.
    let Some(token) = gateway.access_policy().shared_secret.clone() else { return Ok(None) };
    let ports = Ports::new(gateway.port).map_err(|error| error.to_string())?;
    let environment = (*settings.environment).clone();
    let rules = AddressRules { address: forbidden_address, name: forbidden_name };
    let seat = SeatSettings::new(gateway.place.clone(), ports, environment, token, Reach::Public(rules));
    Ok(Some(seat.with_config(&settings.config.browser)))
}

async fn take(settings: SeatSettings) -> Result<Taken, String> {
    let seat = BrowserSeat::new(settings).map_err(|error| error.to_string())?;
    let service = ControlService::bind(seat.clone()).await.map_err(|error| error.to_string())?;
    let port = service.port();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(service.serve(stop.clone()));
    Ok(Taken { seat, port, stop, serving })
}
