//! Who sees which event, and how it is numbered.

use std::time::Duration;

use bulkhead_protocol::Scope;
use bulkhead_server::{Audience, Limits, StateVersion};
use serde_json::json;

use crate::world::{cli, limited, quick, world};

#[tokio::test]
async fn numbers_count_per_socket_and_only_what_it_sees() {
    let world = world().await;
    let mut reader = world.operator(&["operator.read"]).await;
    let mut nobody = world.operator(&[]).await;
    let read = Audience::scope(Scope::OperatorRead);
    let version = StateVersion { presence: 3, health: 9 };
    world.hub.broadcast("presence", &json!({ "presence": [] }), &read, Some(version));
    world.hub.broadcast("chat", &json!({ "for": "admins" }), &Audience::scope(Scope::OperatorAdmin), None);
    world.hub.broadcast("shutdown", &json!({ "reason": "x" }), &Audience::everybody(), None);
    assert_eq!(
        reader.read().await,
        json!({
            "type": "event", "event": "presence", "payload": { "presence": [] }, "seq": 1,
            "stateVersion": { "presence": 3, "health": 9 },
        })
    );
    assert_eq!(reader.read().await["seq"], 2);
    let seen = nobody.read().await;
    assert_eq!((seen["event"].as_str(), seen["seq"].as_u64()), (Some("shutdown"), Some(1)));
}

#[tokio::test]
async fn hello_comes_before_every_event() {
    let world = world().await;
    let hub = world.hub.clone();
    let noise = tokio::spawn(async move {
        loop {
            hub.broadcast("tick", &json!({ "ts": 1 }), &Audience::everybody(), None);
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..10 {
        let mut client = world.dial().await;
        client.ask("connect", cli()).await;
        assert_eq!(client.read().await["payload"]["type"], "hello-ok");
        assert_eq!(client.read().await["seq"], 1);
    }
    noise.abort();
}

#[tokio::test]
async fn subscriptions_devices_caps_and_single_connections() {
    let world = world().await;
    let mut list = world.admin().await;
    let mut one = world.admin().await;
    let mut params = cli();
    params["caps"] = json!(["tool-events"]);
    let mut tools = world.dial().await;
    assert_eq!(tools.request("connect", params).await["ok"], true);
    let mut all = world.hub.connections();
    assert_eq!(all.len(), 3);
    let tools_info = all.iter().find(|info| info.has_cap("tool-events")).unwrap().clone();
    all.retain(|info| info.id != tools_info.id);
    let (list_id, one_id) = (all[0].id.clone(), all[1].id.clone());
    // The order of the list is that of connecting, to the millisecond: find out who is who.
    world.hub.broadcast("hello", &json!({}), &Audience::connection(list_id.clone()), None);
    let list_is_first = tokio::time::timeout(Duration::from_millis(500), list.event("hello")).await.is_ok();
    let (list_id, one_id) = if list_is_first {
        (list_id, one_id)
    } else {
        one.event("hello").await;
        (one_id, list_id)
    };

    world.hub.subscribe_sessions(&list_id, true);
    assert!(world.hub.subscribe_messages(&one_id, "agent:main:main"));
    let read = || Audience::scope(Scope::OperatorRead);
    let say =
        |event: &'static str, audience: Audience| world.hub.broadcast(event, &json!({}), &audience, None);
    say("sessions.changed", read().sessions());
    say("session.message", read().session("agent:main:main"));
    say("session.message", read().session("agent:main:other"));
    say("session.tool", read().cap("tool-events"));
    say("end", read());
    let events = async |client: &mut crate::world::Client| {
        let mut seen = Vec::new();
        loop {
            let frame = client.read().await;
            let name = frame["event"].as_str().unwrap().to_owned();
            if name == "end" {
                return seen;
            }
            seen.push(name);
        }
    };
    assert_eq!(events(&mut list).await, ["sessions.changed", "session.message", "session.message"]);
    assert_eq!(events(&mut one).await, ["session.message"]);
    assert_eq!(events(&mut tools).await, ["session.tool"]);

    world.hub.unsubscribe_messages(&one_id, "agent:main:main");
    world.hub.subscribe_sessions(&list_id, false);
    say("session.message", read().session("agent:main:main"));
    say("only-others", read().except(one_id));
    say("end", read());
    assert_eq!(events(&mut one).await, Vec::<String>::new());
    assert_eq!(events(&mut list).await, ["only-others"]);
    assert!(!world.hub.has_listeners(&read().session("agent:main:main")));
}

#[tokio::test]
async fn who_wants_only_its_sessions_hears_only_of_them() {
    let world = world().await;
    let mut params = cli();
    params["caps"] = json!(["session-scoped-events"]);
    let mut client = world.dial().await;
    assert_eq!(client.request("connect", params).await["ok"], true);
    let id = world.hub.connections()[0].id.clone();
    let say = |key: &str| {
        let audience = Audience::scope(Scope::OperatorRead).about_session(key);
        world.hub.broadcast("chat", &json!({ "sessionKey": key }), &audience, None);
    };
    say("agent:main:a");
    world.hub.subscribe_messages(&id, "agent:main:b");
    say("agent:main:a");
    say("agent:main:b");
    assert_eq!(client.event("chat").await["payload"]["sessionKey"], "agent:main:b");
}

#[tokio::test]
async fn ticks_come_to_everybody() {
    let world = limited(Limits { tick_interval: Duration::from_millis(50), ..quick() }).await;
    let mut client = world.operator(&[]).await;
    let first = client.event("tick").await;
    let second = client.event("tick").await;
    assert!(first["payload"]["ts"].as_u64().unwrap() <= second["payload"]["ts"].as_u64().unwrap());
    assert_eq!(second["seq"].as_u64().unwrap(), first["seq"].as_u64().unwrap() + 1);
}

#[tokio::test]
async fn subscriptions_are_bounded() {
    let world = world().await;
    let _client = world.admin().await;
    let id = world.hub.connections()[0].id.clone();
    for n in 0..1000 {
        assert!(world.hub.subscribe_messages(&id, &format!("agent:main:{n}")));
    }
    assert!(!world.hub.subscribe_messages(&id, "agent:main:one-more"));
    assert!(world.hub.subscribe_messages(&id, "agent:main:7"), "twice is once");
}
