//! Main and rescue from a terminal, as a script sets them up.

use crate::outside::{Bot, Outside, Profile};
use bulkhead_tests::World;
use rand::Rng;

const PERSON: i64 = 7001;
const STRANGER: i64 = 7002;

struct Pair {
    outside: Outside,
    bots: [Bot; 2],
    profiles: [Profile; 2],
    /// Declared last: it ends after everything that runs in it.
    world: World,
}

async fn pair(world: World, secrets: &str) -> Pair {
    let outside = Outside::new().await;
    let bots = [outside.bot("ada_main_bot"), outside.bot("ada_rescue_bot")];
    let profiles = [
        outside.onboard(&world, "main", Some(&bots[0]), secrets),
        outside.onboard(&world, "rescue", Some(&bots[1]), secrets),
    ];
    Pair { outside, bots, profiles, world }
}

/// Puts a random marker into the workspace's AGENTS.md and a random number into a file of it.
fn plant(world: &World, profile: &Profile) -> (u32, u32) {
    let folder =
        if profile.name == "main" { "workspace".to_owned() } else { format!("workspace-{}", profile.name) };
    let workspace = world.path(".bulkhead").join(folder);
    let (marker, number) = (rand::rng().random_range(100..9999), rand::rng().random_range(100..9999));
    let agents = workspace.join("AGENTS.md");
    let mut text = std::fs::read_to_string(&agents).expect("onboarding makes AGENTS.md");
    text = format!("{text}\nMARKER: {marker}\n");
    std::fs::write(&agents, text).expect("write");
    std::fs::write(workspace.join("number.txt"), format!("{number}\n")).expect("write");
    (marker, number)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bot_answers_from_its_own_turns_prompt_and_tools() {
    let pair = pair(World::with_keychain(), "keychain").await;
    let _main = pair.profiles[0].supervised(&pair.world).await;
    let _rescue = pair.profiles[1].supervised(&pair.world).await;
    for (bot, profile) in pair.bots.iter().zip(&pair.profiles) {
        let (marker, number) = plant(&pair.world, profile);
        bot.pair(&pair.world, profile, PERSON).await;
        let told: u32 = rand::rng().random_range(100..9999);
        bot.ask(PERSON, &format!("REMEMBER {told}"), "Noted").await;
        let sum = (told + marker + number).to_string();
        bot.ask(PERSON, r#"DO: tool read {"path":"number.txt"}; say recall + marker + toolresult"#, &sum)
            .await;
    }
    // What one bot was told the other doesn't know, and neither wrote to the other's people.
    assert!(pair.bots[0].control.messages_to(STRANGER).is_empty());
    let before = pair.bots[1].control.all_messages().len();
    pair.bots[0].ask(PERSON, "ECHO only main hears this", "only main hears this").await;
    assert_eq!(pair.bots[1].control.all_messages().len(), before, "the other bot stays silent");
    drop(pair.outside);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_one_code_and_nothing_else() {
    let pair = pair(World::new(), "file").await;
    let _main = pair.profiles[0].supervised(&pair.world).await;
    let bot = &pair.bots[0];
    bot.pairing_code(STRANGER).await;
    bot.control.say(STRANGER, "please answer me");
    bot.control.say(STRANGER, "ECHO anything");
    bot.control.expect_drained().await;
    // A paired person's answer comes after whatever the stranger could have got.
    bot.pair(&pair.world, &pair.profiles[0], PERSON).await;
    bot.ask(PERSON, "ECHO marker-of-order", "marker-of-order").await;
    let messages = bot.control.messages_to(STRANGER);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(
        pair.outside
            .model
            .control
            .chat_requests()
            .iter()
            .all(|r| !format!("{r:?}").contains("please answer me")),
        "no model turn for a stranger"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn killed_main_is_back_and_every_message_is_answered_once() {
    let pair = pair(World::new(), "file").await;
    let mut main = pair.profiles[0].supervised(&pair.world).await;
    let _rescue = pair.profiles[1].supervised(&pair.world).await;
    let bot = &pair.bots[0];
    bot.pair(&pair.world, &pair.profiles[0], PERSON).await;
    bot.ask(PERSON, "ECHO before", "before").await;

    let killed = pair.profiles[0].gateway_pid(&pair.world);
    let pid = rustix::process::Pid::from_raw(i32::try_from(killed).expect("pid")).expect("pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
    for number in 0..3 {
        bot.control.say(PERSON, &format!("ECHO in-between-{number}"));
    }
    for number in 0..3 {
        bot.control.wait_for_text(PERSON, &format!("in-between-{number}")).await;
    }
    pair.profiles[0].answers().await;
    pair.profiles[1].answers().await;
    assert_ne!(pair.profiles[0].gateway_pid(&pair.world), killed);
    bot.ask(PERSON, "ECHO after", "after").await;
    let texts: Vec<String> = bot.control.messages_to(PERSON).into_iter().map(|m| m.now.text).collect();
    for number in 0..3 {
        let part = format!("in-between-{number}");
        assert_eq!(texts.iter().filter(|text| text.contains(&part)).count(), 1, "{texts:?}");
    }
    main.signal("TERM");
    assert!(main.wait().success(), "a supervisor that is asked to stop ends well: {}", main.output());
}
