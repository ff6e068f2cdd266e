//! What can go wrong on demand.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A fault of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Another status than 200, with the provider's own error body; `retry_after` in seconds.
    Status {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header, as it is sent.
        #[serde(default, rename = "retryAfter")]
        retry_after: Option<String>,
    },
    /// The connection breaks after so many characters of text (without a clean end).
    Cut {
        /// Characters that still arrive.
        after: usize,
    },
    /// The stream ends cleanly after so many characters, without the format's end mark.
    End {
        /// Characters that still arrive.
        after: usize,
    },
    /// The connection breaks in the middle of a tool call's arguments.
    CutTool,
    /// A frame that is no JSON (in a stream), or a body that is none.
    BadJson,
    /// The provider reports an error in the middle of a 200 stream.
    StreamError,
    /// Nothing is ever answered.
    Never,
    /// The stream opens, a little text comes, then silence.
    Stall,
    /// A redirect to this address.
    Redirect {
        /// The `Location` header.
        location: String,
    },
    /// Waits until the test calls `release` (or posts to `/control/release`), then answers.
    Hold,
    /// The connection is closed without an answer.
    Reset,
    /// A 200 with an HTML page, as captive portals and wrong addresses give it.
    Html,
}

/// A fault that waits for its requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedFault {
    /// What happens.
    #[serde(flatten)]
    pub fault: Fault,
    /// To how many requests.
    #[serde(default = "once")]
    pub times: usize,
    /// After how many requests pass untouched.
    #[serde(default)]
    pub skip: usize,
    /// Only to requests whose body contains this.
    #[serde(default, rename = "match")]
    pub matching: Option<String>,
}

const fn once() -> usize {
    1
}

impl PlannedFault {
    /// `fault` for the next request.
    #[must_use]
    pub const fn next(fault: Fault) -> Self {
        Self { fault, times: 1, skip: 0, matching: None }
    }

    /// For so many requests.
    #[must_use]
    pub const fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Only for requests that contain `text`.
    #[must_use]
    pub fn matching(mut self, text: impl Into<String>) -> Self {
        self.matching = Some(text.into());
        self
    }
}

/// How an answer travels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Pause before the answer begins.
    pub before: Duration,
    /// Pause between two pieces of a stream.
    pub between: Duration,
    /// Characters per piece of a stream; 0 = the default.
    pub piece: usize,
    /// What goes wrong.
    pub fault: Option<Fault>,
}

impl Fault {
    /// Reads a fault as scripts write it: `429 retry-after=1`, `500`, `cut 20`, `end 20`, `cut-tool`,
    /// `bad-json`, `stream-error`, `never`, `stall`, `redirect URL`, `hold`, `reset`, `html`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let number = || rest.first().and_then(|word| word.parse::<usize>().ok()).unwrap_or(0);
        Ok(match kind {
            "cut" => Self::Cut { after: number() },
            "end" => Self::End { after: number() },
            "cut-tool" => Self::CutTool,
            "bad-json" => Self::BadJson,
            "stream-error" => Self::StreamError,
            "never" => Self::Never,
            "stall" => Self::Stall,
            "hold" => Self::Hold,
            "reset" => Self::Reset,
            "html" => Self::Html,
            "redirect" => {
                Self::Redirect { location: (*rest.first().ok_or("redirect needs an address")?).to_owned() }
            }
            _ => match kind.parse::<u16>() {
                Ok(status) if (300..=599).contains(&status) => Self::Status {
                    status,
                    retry_after: rest
                        .iter()
                        .find_map(|word| word.strip_prefix("retry-after="))
                        .map(str::to_owned),
                },
                _ => return Err(format!("unknown fault {text:?}")),
            },
        })
    }
}
