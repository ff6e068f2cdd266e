//! The seat: the named browsers of one gateway profile, and what may be asked of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulkhead_process::port;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::endpoint::Endpoint;
use crate::error::BrowserError;
use crate::executable::{System, find_executable, is_program};
use crate::flags::{self, Manner};
use crate::launch::Launch;
use crate::policy::Gate;
use crate::ports::{Neighbours, PortBook, PortQuestion};
use crate::running::Running;
use crate::settings::{ProfileSettings, SeatSettings};
use crate::status::BrowserStatus;

/// The browsers of one gateway profile. Cheap to make and to clone: nothing runs and nothing is read before it is
/// asked for. When the last clone is dropped, the browsers that it started end.
#[derive(Clone)]
pub struct BrowserSeat {
    inner: Arc<Inner>,
}

/// A browser, if it was started. Locked while it starts or stops.
pub(crate) type Slot = Mutex<Option<Arc<Running>>>;

struct Inner {
    settings: SeatSettings,
    gate: Gate,
    slots: BTreeMap<String, Slot>,
    /// One choice of a port at a time.
    book: Arc<Mutex<()>>,
    closing: CancellationToken,
}

impl std::fmt::Debug for BrowserSeat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("BrowserSeat").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl BrowserSeat {
    /// Checks names and addresses; does nothing else.
    pub fn new(settings: SeatSettings) -> Result<Self, BrowserError> {
        settings.check()?;
        let slots = settings.profiles.keys().map(|name| (name.clone(), Mutex::default())).collect();
        let gate = Gate::new(settings.reach);
        Ok(Self {
            inner: Arc::new(Inner {
                settings,
                gate,
                slots,
                book: Arc::default(),
                closing: CancellationToken::new(),
            }),
        })
    }

    /// What it was made from.
    pub fn settings(&self) -> &SeatSettings {
        &self.inner.settings
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.inner.gate
    }

    /// The names of its browsers.
    pub fn profiles(&self) -> Vec<&str> {
        self.inner.slots.keys().map(String::as_str).collect()
    }

    pub(crate) fn find(&self, wanted: Option<&str>) -> Result<(&str, &ProfileSettings, &Slot), BrowserError> {
        let wanted = wanted.filter(|name| !name.is_empty()).unwrap_or(&self.inner.settings.default_profile);
        let slot = self.inner.slots.get_key_value(wanted);
        let settings = self.inner.settings.profiles.get(wanted);
        match (slot, settings) {
            (Some((name, slot)), Some(settings)) => Ok((name, settings, slot)),
            _ => Err(BrowserError::UnknownProfile {
                name: wanted.chars().take(60).collect(),
                known: self.profiles().join(", "),
            }),
        }
    }

    /// How a browser is doing.
    #[allow(clippy::unused_async)] // the same shape as its neighbours
    pub async fn status(&self, profile: Option<&str>) -> Result<BrowserStatus, BrowserError> {
        let (name, settings, slot) = self.find(profile)?;
        // While it starts or stops it does not run, and nobody has to wait to hear that.
        let running = slot.try_lock().ok().and_then(|slot| slot.clone()).filter(|running| running.is_alive());
        Ok(match running {
            Some(running) => running.status.clone(),
            None => self.resting(name, settings),
        })
    }

    /// How all of them are doing.
    pub async fn statuses(&self) -> Vec<BrowserStatus> {
        let mut all = Vec::new();
        for name in self.inner.slots.keys() {
            all.extend(self.status(Some(name)).await);
        }
        all
    }

    /// The status of a browser that does not run.
    fn resting(&self, name: &str, profile: &ProfileSettings) -> BrowserStatus {
        let settings = &self.inner.settings;
        let endpoint = profile.cdp_url.as_deref().and_then(|url| Endpoint::parse(url).ok());
        let attached = profile.cdp_url.is_some();
        let kept = || PortBook::read(&settings.place.browser_dir()).ports.get(name).copied();
        BrowserStatus {
            profile: name.to_owned(),
            running: false,
            attached,
            cdp_port: if attached { None } else { profile.cdp_port.or_else(kept) },
            cdp_url: endpoint.map(|endpoint| endpoint.shown()),
            pid: None,
            executable: if attached { None } else { self.executable().ok() },
            version: None,
            data_dir: (!attached).then(|| settings.place.browser_data_dir(name)),
            headless: !attached && settings.is_headless(),
            no_sandbox: !attached && settings.is_unsandboxed(),
        }
    }

    fn executable(&self) -> Result<std::path::PathBuf, BrowserError> {
        let settings = &self.inner.settings;
        find_executable(settings.executable.as_deref(), System::current(), &settings.environment, is_program)
    }

    /// Starts it, or attaches to it; nothing happens if it runs already.
    pub async fn start(&self, profile: Option<&str>) -> Result<BrowserStatus, BrowserError> {
        self.up(profile).await.map(|running| running.status.clone())
    }

