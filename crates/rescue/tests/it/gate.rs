//! Who may do what, once; and that everything else does nothing and is written down.

use std::time::Duration;

use bulkhead_rescue::{
    Actor, Ask, ChatKind, ConfigSeen, Observation, RefusalKind, RemedyKind, RemedyReply, RemedyRequest,
};

use crate::world::{World, but, failed, healthy, hung};

fn with_config(scene: Vec<Observation>, hash: &str) -> Vec<Observation> {
    let seen = ConfigSeen { path: "/x/bulkhead.json".to_owned(), hash: Some(hash.to_owned()), trouble: None };
    but(scene, Observation::Config(seen))
}

async fn down() -> World {
    let world = World::new().await;
    world.show(with_config(failed(), "aaaa"));
    world.pass(5).await;
    world
}

async fn refused(world: &World, id: &str, user: &str, chat: ChatKind, data: &str) -> RefusalKind {
    world.tap(id, user, chat, data).await.expect_err("nothing may happen").kind
}

#[tokio::test(start_paused = true)]
async fn strangers_groups_replays_and_old_buttons_do_nothing_and_are_in_the_audit_log() {
    let world = down().await;
    let button = world.button("42", RemedyKind::Start);
    assert_eq!(refused(&world, "1", "77", ChatKind::Private, &button).await, RefusalKind::NotAnOperator);
    assert_eq!(refused(&world, "2", "42", ChatKind::Group, &button).await, RefusalKind::NotPrivate);
    for nonsense in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "../../../etc/passwd", "ä"] {
        assert_eq!(
            refused(&world, &format!("3{nonsense}"), "42", ChatKind::Private, nonsense).await,
            RefusalKind::UnknownNonce
        );
    }
    assert!(world.calls().is_empty());

    assert!(world.tap("4", "42", ChatKind::Private, &button).await.is_ok());
    world.pass(1).await;
    assert_eq!(world.calls(), ["start"]);
    assert_eq!(
        refused(&world, "4", "42", ChatKind::Private, &button).await,
        RefusalKind::Replayed,
        "the same update again"
    );
    assert_eq!(
        refused(&world, "5", "42", ChatKind::Private, &button).await,
        RefusalKind::Replayed,
        "the same button again"
    );
    world.show(with_config(healthy(), "aaaa"));
    world.pass(10).await;
    assert_eq!(refused(&world, "6", "42", ChatKind::Private, &button).await, RefusalKind::Replayed);
    assert_eq!(world.calls(), ["start"]);

    let audit = world.audit("refused");
    let why: Vec<_> = audit.iter().map(|line| line.detail["why"].as_str().unwrap().to_owned()).collect();
    assert_eq!(why[..2], ["not-an-operator", "not-private"]);
    assert_eq!((audit[0].actor.as_str(), audit[1].detail["chat"].as_str()), ("telegram:77", Some("group")));
    assert_eq!(why.iter().filter(|why| *why == "replayed").count(), 3);
    assert!(
        !serde_json::to_string(&audit).unwrap().contains(&button),
        "an audit log shows no button that works"
    );
}

#[tokio::test(start_paused = true)]
async fn a_button_of_another_incident_or_operator_or_configuration_or_time_is_refused() {
    let world = down().await;
    let old = world.button("42", RemedyKind::Start);
    world.show(with_config(healthy(), "aaaa"));
    world.pass(400).await;
    assert_eq!(
        refused(&world, "1", "42", ChatKind::Private, &old).await,
        RefusalKind::OtherIncident,
        "it is over"
    );
    world.show(with_config(hung(), "aaaa"));
    world.pass(10).await;
    assert_eq!(refused(&world, "2", "42", ChatKind::Private, &old).await, RefusalKind::OtherIncident);

    *world.teller.operators.lock().unwrap() = vec!["42".to_owned(), "43".to_owned()];
    world.handle.set_operators(["42".to_owned(), "43".to_owned()].into()).await;
    world.pass(5).await;
    let of_43 = world.button("43", RemedyKind::Restart);
    assert_eq!(refused(&world, "3", "42", ChatKind::Private, &of_43).await, RefusalKind::OtherOperator);

    let before = world.button("42", RemedyKind::Restart);
    world.show(with_config(hung(), "bbbb"));
    world.pass(1).await;
    assert_eq!(refused(&world, "4", "42", ChatKind::Private, &before).await, RefusalKind::ConfigChanged);
    world.pass(15).await;
    let fresh = world.button("42", RemedyKind::Restart);
    assert_ne!(fresh, before, "the message has new buttons after a change");

    world.pass(31 * 60).await;
    assert_eq!(refused(&world, "5", "42", ChatKind::Private, &fresh).await, RefusalKind::Expired);
    let renewed = world.button("42", RemedyKind::Restart);
    assert!(
        world.tap("6", "42", ChatKind::Private, &renewed).await.is_ok(),
        "an open incident's buttons are renewed"
    );
}

