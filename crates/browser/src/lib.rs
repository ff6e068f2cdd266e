//! The browser seat: control service, named Chromium profiles, CDP ports.
//!
//! **For:** giving the agent of one gateway browsers of its own. [`BrowserSeat`] finds and starts Chrome or Chromium
//! with a data directory and a CDP port that belong to this profile alone, or attaches to a running one, and does in
//! it what the agent asks: open, read as text, click, type. [`ControlService`] offers the same on loopback.
//!
//! **Never:** it starts nothing until it is asked, leaves no browser behind (every one runs behind a guard that ends
//! it when we end, however that happens), ends no browser that it only attached to, opens no `file:` or `chrome:`
//! page, and reaches no inner address unless [`Reach`] says so.
//!
//! The way of a request: [`BrowserSeat`] → the running browser of that name → its tab (every tab's requests pass the
//! rules of [`Reach`] before they leave) → CDP. CDP is spoken through `cdpkit` with untyped commands: a browser newer
//! than the library's types cannot break it. Measured against chromiumoxide 0.9 (release, attach and one command):
//! 0.7 MB of code instead of 6.5 MB, and a quarter of the time to build.
//!
//! ```
//! use bulkhead_browser::{BrowserSeat, Reach, SeatSettings};
//! use bulkhead_profile::{Environment, Place, Ports};
//!
//! let env = Environment::for_test("/home/ada");
//! let place = Place::resolve(None, &env)?;
//! let settings = SeatSettings::new(place, Ports::new(18789)?, env, "token".into(), Reach::Anywhere);
//! assert_eq!(settings.control_port, 18791);
//! let seat = BrowserSeat::new(settings)?; // nothing runs yet
//! assert_eq!(seat.profiles(), ["default"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod act;
mod browse;
mod control;
mod endpoint;
mod error;
mod executable;
mod flags;
mod launch;
mod lock;
mod pages;
mod policy;
mod ports;
mod running;
mod screen;
mod seat;
mod settings;
mod snapshot;
mod status;
mod tabs;
mod warden;

pub use control::ControlService;
pub use error::BrowserError;
pub use executable::{System, candidates, find_executable, is_program};
pub use policy::{AddressRules, Reach};
pub use ports::{PortBook, PortQuestion};
pub use screen::Screenshot;
pub use seat::BrowserSeat;
pub use settings::{DEFAULT_PROFILE, ProfileSettings, SeatSettings};
pub use snapshot::Snapshot;
pub use status::{BrowserStatus, PageState, TabInfo};
