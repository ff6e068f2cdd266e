//! What a supervisor says, as the watch reads it. Pure.

use bulkhead_config::ConfigError;
use bulkhead_rescue::{Kept, KeptState, LastExit, Refusal, RefusalKind, Wanted};
use bulkhead_supervisor::{Desired, GatewayState, GatewayStatus, Rung, SupervisorError};

/// The supervisor's status.
pub(super) fn kept(status: GatewayStatus) -> Kept {
    Kept {
        state: match status.state {
            GatewayState::Stopped => KeptState::Stopped,
            GatewayState::Starting => KeptState::Starting,
            // What it waits for, it tells itself.
            GatewayState::Running | GatewayState::WaitingForKeychain => KeptState::Running,
            GatewayState::BackingOff => KeptState::BackingOff,
            GatewayState::Stopping => KeptState::Stopping,
            GatewayState::Failed => KeptState::Failed,
        },
        wanted: wanted(status.desired),
        owner: status.owner.to_string(),
        pid: status.pid,
        version: status.ready.map(|ready| ready.version).filter(|version| !version.is_empty()),
        restarts: status.restarts,
        on_last_good: status.rung == Rung::LastGood,
        safe_mode: status.rung == Rung::Safe,
        last_exit: status.last_exit.map(|exit| LastExit {
            at_ms: exit.at_ms,
            code: exit.code,
            signal: exit.signal,
            last_lines: exit.last_lines,
        }),
        problem: status.problem.map(|problem| (problem.code, problem.message)),
    }
}

/// What the owner wants.
pub(super) fn wanted(desired: Desired) -> Wanted {
    match desired {
        Desired::Running => Wanted::Running,
        Desired::Stopped => Wanted::Stopped,
        Desired::PausedUntil { until_ms } => Wanted::Paused { until_ms },
    }
}

/// Why a supervisor did not do it.
pub(super) fn refusal(error: &SupervisorError) -> Refusal {
    let code = match error {
        SupervisorError::Config(error) => error.code(),
        other => other.code(),
    };
    let kind = match code {
        "not-supervised" | "supervisor-gone" | "supervisor-silent" => RefusalKind::OwnerAbsent,
        _ if code == stale() => RefusalKind::Conflict,
        _ if nothing_to_go_back_to().contains(&code) => RefusalKind::NothingToRollBack,
        "not-owner" => RefusalKind::Unsupported,
        _ => RefusalKind::Failed,
    };
    Refusal::new(kind, error.to_string())
}

/// The code of a file that was changed meanwhile.
fn stale() -> &'static str {
    ConfigError::Stale { file: String::new(), found: String::new(), expected: String::new() }.code()
}

fn nothing_to_go_back_to() -> [&'static str; 2] {
    [
        ConfigError::NoLastGood { file: String::new(), expected: String::new() }.code(),
        ConfigError::NoSuchVersion { file: String::new(), found: String::new(), known: 0 }.code(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_carried_over() {
        let status = GatewayStatus {
            state: GatewayState::WaitingForKeychain,
            rung: Rung::LastGood,
            desired: Desired::PausedUntil { until_ms: 7 },
            restarts: 3,
            pid: Some(9),
            ..GatewayStatus::default()
        };
        let kept = kept(status);
        assert_eq!((kept.state, kept.on_last_good, kept.safe_mode), (KeptState::Running, true, false));
        assert_eq!((kept.wanted, kept.restarts, kept.pid), (Wanted::Paused { until_ms: 7 }, 3, Some(9)));
    }

    #[test]
    fn refusals_keep_their_kind() {
        let refused = |code: &str| SupervisorError::Refused {
            profile: "main".into(),
            code: code.into(),
            message: "words".into(),
        };
        for (code, kind) in [
            (stale(), RefusalKind::Conflict),
            (nothing_to_go_back_to()[0], RefusalKind::NothingToRollBack),
            (nothing_to_go_back_to()[1], RefusalKind::NothingToRollBack),
            ("not-owner", RefusalKind::Unsupported),
            ("supervisor-gone", RefusalKind::OwnerAbsent),
            ("whatever", RefusalKind::Failed),
        ] {
            assert_eq!(refusal(&refused(code)).kind, kind, "{code}");
        }
    }
}
