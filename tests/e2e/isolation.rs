//! What two profiles must not share.

use crate::outside::Outside;
use bulkhead_tests::World;
use bulkhead_tests::world::text;

#[tokio::test(flavor = "multi_thread")]
async fn one_bot_in_two_profiles_is_told_before_it_ends_in_conflicts() {
    let outside = Outside::new().await;
    let world = World::new();
    let bot = outside.bot("shared_bot");
    outside.onboard(&world, "main", Some(&bot), "file");
    let out = world.bulkhead(&[
        "--profile",
        "rescue",
        "onboard",
        "--non-interactive",
        "--accept-risk",
        "--auth-choice",
        "skip",
        "--telegram-bot-token",
        &bot.token,
        "--telegram-api-root",
        &outside.telegram.base_url,
        "--gateway-port",
        &bulkhead_tests::ports::base().to_string(),
        "--secrets",
        "file",
        "--no-install-daemon",
        "--json",
    ]);
    assert!(!out.status.success(), "{}", text(&out));
    let said = text(&out);
    assert!(said.contains("main"), "names the profile that has it: {said}");
    assert!(!said.contains(bot.token.split(':').nth(1).expect("token")), "never the token: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_of_one_profile_is_refused_with_the_holder() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let _running = main.running(&world).await;
    let out = world.bulkhead(&["gateway", "run"]);
    assert!(!out.status.success());
    assert!(text(&out).contains(&main.gateway_pid(&world).to_string()), "names the process: {}", text(&out));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn no_stale_lock_after_a_kill() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let mut running = main.running(&world).await;
    running.signal("KILL");
    running.wait();
    let mut again = main.running(&world).await;
    again.signal("TERM");
    assert!(again.wait().success(), "{}", again.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_of_another_profile_is_refused_as_a_secret_too() {
    let outside = Outside::new().await;
    let world = World::new();
    let bots = [outside.bot("first_bot"), outside.bot("second_bot")];
    outside.onboard(&world, "main", Some(&bots[0]), "file");
    outside.onboard(&world, "rescue", Some(&bots[1]), "file");
    let set = |profile: &str, token: &str| {
        world.bulkhead_with_input(&["--profile", profile, "secrets", "set", "telegram/bot-token", "-"], token)
    };
    let out = set("rescue", &bots[0].token);
    assert_eq!(out.status.code(), Some(78), "{}", text(&out));
    assert!(text(&out).contains("main"), "{}", text(&out));
    // A new bot is known from now on: nobody else may take it.
    let fresh = outside.bot("fresh_bot");
    assert!(set("main", &fresh.token).status.success());
    assert!(!set("rescue", &fresh.token).status.success());
    assert!(set("rescue", &bots[0].token).status.success(), "main has let go of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_moved_only_while_nothing_runs() {
    let outside = Outside::new().await;
    let world = World::new();
    let main = outside.onboard(&world, "main", None, "file");
    let mut running = main.running(&world).await;
    let pid = main.gateway_pid(&world).to_string();
    let out = world.bulkhead(&["profiles", "owner", "main", "desktop"]);
    assert!(!out.status.success() && text(&out).contains(&pid), "{}", text(&out));
    running.signal("TERM");
    assert!(running.wait().success());
    assert!(world.bulkhead(&["profiles", "owner", "main", "desktop"]).status.success());
    let list = world.bulkhead_json(&["profiles", "list", "--json"]);
    assert_eq!(list["profiles"][0]["owner"], "desktop");
}