    pub(crate) async fn up(&self, profile: Option<&str>) -> Result<Arc<Running>, BrowserError> {
        let (name, settings, slot) = self.find(profile)?;
        let mut slot = slot.lock().await;
        if self.inner.closing.is_cancelled() {
            return Err(BrowserError::Closing);
        }
        if let Some(running) = slot.as_ref().filter(|running| running.is_alive()) {
            return Ok(Arc::clone(running));
        }
        if let Some(gone) = slot.take() {
            gone.stop().await;
        }
        let status = self.resting(name, settings);
        let running = match &settings.cdp_url {
            Some(url) => self.attach(url, status).await?,
            None => self.launch(name, settings, status).await?,
        };
        let running = Arc::new(running);
        *slot = Some(Arc::clone(&running));
        tracing::info!(
            profile = name,
            pid = running.status.pid,
            port = running.status.cdp_port,
            "a browser runs"
        );
        Ok(running)
    }

    async fn attach(&self, url: &str, mut status: BrowserStatus) -> Result<Running, BrowserError> {
        let endpoint = Endpoint::parse(url).map_err(|(found, expected)| BrowserError::Setting {
            field: format!("browser.profiles.{}.cdpUrl", status.profile),
            found,
            expected,
        })?;
        status.running = true;
        Running::connect(&endpoint, None, self.inner.gate.clone(), status).await
    }

    async fn launch(
        &self,
        name: &str,
        profile: &ProfileSettings,
        mut status: BrowserStatus,
    ) -> Result<Running, BrowserError> {
        let settings = &self.inner.settings;
        let program = self.executable()?;
        let port = self.port_for(name, profile).await?;
        let browser_dir = settings.place.browser_dir();
        let launch = Launch {
            program: program.clone(),
            data_dir: settings.place.browser_data_dir(name),
            log: browser_dir.join(format!("{name}.log")),
            port,
            manner: Manner { headless: settings.is_headless(), no_sandbox: settings.is_unsandboxed() },
            without: flags::hidden(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())),
            guard: settings.guard.clone(),
            closing: self.inner.closing.clone(),
        };
        let launched = blocking(move || launch.run()).await?;
        status.running = true;
        status.cdp_port = Some(port);
        status.pid = Some(launched.guarded.pid());
        status.executable = Some(program);
        let endpoint = Endpoint::Socket { url: launched.socket };
        Running::connect(&endpoint, Some(launched.guarded), self.inner.gate.clone(), status).await
    }

    /// The CDP port of this browser: the fixed one, or its own from the profile's range, kept from start to start.
    async fn port_for(&self, name: &str, profile: &ProfileSettings) -> Result<u16, BrowserError> {
        if let Some(port) = profile.cdp_port {
            let free = blocking(move || Ok(port::is_free(port))).await?;
            if free {
                return Ok(port);
            }
            let holder = blocking(move || Ok(port::holder(port))).await?;
            return Err(BrowserError::PortTaken {
                what: format!("browser.profiles.{name}.cdpPort"),
                port,
                holder: holder.map_or_else(|| "another program".to_owned(), |holder| holder.to_string()),
                next: "end that program, or choose another cdpPort, or leave it out to get a free one",
            });
        }
        let _one_at_a_time = self.inner.book.lock().await;
        let settings = self.inner.settings.clone();
        let name = name.to_owned();
        blocking(move || choose_port(&settings, &name)).await
    }

    /// Ends it; `false` if it did not run. A browser that we attached to goes on without us.
    pub async fn stop(&self, profile: Option<&str>) -> Result<bool, BrowserError> {
        let (_, _, slot) = self.find(profile)?;
        let Some(running) = slot.lock().await.take() else { return Ok(false) };
        let alive = running.is_alive();
        running.stop().await;
        Ok(alive)
    }

    /// Ends all of them.
    pub async fn stop_all(&self) {
        let all = self.inner.slots.keys().map(|name| self.stop(Some(name)));
        futures::future::join_all(all).await;
    }

    /// Gives the seat up: ends all browsers, and none is started any more, whoever still holds a clone.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        self.stop_all().await;
    }
}

/// Looks at the neighbours and at what listens now, chooses, and keeps the choice. Blocks.
fn choose_port(settings: &SeatSettings, name: &str) -> Result<u16, BrowserError> {
    let browser_dir = settings.place.browser_dir();
    let mut book = PortBook::read(&browser_dir);
    // A browser that is no longer configured gives its port back.
    book.ports.retain(|known, _| settings.profiles.contains_key(known));
    let others = settings.profiles.iter().filter(|(other, _)| *other != name);
    let mut fixed: BTreeSet<u16> = others.filter_map(|(_, profile)| profile.cdp_port).collect();
    fixed.extend([
        settings.control_port,
        settings.ports.base(),
        settings.ports.control(),
        settings.ports.canvas_legacy(),
    ]);
    let neighbours = Neighbours::look(&settings.place, &settings.environment);
    let question = PortQuestion {
        profile: name,
        range: settings.ports.cdp_first()..=settings.ports.cdp_last(),
        book: &book,
        fixed: &fixed,
        wide: &neighbours.wide,
        narrow: &neighbours.narrow,
    };
    let port = question.answer(|port| !port::is_free(port)).ok_or_else(|| BrowserError::NoPort {
        profile: name.to_owned(),
        first: settings.ports.cdp_first(),
        last: settings.ports.cdp_last(),
    })?;
    if book.ports.insert(name.to_owned(), port) != Some(port) {
        book.write(&browser_dir)?;
    }
    Ok(port)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BrowserError> + Send + 'static,
) -> Result<T, BrowserError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(BrowserError::cdp("start", "the gateway is stopping")),
    }
}
