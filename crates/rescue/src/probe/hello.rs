//! The beginning of the protocol, without any credential.

use std::time::Duration;

use bulkhead_client::{ClientError, knock};

use super::{Eye, TargetKind};
use crate::observation::{Answer, Observation};

const EVERY: Duration = Duration::from_secs(5);
/// A foreign gateway logs every connection that does not log in: it is not to be bothered.
const EVERY_FOREIGN: Duration = Duration::from_secs(30);
const AFTER_FAILURE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(4);
/// The whole way through the gateway and back is taken so seldom.
const ASK_EVERY: u32 = 12;

pub(super) async fn run(eye: Eye) {
    let every = if eye.target.kind == TargetKind::Bundled { EVERY } else { EVERY_FOREIGN };
    for round in 0_u32.. {
        // While it does not even answer HTTP, that says everything.
        let mut link = eye.link.subscribe();
        if link.wait_for(|link| link.answers).await.is_err() {
            return;
        }
        let began = eye.now();
        let url = super::http::gateway_url(&eye);
        let answer = match knock(&url, round % ASK_EVERY == 0, PATIENCE).await {
            Ok(()) => Answer::Good,
            Err(error) => answer_of(&error),
        };
        let good = matches!(answer, Answer::Good | Answer::Busy);
        eye.saw(began, Observation::Hello(answer)).await;
        if good {
            tokio::time::sleep(every).await;
        } else if eye.link.borrow().answers {
            eye.next_look(AFTER_FAILURE).await;
        }
    }
}

fn answer_of(error: &ClientError) -> Answer {
    match error {
        ClientError::Refused { .. } => Answer::Refused,
        ClientError::Busy { .. } | ClientError::Starting { .. } => Answer::Busy,
        ClientError::ConnectTimeout { .. } => Answer::Silent,
        ClientError::NotAGateway { found, .. } => Answer::Wrong { found: found.clone() },
        ClientError::Unreachable { problem, .. } | ClientError::Tls { problem, .. } => {
            Answer::Unreachable { why: problem.clone() }
        }
        other => Answer::Unreachable { why: other.code().to_owned() },
    }
}
