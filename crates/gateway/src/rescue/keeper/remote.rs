//! A gateway on another machine: seen from outside, and nothing can be done to it from here.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bulkhead_rescue::{Done, Keeper, KeeperReport, Refusal, RefusalKind, RemedyKind};
use futures::stream::{self, BoxStream, StreamExt as _};

/// Whoever keeps it is elsewhere.
pub(in crate::rescue) struct RemoteKeeper {
    url: String,
}

impl RemoteKeeper {
    pub(in crate::rescue) fn new(url: String) -> Self {
        Self { url }
    }

    fn elsewhere(&self, what: &str) -> Refusal {
        let message = format!(
            "{} runs on another machine, and this gateway has no way to {what} there. Log in to that machine, and do it \
             with its own tools (such as `bulkhead gateway restart`); a rescue gateway beside it could do it from here.",
            self.url
        );
        Refusal::new(RefusalKind::Unsupported, message)
    }
}

#[async_trait]
impl Keeper for RemoteKeeper {
    async fn status(&self) -> KeeperReport {
        KeeperReport::None
    }

    fn watch(&self) -> BoxStream<'static, KeeperReport> {
        stream::empty().boxed()
    }

    async fn abilities(&self) -> BTreeSet<RemedyKind> {
        BTreeSet::new()
    }

    async fn restart(&self) -> Result<Done, Refusal> {
        Err(self.elsewhere("restart it"))
    }

    async fn start(&self) -> Result<Done, Refusal> {
        Err(self.elsewhere("start it"))
    }

    async fn logs(&self, _lines: usize) -> Result<Vec<String>, Refusal> {
        Err(self.elsewhere("read its log"))
    }
}
