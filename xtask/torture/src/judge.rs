//! What a round did, told by outside observers: the Bot API's messages and the model's requests. Pure.

use bulkhead_fakes::model::RecordedRequest;
use bulkhead_fakes::telegram::BotMessage;
use serde::Serialize;
use serde_json::Value;

use crate::plan::Question;

/// What stands in a chat until an answer does.
const PLACEHOLDER: &str = "…";
/// Said of an answer that was cut off after part of it was shown.
const INTERRUPTED: &str = "(interrupted:";
/// How a person is told that there is no answer.
const TROUBLE: [&str; 3] = ["I could not answer", "I cannot answer now", "I began to answer this"];
/// The same, under a part of the answer.
const STOPPED_SHORT: &str = "I could not go on";
/// Clocks of two observers in one process.
const SLACK_MS: u64 = 50;

/// How one question ended, as its chat shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing final yet.
    Open,
    /// The whole answer.
    Answered,
    /// Part of it, and that it was interrupted.
    Interrupted,
    /// That there is none, and why.
    Told,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Rounds.
    pub rounds: u64,
    /// Questions asked.
    pub questions: u64,
    /// Updates that the Bot API handed out, repeated ones each time.
    pub updates_in: u64,
    /// Whole answers.
    pub answers: u64,
    /// Answers that were said to be interrupted.
    pub interrupted: u64,
    /// Questions whose asker was told why there is no answer.
    pub told_why_not: u64,
    /// Questions that nobody will ever answer.
    pub lost: u64,
    /// Questions with more than one answer, or parts of more than one.
    pub doubled: u64,
    /// Empty placeholders that stayed.
    pub stray_placeholders: u64,
    /// Those that neither a kill nor a cut connection accounts for.
    pub stray_beyond: u64,
    /// First requests to the model for a question.
    pub model_turns: u64,
    /// Further ones for the same question: after a kill with nothing shown, or after a provider's fault.
    pub second_turns: u64,
    /// Those that came although part of an answer had been shown.
    pub turns_after_shown: u64,
    /// Requests in which two questions stood without an answer between them.
    pub merged_turns: u64,
    /// Times that a gateway was killed.
    pub kills: u64,
    /// Times that a gateway started.
    pub starts: u64,
    /// Times that nobody but the torture started it again.
    pub helped: u64,
    /// Configurations, databases and folders that were not as they must be.
    pub damaged: u64,
    /// Milliseconds from a question to its answer, at worst.
    pub worst_ms: u64,
}

impl Counts {
    /// Adds another round's.
    pub fn add(&mut self, other: &Self) {
        let Self {
            rounds,
            questions,
            updates_in,
            answers,
            interrupted,
            told_why_not,
            lost,
            doubled,
            stray_placeholders,
            stray_beyond,
            model_turns,
            second_turns,
            turns_after_shown,
            merged_turns,
            kills,
            starts,
            helped,
            damaged,
            worst_ms,
        } = other;
        self.rounds += rounds;
        self.questions += questions;
        self.updates_in += updates_in;
        self.answers += answers;
        self.interrupted += interrupted;
        self.told_why_not += told_why_not;
        self.lost += lost;
        self.doubled += doubled;
        self.stray_placeholders += stray_placeholders;
        self.stray_beyond += stray_beyond;
        self.model_turns += model_turns;
        self.second_turns += second_turns;
        self.turns_after_shown += turns_after_shown;
        self.merged_turns += merged_turns;
        self.kills += kills;
        self.starts += starts;
        self.helped += helped;
        self.damaged += damaged;
        self.worst_ms = self.worst_ms.max(*worst_ms);
    }

    /// Whether everything is as it must be.
    pub fn passes(&self) -> bool {
        self.lost == 0
            && self.doubled == 0
            && self.stray_beyond == 0
            && self.turns_after_shown == 0
            && self.merged_turns == 0
            && self.helped == 0
            && self.damaged == 0
            && self.answers + self.interrupted + self.told_why_not == self.questions
    }
}

