//! The methods of `OpenClaw` that this gateway does not serve, and why: one reason a family.
//!
//! A method that comes to be served leaves this table: the tests of the method table see to it that each known name is
//! served or has a reason, never both. Whoever calls one gets the reason in `details.reason` of "unknown method: X"; the
//! message itself stays bare, since clients compare it whole to find out what a gateway can do.

use std::collections::HashMap;
use std::sync::LazyLock;

mod elsewhere;
mod later;
mod never;

/// One reason, and the methods that are not served for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unserved {
    /// Why, in one sentence for people.
    pub reason: &'static str,
    /// The methods.
    pub names: &'static [&'static str],
}

const fn row(reason: &'static str, names: &'static [&'static str]) -> Unserved {
    Unserved { reason, names }
}

/// Every reason with its methods.
pub fn rows() -> impl Iterator<Item = &'static Unserved> {
    never::ROWS.iter().chain(elsewhere::ROWS).chain(later::ROWS)
}

/// Every method that is not served, with the reason.
pub fn methods() -> impl Iterator<Item = (&'static str, &'static str)> {
    rows().flat_map(|row| row.names.iter().map(|name| (*name, row.reason)))
}

/// Why a method of `OpenClaw` is not served; `None` if it is, or if nobody knows it.
pub fn reason(name: &str) -> Option<&'static str> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| methods().collect());
    BY_NAME.get(name).copied()
}
