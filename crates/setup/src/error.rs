//! A request that cannot be understood.

/// Why a request was not even begun. Everything else is a finding in the outcome.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not JSON, or a field of another kind.
    #[error(
        "plan: {field} (line {line}, column {column}): found {found}, expected {expected}. Correct the plan and send it again."
    )]
    Plan {
        /// The field, such as `plan.profiles[0].port`.
        field: String,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
        /// What kind of thing stands there; never its content.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A version of the machine interface that this program does not speak.
    #[error(
        "plan: version: found {found}, expected {expected}. Use the app and the command line of the same version."
    )]
    Version {
        /// What came.
        found: u64,
        /// What is spoken here.
        expected: u64,
    },
    /// More bytes than any plan has.
    #[error("plan: found more than {limit} bytes, expected a plan. Check what is sent to standard input.")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// `check` or `create` without a plan.
    #[error(
        "plan: found none, expected one for the action \"{action}\". Add \"plan\": {{…}} to the request."
    )]
    NoPlan {
        /// The action.
        action: &'static str,
    },
}

impl SetupError {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Plan { .. } => "plan-invalid",
            Self::Version { .. } => "plan-version",
            Self::TooLarge { .. } => "plan-too-large",
            Self::NoPlan { .. } => "plan-missing",
        }
    }
}