/// How a question stands. `told` are the chat's messages of trouble that earlier questions have not used up.
fn end(question: &Question, messages: &[BotMessage], told: &mut usize) -> End {
    let of = |part: &str| {
        messages
            .iter()
            .filter(|message| message.chat_id == question.chat && message.now.text.contains(part))
            .collect::<Vec<_>>()
    };
    if !of(&question.end()).is_empty() {
        return End::Answered;
    }
    let begun = of(&question.begin());
    if begun.iter().any(|message| message.now.text.contains(INTERRUPTED)) {
        return End::Interrupted;
    }
    if begun.iter().any(|message| message.now.text.contains(STOPPED_SHORT)) {
        return End::Told;
    }
    if *told > 0 {
        *told -= 1;
        return End::Told;
    }
    End::Open
}

/// How every question stands, in their order.
pub fn ends(questions: &[Question], messages: &[BotMessage]) -> Vec<End> {
    let mut chats: Vec<i64> = questions.iter().map(|question| question.chat).collect();
    chats.sort_unstable();
    chats.dedup();
    let mut told: Vec<(i64, usize)> = chats
        .into_iter()
        .map(|chat| {
            let of_trouble = |message: &&BotMessage| {
                message.chat_id == chat && TROUBLE.iter().any(|words| message.now.text.starts_with(words))
            };
            (chat, messages.iter().filter(of_trouble).count())
        })
        .collect();
    questions
        .iter()
        .map(|question| {
            let mut none = 0;
            let told =
                told.iter_mut().find(|(chat, _)| *chat == question.chat).map_or(&mut none, |(_, told)| told);
            end(question, messages, told)
        })
        .collect()
}

/// What the observers saw of one round.
pub struct Seen<'a> {
    /// What was asked.
    pub questions: &'a [Question],
    /// What the bot said and did not delete.
    pub messages: &'a [BotMessage],
    /// What the model was asked.
    pub requests: &'a [RecordedRequest],
    /// How many placeholders may have been left, by kills and cut connections in the one window.
    pub excused_strays: u64,
    /// Whether the provider failed, after which a run asks it again by itself.
    pub provider_failed: bool,
}

/// Counts one round.
pub fn judge(seen: &Seen<'_>) -> Counts {
    let mut counts = Counts { rounds: 1, questions: seen.questions.len() as u64, ..Counts::default() };
    for end in ends(seen.questions, seen.messages) {
        match end {
            End::Answered => counts.answers += 1,
            End::Interrupted => counts.interrupted += 1,
            End::Told => counts.told_why_not += 1,
            End::Open => counts.lost += 1,
        }
    }
    for question in seen.questions {
        let begun: Vec<&BotMessage> =
            seen.messages.iter().filter(|message| message.now.text.contains(&question.begin())).collect();
        if begun.len() > 1 {
            counts.doubled += 1;
        }
        let shown = begun
            .iter()
            .flat_map(|message| &message.revisions)
            .filter(|revision| revision.text.contains(&question.begin()))
            .map(|revision| revision.at)
            .min();
        let turns: Vec<&RecordedRequest> =
            seen.requests.iter().filter(|request| asks(request, &question.begin())).collect();
        counts.model_turns += u64::from(!turns.is_empty());
        counts.second_turns += turns.len().saturating_sub(1) as u64;
        if let Some(shown) = shown.filter(|_| !seen.provider_failed) {
            counts.turns_after_shown +=
                turns.iter().filter(|request| request.at > shown + SLACK_MS).count() as u64;
        }
        counts.merged_turns += turns.iter().filter(|request| stands_beside_another(request)).count() as u64;
    }
    let strays = seen.messages.iter().filter(|message| message.now.text == PLACEHOLDER).count() as u64;
    counts.stray_placeholders = strays;
    counts.stray_beyond = strays.saturating_sub(seen.excused_strays);
    counts
}

