//! Times and sizes; the beginning and the end of a gateway.

use std::time::Duration;

use bulkhead_protocol::Scope;
use bulkhead_server::{Audience, Limits};
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use super::{Act, Does, Witness, admitted, all, unanswered};
use crate::world::{cli, limited, quick, starting, world};

#[tokio::test]
async fn silence() {
    let world = limited(Limits { pre_auth_silence: Duration::from_millis(100), ..quick() }).await;
    let says_nothing: Act = |world, _| Box::pin(world.dial());
    all(&world, &[unanswered("silence before connect", Does::Acts(says_nothing), 1000)]).await;
}

#[tokio::test]
async fn a_slow_reader() {
    let world =
        limited(Limits { max_buffered_bytes: 1_000_000, close_patience: crate::world::PATIENCE, ..quick() })
            .await;
    // The witness reads while the other one does not.
    let does_not_read: Act = |world, witness| {
        Box::pin(async move {
            let slow = admitted(world).await;
            let payload = "x".repeat(200_000);
            for n in 0..200 {
                let event = json!({ "n": n, "text": payload });
                world.hub.broadcast("chat", &event, &Audience::scope(Scope::OperatorRead), None);
                while witness.read().await["payload"]["n"] != n {}
            }
            slow
        })
    };
    all(&world, &[unanswered("a slow reader", Does::Acts(does_not_read), 1008)]).await;
}

#[tokio::test]
async fn while_it_starts() {
    let world = starting().await;
    let (error, end) = world.refused(cli()).await;
    assert_eq!((&error["code"], &error["retryable"]), (&json!("UNAVAILABLE"), &json!(true)));
    assert_eq!(
        (&error["retryAfterMs"], &error["details"]["reason"]),
        (&json!(500), &json!("startup-sidecars"))
    );
    assert_eq!(end.code, 1013);
    // Nobody is connected yet; whoever comes a moment later is served.
    world.info.lifecycle().set_started();
    Witness::of(&world).await.is_unharmed(&world, "started").await;
}

#[tokio::test]
async fn the_end_is_told_to_everybody_without_a_gap() {
    let world = world().await;
    let mut witness = Witness::of(&world).await;
    let mut other = admitted(&world).await;
    witness.is_unharmed(&world, "before the end").await;
    world.stop.cancel();
    while witness.read().await["event"] != "shutdown" {}
    assert_eq!(witness.client.end().await.code, 1012);
    assert_eq!(other.end().await.code, 1012);
}

#[tokio::test]
async fn the_thirty_third_that_waits_at_the_door() {
    let world = world().await;
    let mut witness = Witness::of(&world).await;
    let mut waiting = Vec::new();
    for _ in 0..32 {
        waiting.push(world.dial().await);
    }
    let Err(Error::Http(answer)) = world.dial_with(&[]).await else { panic!("the 33rd was let in") };
    assert_eq!(answer.status(), 503);
    witness.is_unharmed(&world, "33 at the door").await;
    // Those that were there before are served all the same.
    assert_eq!(waiting[31].request("connect", cli()).await["ok"], true);
}
