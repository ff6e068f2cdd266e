//! Rescue watches main: noticed, told once, repaired by a tap, and nobody else can.

use std::time::{Duration, Instant};

use crate::outside::{Bot, Outside, Profile};
use bulkhead_fakes::telegram::BotMessage;
use bulkhead_tests::run::PATIENCE;
use bulkhead_tests::world::text;
use bulkhead_tests::{Running, World};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Told, and allowed to repair.
pub const OPERATOR: i64 = 9101;
/// Paired with rescue's bot, and nothing more.
const FRIEND: i64 = 9102;
const GROUP: i64 = -100_900;
/// From the breakage to the message.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

pub struct Pair {
    pub bot: Bot,
    pub main: Profile,
    rescue: Profile,
    supervisors: [Running; 2],
    _outside: Outside,
    pub world: World,
}

impl Pair {
    /// Main and rescue under their supervisors, an operator who wrote to the bot, and a friend who is only paired.
    pub async fn new() -> Self {
        Self::in_world(World::new()).await
    }

    pub async fn in_world(world: World) -> Self {
        let outside = Outside::new().await;
        let main = outside.onboard(&world, "main", None, "file");
        let bot = outside.bot("watchful_bot");
        let rescue = outside.onboard(&world, "rescue", Some(&bot), "file");
        let listed = world.bulkhead_json(&["rescue", "operators", "add", &OPERATOR.to_string(), "--json"]);
        assert_eq!((&listed["profile"], &listed["operators"][0]), (&"rescue".into(), &"9101".into()));
        let supervisors = [main.supervised(&world).await, rescue.supervised(&world).await];
        let pair = Self { bot, main, rescue, supervisors, _outside: outside, world };
        pair.bot.pair(&pair.world, &pair.rescue, FRIEND).await;
        pair.until("main is seen well", |status| status["health"] == "good").await;
        pair.bot.control.say(OPERATOR, "/rescue");
        pair.bot.control.wait_for_text(OPERATOR, "main is well").await;
        pair
    }

    /// What `bulkhead rescue status` says, once it is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.world.bulkhead_json(&["rescue", "status", "--json"]);
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "not in time: {what}; the status is {status:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Lets main's gateway stand still, as one that hangs; answers its process.
    fn freeze_main(&self) -> u32 {
        let pid = self.main.gateway_pid(&self.world);
        kill_process(process(pid), Signal::STOP).expect("stop");
        pid
    }

    /// The newest message of an incident that has this button.
    async fn message_with(&self, button: &str, after: usize) -> BotMessage {
        let found = |bot: &bulkhead_fakes::telegram::BotControl| {
            let messages = bot.messages_to(OPERATOR).into_iter().skip(after);
            messages.into_iter().find(|message| message.now.button(button).is_some())
        };
        self.bot.control.expect(&format!("message with the button {button:?}"), found).await
    }

    fn told(&self) -> usize {
        self.bot.control.messages_to(OPERATOR).len()
    }

    /// Presses, and waits until the button came to rest; answers what was shown.
    async fn press(
        &self,
        press: impl FnOnce(&bulkhead_fakes::telegram::BotControl) -> i64,
    ) -> Option<String> {
        let before = self.bot.control.press_answers().len();
        press(&self.bot.control);
        let rested = |bot: &bulkhead_fakes::telegram::BotControl| bot.press_answers().get(before).cloned();
        self.bot.control.expect("the button at rest", rested).await.text
    }

    /// The refusals in the audit log, as `actor why`.
    async fn refusals(&self) -> Vec<String> {
        let store = bulkhead_store::Store::open(self.world.path(".bulkhead-rescue/bulkhead.sqlite"));
        let store = store.expect("the database");
        let entries = store.audit().list(200, None).await.expect("the audit log");
        store.close().await;
        let refused = entries.into_iter().filter(|entry| entry.detail["result"] == "refused");
        refused
            .map(|entry| format!("{} {}", entry.actor, entry.detail["detail"]["why"].as_str().unwrap_or("?")))
            .collect()
    }
}

fn process(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).expect("pid")).expect("pid")
}

