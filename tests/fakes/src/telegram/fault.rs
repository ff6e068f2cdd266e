//! What can go wrong on the way to the Bot API, on demand.

use serde::{Deserialize, Serialize};

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Fault {
    /// 429 with `parameters.retry_after`; the call has no effect.
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// Any other refusal in the API's envelope; the call has no effect.
    Refuse {
        /// HTTP status and `error_code`.
        status: u16,
        /// `description`.
        description: String,
    },
    /// A status with an HTML page, as a proxy in between sends it; the call has no effect.
    HtmlPage {
        /// HTTP status.
        status: u16,
    },
    /// A redirect; the call has no effect.
    Redirect {
        /// Where to.
        location: String,
    },
    /// The call takes effect, and the connection is cut in the middle of the answer.
    CutAnswer,
    /// The connection is cut in the middle of an answer to a call that had no effect.
    CutCall,
    /// The answer comes late.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The call waits until `release`, then goes on.
    Hold,
    /// The call takes effect, and its answer waits until `release`.
    HoldAnswer,
    /// The next `getUpdates` brings the last updates again, though they were confirmed.
    RepeatUpdates {
        /// How many.
        count: usize,
    },
}

/// A fault, and when it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedFault {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Only calls of this method; any if left out.
    #[serde(default)]
    pub method: Option<String>,
    /// Let so many matching calls pass first.
    #[serde(default)]
    pub skip: usize,
    /// Strike so often.
    #[serde(default = "once")]
    pub times: usize,
}

fn once() -> usize {
    1
}

impl PlannedFault {
    /// Strikes the next call of `method`.
    pub fn next(method: &str, fault: Fault) -> Self {
        Self { fault, method: Some(method.to_owned()), skip: 0, times: 1 }
    }

    /// Strikes so often.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Lets so many matching calls pass first.
    #[must_use]
    pub fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }
}

/// The fault that strikes a call of `method`, if any is planned; counts it.
pub(super) fn strike(planned: &mut Vec<PlannedFault>, method: &str) -> Option<Fault> {
    let index =
        planned.iter().position(|plan| plan.method.as_deref().is_none_or(|wanted| wanted == method))?;
    let plan = &mut planned[index];
    if plan.skip > 0 {
        plan.skip -= 1;
        return None;
    }
    let fault = plan.fault.clone();
    plan.times = plan.times.saturating_sub(1);
    if plan.times == 0 {
        planned.remove(index);
    }
    Some(fault)
}
