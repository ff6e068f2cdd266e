//! The browser seat.
use std::sync::Arc;

use bulkhead_agent::Tool;

use crate::gateway::Gateway;

#[derive(Debug, Default)]
pub(crate) struct Seat;
impl Seat {
    pub(crate) fn tool(&self) -> Option<Arc<dyn Tool>> {
        None
    }
    pub(crate) async fn apply(&self, _g: &Arc<Gateway>) {}
    pub(crate) async fn stop(&self) {}
}