#[tokio::test(start_paused = true)]
async fn what_takes_something_away_is_confirmed_by_a_second_tap() {
    let world = down().await;
    *world.keeper.change.lock().unwrap() = vec!["agents.defaults.model".to_owned()];
    let button = world.button("42", RemedyKind::Rollback);
    let RemedyReply::Confirm { text, buttons } =
        world.tap("1", "42", ChatKind::Private, &button).await.unwrap()
    else {
        panic!("it is asked back");
    };
    assert!(text.contains("kept beside it") && buttons.len() == 1);
    assert!(world.calls().is_empty());
    let yes = buttons[0].nonce.as_str();
    assert_eq!(refused(&world, "2", "77", ChatKind::Private, yes).await, RefusalKind::NotAnOperator);
    world.tap("3", "42", ChatKind::Private, yes).await.unwrap();
    world.pass(1).await;
    assert_eq!(world.calls(), ["rollback from aaaa"], "bound to the configuration that was looked at");
    assert_eq!(refused(&world, "4", "42", ChatKind::Private, yes).await, RefusalKind::Replayed);
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_comes_soon_or_not_at_all() {
    let world = down().await;
    let button = world.button("42", RemedyKind::Rollback);
    let RemedyReply::Confirm { buttons, .. } =
        world.tap("1", "42", ChatKind::Private, &button).await.unwrap()
    else {
        panic!("it is asked back");
    };
    tokio::time::sleep(Duration::from_secs(121)).await;
    assert_eq!(
        refused(&world, "2", "42", ChatKind::Private, buttons[0].nonce.as_str()).await,
        RefusalKind::Expired
    );
}

#[tokio::test(start_paused = true)]
async fn two_at_once_are_one_and_looking_is_always_allowed() {
    let world = down().await;
    let ask = |id: &str, remedy| RemedyRequest {
        id: id.to_owned(),
        by: Actor::local("cli"),
        ask: Ask::Command { remedy, confirmed: true, version: None },
    };
    world.handle.request(ask("1", RemedyKind::Restart)).await.unwrap();
    let second = world.handle.request(ask("2", RemedyKind::Start)).await.unwrap_err();
    assert_eq!(second.kind, RefusalKind::UnderWay);
    let RemedyReply::Answer { text } = world.handle.request(ask("3", RemedyKind::Logs)).await.unwrap() else {
        panic!("logs are an answer");
    };
    assert_eq!(text, "last words");
    let again = world.handle.request(ask("1", RemedyKind::Restart)).await.unwrap_err();
    assert_eq!(again.kind, RefusalKind::Replayed, "one idempotency key, one remedy");
    world.pass(1).await;
    assert_eq!(world.calls(), ["restart"]);
}

#[tokio::test(start_paused = true)]
async fn buttons_survive_a_restart_of_the_rescue_gateway_used_ones_do_not() {
    let world = down().await;
    let (start, rollback) = (world.button("42", RemedyKind::Start), world.button("42", RemedyKind::Rollback));
    world.tap("1", "42", ChatKind::Private, &start).await.unwrap();
    world.pass(40).await;
    let world = world.restarted().await;
    assert_eq!(refused(&world, "1", "42", ChatKind::Private, &start).await, RefusalKind::Replayed);
    assert!(world.tap("2", "42", ChatKind::Private, &rollback).await.is_ok());
    assert_eq!(world.calls(), ["start"]);
}
