//! The torture build's side: reads orders, counts, kills.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::{Point, Switch};

static STATE: OnceLock<PathBuf> = OnceLock::new();
/// The order that is being counted, and how often its point was reached.
static COUNT: Mutex<(String, usize)> = Mutex::new((String::new(), 0));

pub(crate) fn arm(state_dir: &Path) {
    let _ = STATE.set(state_dir.to_owned());
}

pub(crate) fn switched(switch: Switch) -> bool {
    let Some(state) = STATE.get() else { return false };
    std::fs::read_to_string(state.join("killpoint-switches"))
        .is_ok_and(|words| words.split_whitespace().any(|word| word == switch.name()))
}

pub(crate) fn reached(point: Point) {
    let Some(state) = STATE.get() else { return };
    let file = state.join("killpoint");
    let Ok(order) = std::fs::read_to_string(&file) else { return };
    if is_due(&order, point) && std::fs::rename(&file, state.join("killpoint.hit")).is_ok() {
        die();
    }
}

/// Counts this time, and tells whether it is the one that was asked for.
fn is_due(order: &str, point: Point) -> bool {
    let mut words = order.split_whitespace();
    if words.next() != Some(point.name()) {
        return false;
    }
    let skip: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let mut count = COUNT.lock().unwrap_or_else(PoisonError::into_inner);
    if count.0 != order {
        *count = (order.to_owned(), 0);
    }
    count.1 += 1;
    count.1 > skip
}

fn die() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_a_point_and_how_often_it_passes() {
        assert!(!is_due("mid-stream 1 x", Point::AfterEdit));
        assert!(!is_due("mid-stream 1 x", Point::MidStream));
        assert!(is_due("mid-stream 1 x", Point::MidStream));
        assert!(!is_due("mid-stream 1 y", Point::MidStream), "a new order counts anew");
        assert!(is_due("after-edit", Point::AfterEdit));
        assert!(!is_due("", Point::AfterEdit));
    }
}