fn conversation(request: &RecordedRequest) -> &[Value] {
    request.body["messages"].as_array().map_or(&[], Vec::as_slice)
}

fn is_of_person(message: &Value) -> bool {
    message["role"] == "user"
}

/// Whether a request begins a turn for the question with this word.
fn asks(request: &RecordedRequest, begin: &str) -> bool {
    conversation(request)
        .last()
        .is_some_and(|last| is_of_person(last) && last["content"].to_string().contains(begin))
}

/// Whether the question stands right behind another one, or in the same message with it.
fn stands_beside_another(request: &RecordedRequest) -> bool {
    let messages = conversation(request);
    let before = messages.len().checked_sub(2).and_then(|index| messages.get(index));
    before.is_some_and(is_of_person)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Manner;
    use bulkhead_fakes::telegram::Revision;
    use serde_json::json;

    fn question(number: u64) -> Question {
        Question { number, chat: 1, manner: Manner::Short }
    }

    fn message(text: &str, at: u64) -> BotMessage {
        let now = Revision {
            text: text.into(),
            source: text.into(),
            parse_mode: None,
            entities: Vec::new(),
            reply_markup: None,
            at,
        };
        BotMessage { message_id: 1, chat_id: 1, revisions: vec![now.clone()], now, deleted: false }
    }

    fn request(at: u64, messages: &Value) -> RecordedRequest {
        let blank = json!({"number": 1, "method": "POST", "path": "/", "query": null, "headers": {}, "body": {"messages": messages},
            "format": null, "fault": null, "status": 200, "at": at});
        serde_json::from_value(blank).unwrap()
    }

    fn counts(messages: &[BotMessage], requests: &[RecordedRequest]) -> Counts {
        judge(&Seen {
            questions: &[question(7)],
            messages,
            requests,
            excused_strays: 1,
            provider_failed: false,
        })
    }

    #[test]
    fn every_way_to_fail_is_seen() {
        assert!(counts(&[message("b7b e7e", 5)], &[]).passes());
        assert_eq!(counts(&[], &[]).lost, 1);
        assert_eq!(counts(&[message("b7b e7e", 5), message("b7b e7e", 6)], &[]).doubled, 1);
        assert_eq!(
            counts(&[message("b7b one", 5), message("b7b e7e", 6)], &[]).doubled,
            1,
            "part of an answer and an answer"
        );
        let strays = counts(&[message("b7b e7e", 5), message("…", 5), message("…", 5)], &[]);
        assert_eq!((strays.stray_placeholders, strays.stray_beyond), (2, 1));
        assert!(!strays.passes());
    }

    #[test]
    fn interruptions_and_troubles_are_told_apart_from_losses() {
        assert_eq!(counts(&[message("b7b one\n\n(interrupted: I was stopped)", 5)], &[]).interrupted, 1);
        assert_eq!(counts(&[message("I could not answer: no", 5)], &[]).told_why_not, 1);
        assert_eq!(counts(&[message("b7b one", 5)], &[]).lost, 1, "half an answer, and nothing said of it");
    }

    #[test]
    fn model_turns_are_counted_per_question() {
        let ask = |at| request(at, &json!([{"role": "user", "content": "ECHO b7b e7e"}]));
        let after_tool =
            request(9, &json!([{"role": "user", "content": "b7b"}, {"role": "tool", "content": "x"}]));
        let seen = counts(&[message("b7b e7e", 500)], &[ask(1), after_tool, ask(2)]);
        assert_eq!((seen.model_turns, seen.second_turns, seen.turns_after_shown), (1, 1, 0));
        assert_eq!(counts(&[message("b7b e7e", 500)], &[ask(1), ask(900)]).turns_after_shown, 1);
        let merged =
            request(1, &json!([{"role": "user", "content": "b6b"}, {"role": "user", "content": "b7b e7e"}]));
        assert_eq!(counts(&[message("b7b e7e", 500)], &[merged]).merged_turns, 1);
    }
}