fn stands_still(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") T "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_main_is_told_once_and_repaired_by_the_operators_tap_only() {
    let pair = Pair::new().await;
    let before = pair.told();
    let frozen = pair.freeze_main();
    let since = Instant::now();
    let alert = pair.message_with("Restart", before).await;
    assert!(since.elapsed() < TOLD_WITHIN, "told after {:?}", since.elapsed());
    assert!(alert.now.text.contains("main"), "{}", alert.now.text);
    assert_eq!(pair.bot.control.messages_to(FRIEND).len(), 1, "a friend was told a code, and nothing else");
    let data = alert.now.button("Restart").expect("the button");

    // Nobody else, nowhere else, and nothing that was made up.
    let friend = pair.press(|bot| bot.press(FRIEND, alert.message_id, &data)).await;
    assert_eq!(friend.as_deref(), Some("Only operators may do that."));
    assert_eq!(pair.press(|bot| bot.press_in_group(OPERATOR, GROUP, alert.message_id, &data)).await, None);
    let forged = format!("rescue:{}", "A".repeat(22));
    assert!(pair.press(|bot| bot.press(OPERATOR, alert.message_id, &forged)).await.is_some());
    assert!(stands_still(frozen), "nothing happened to main");
    pair.bot.control.say(FRIEND, "/restart");
    pair.bot.control.say_in_group(OPERATOR, GROUP, "/restart@watchful_bot");
    pair.bot.control.expect_drained().await;
    assert!(stands_still(frozen), "nothing happened to main");

    // One tap repairs it.
    let rested = pair.press(|bot| bot.press(OPERATOR, alert.message_id, &data)).await;
    assert!(rested.is_some_and(|text| text.contains("under way")));
    pair.main.answers().await;
    let over = pair.bot.control.wait_for_text(OPERATOR, "is well again").await;
    let updated =
        pair.bot.control.messages_to(OPERATOR).into_iter().find(|m| m.message_id == alert.message_id);
    let updated = updated.expect("the message is still there");
    assert!(updated.revisions.len() > 1 && updated.now.button("Restart").is_none(), "{updated:#?}");
    let again = pair.main.gateway_pid(&pair.world);
    assert_ne!(again, frozen);

    // The same tap once more, and one that belongs to an incident that is over.
    assert!(pair.press(|bot| bot.press(OPERATOR, alert.message_id, &data)).await.is_some());
    let unused = alert.now.labels().into_iter().find(|label| label != "Restart").expect("another button");
    let unused = alert.now.button(&unused).expect("its data");
    assert!(pair.press(|bot| bot.press(OPERATOR, alert.message_id, &unused)).await.is_some());
    pair.main.answers().await;
    assert_eq!(pair.main.gateway_pid(&pair.world), again, "nothing happened to main");
    drop(over);

    let refusals = pair.refusals().await;
    for expected in [
        "telegram:9102 not-an-operator",
        "telegram:9101 not-private",
        "telegram:9101 unknown-nonce",
        "telegram:9101 replayed",
        "telegram:9101 other-incident",
    ] {
        assert!(refusals.iter().any(|refusal| refusal == expected), "{expected} is not in {refusals:#?}");
    }

    // A planned stop alarms nobody.
    let told = pair.told();
    let out = pair.world.bulkhead(&["--profile", "main", "gateway", "stop"]);
    assert!(out.status.success(), "{}", text(&out));
    pair.until("the stop is seen as planned", |status| status["health"] == "planned").await;
    assert_eq!(pair.told(), told, "{:#?}", pair.bot.control.messages_to(OPERATOR));
    let incidents = pair.world.bulkhead_json(&["rescue", "incidents", "--json"]);
    assert_eq!(incidents["incidents"].as_array().map(Vec::len), Some(1), "{incidents:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_owner_the_truth_is_told_and_without_rescue_the_supervisor_is_asked() {
    let mut pair = Pair::new().await;
    // While rescue does not run, its remedies are done by main's own supervisor.
    let [main, rescue] = &mut pair.supervisors;
    rescue.signal("TERM");
    rescue.wait();
    let old = pair.main.gateway_pid(&pair.world);
    let done = pair.world.bulkhead_json(&["rescue", "restart", "--json"]);
    assert_eq!((&done["ok"], &done["via"]), (&true.into(), &"supervisor".into()), "{done:#}");
    pair.main.answers().await;
    assert_ne!(pair.main.gateway_pid(&pair.world), old);
    *rescue = pair.rescue.supervised(&pair.world).await;

    // Without a supervisor there is nobody who could: that is said, with what can help.
    main.signal("KILL");
    main.wait();
    pair.bot.control.wait_for_text(OPERATOR, "main").await;
    let status = pair.until("main is seen down", |status| status["health"] == "down").await;
    assert_eq!(status["incident"]["cause"]["code"], "supervisor-gone", "{status:#}");
    let refused = pair.world.bulkhead(&["rescue", "restart", "--json"]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    let refused: Value = serde_json::from_slice(&refused.stdout).expect("JSON");
    let outcome = refused["verdict"]["refusal"]["kind"].as_str().or(refused["error"]["code"].as_str());
    assert!(outcome.is_some_and(|code| code.contains("owner-absent")), "{refused:#}");
}
