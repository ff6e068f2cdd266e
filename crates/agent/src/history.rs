//! Makes a stored conversation fit to be sent: complete, in order, not too long. Pure.

use std::collections::BTreeSet;

use crate::message::ModelMessage;

/// What a call without a recorded result is answered with. It is never run again by itself.
pub const INTERRUPTED: &str =
    "[interrupted: no result was recorded, the effect is unknown; do not assume it happened]";

/// Repairs and shortens `history` to about `limit` bytes: every tool call gets an answer right behind it, answers without a
/// call go, the oldest exchanges go first and whole, and the first message is the person's.
pub fn prepare(history: Vec<ModelMessage>, limit: usize) -> Vec<ModelMessage> {
    shorten(repair(history), limit)
}

fn repair(history: Vec<ModelMessage>) -> Vec<ModelMessage> {
    let mut repaired = Vec::with_capacity(history.len());
    let mut open: Vec<(String, String)> = Vec::new();
    let mut answered: BTreeSet<String> = BTreeSet::new();
    for message in history {
        match &message {
            ModelMessage::Tool { call_id, .. } => {
                let asked = open.iter().any(|(id, _)| id == call_id);
                if asked && answered.insert(call_id.clone()) {
                    repaired.push(message);
                }
            }
            ModelMessage::User { .. } => {
                close(&mut repaired, &mut open, &mut answered);
                repaired.push(message);
            }
            ModelMessage::Assistant { tool_calls, text, .. } => {
                close(&mut repaired, &mut open, &mut answered);
                open = tool_calls.iter().map(|call| (call.id.clone(), call.name.clone())).collect();
                if !(text.is_empty() && tool_calls.is_empty()) {
                    repaired.push(message);
                }
            }
        }
    }
    close(&mut repaired, &mut open, &mut answered);
    repaired
}

fn close(
    repaired: &mut Vec<ModelMessage>,
    open: &mut Vec<(String, String)>,
    answered: &mut BTreeSet<String>,
) {
    for (call_id, name) in open.drain(..) {
        if !answered.contains(&call_id) {
            repaired.push(ModelMessage::Tool { call_id, name, text: INTERRUPTED.to_owned(), is_error: true });
        }
    }
    answered.clear();
}

fn shorten(history: Vec<ModelMessage>, limit: usize) -> Vec<ModelMessage> {
    let mut start = history.len();
    let mut size = 0;
    for (index, message) in history.iter().enumerate().rev() {
        size += message.size();
        if size > limit {
            break;
        }
        // An exchange begins with the person; nothing of it is kept without its beginning.
        if matches!(message, ModelMessage::User { .. }) {
            start = index;
        }
    }
    let mut history = history;
    history.drain(..start);
    history
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::ToolCall;

    fn call(id: &str) -> ToolCall {
        ToolCall {
            id: id.into(),
            name: "read".into(),
            arguments: serde_json::Map::new(),
            invalid_arguments: None,
        }
    }

    fn calls(ids: &[&str]) -> ModelMessage {
        ModelMessage::Assistant {
            text: String::new(),
            tool_calls: ids.iter().map(|id| call(id)).collect(),
            interrupted: false,
            native: None,
        }
    }

    fn result(id: &str) -> ModelMessage {
        ModelMessage::Tool { call_id: id.into(), name: "read".into(), text: "x".into(), is_error: false }
    }

    #[test]
    fn a_call_without_a_result_is_marked_interrupted() {
        let prepared = prepare(
            vec![ModelMessage::user("a"), calls(&["1", "2"]), result("1"), ModelMessage::user("b")],
            10_000,
        );
        assert_eq!(prepared.len(), 5);
        assert!(matches!(&prepared[3], ModelMessage::Tool { call_id, text, is_error: true, .. }
            if call_id == "2" && text == INTERRUPTED));
    }

    #[test]
    fn strays_and_doubles_go() {
        let prepared = prepare(
            vec![result("9"), ModelMessage::user("a"), calls(&["1"]), result("1"), result("1"), result("7")],
            10_000,
        );
        assert_eq!(prepared, vec![ModelMessage::user("a"), calls(&["1"]), result("1")]);
    }

    #[test]
    fn the_oldest_exchange_goes_first_and_whole() {
        let long = "x".repeat(1000);
        let prepared = prepare(
            vec![
                ModelMessage::user(&long),
                ModelMessage::assistant(&long),
                ModelMessage::user("second"),
                ModelMessage::assistant("answer"),
            ],
            1500,
        );
        assert_eq!(prepared, vec![ModelMessage::user("second"), ModelMessage::assistant("answer")]);
    }

    fn any_message() -> impl Strategy<Value = ModelMessage> {
        let id = prop::sample::select(vec!["1", "2", "3"]);
        prop_oneof![
            "[a-z]{0,20}".prop_map(ModelMessage::user),
            "[a-z]{0,20}".prop_map(ModelMessage::assistant),
            prop::collection::btree_set(id.clone(), 1..3)
                .prop_map(|ids| calls(&ids.into_iter().collect::<Vec<_>>())),
            id.prop_map(result),
        ]
    }

    proptest! {
        #[test]
        fn whatever_was_stored_can_be_sent(
            history in prop::collection::vec(any_message(), 0..30),
            limit in 0_usize..2000,
        ) {
            let prepared = prepare(history, limit);
            let begins_with_the_person = prepared.first().is_none_or(|first| matches!(first, ModelMessage::User { .. }));
            prop_assert!(begins_with_the_person);
            prop_assert!(prepared.iter().map(ModelMessage::size).sum::<usize>() <= limit);
            let mut open = BTreeSet::new();
            for message in &prepared {
                match message {
                    ModelMessage::Tool { call_id, .. } => prop_assert!(open.remove(call_id.as_str())),
                    ModelMessage::Assistant { tool_calls, .. } => {
                        prop_assert!(open.is_empty());
                        open = tool_calls.iter().map(|call| call.id.as_str()).collect();
                    }
                    ModelMessage::User { .. } => prop_assert!(open.is_empty()),
                }
            }
            prop_assert!(open.is_empty());
        }
    }
}
