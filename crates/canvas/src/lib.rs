//! The canvas: documents that agents make for people to look at, kept apart from everything else.
//!
//! **For:** the gateway, which stores documents through a [`Store`](bulkhead_store::Store), hands out capabilities and
//! serves pages. What a document may be, which address leads to which document, which headers every answer carries and
//! what a person's act on a document says to the agent are functions of values.
//!
//! **Never:** serves anything itself, knows a protocol method or a node, or keeps a capability anywhere but as a hash in
//! memory.
//!
//! Whoever wrote a document is a stranger: it runs in an origin of its own (never that of the web UI), reaches no network,
//! and what it says is bounded and marked as said by a document.
//!
//! ```
//! use bulkhead_canvas::{Address, Capabilities, Reach};
//!
//! let capabilities = Capabilities::default();
//! let token = capabilities.grant("connection 1", Reach::Session("agent:main:main".into()));
//! let path = Address::path(&token, "cv_0123");
//! let address = Address::read(&path).unwrap();
//! assert_eq!(address.document, "cv_0123");
//! assert!(capabilities.reach(address.token).is_some());
//! capabilities.revoke("connection 1");
//! assert!(capabilities.reach(address.token).is_none());
//! ```

mod a2ui;
mod act;
mod address;
mod capability;
mod document;
mod error;
mod page;
mod shield;

pub use a2ui::{lines, messages, read_lines};
pub use act::{Act, ActLimit, MOST_ACT};
pub use address::Address;
pub use capability::{Capabilities, Reach};
pub use document::{BOUNDS, Kind, MOST_BYTES, check_html, new_id, title};
pub use error::CanvasError;
pub use page::{Page, page};
pub use shield::{Embedder, headers};
