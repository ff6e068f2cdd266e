//! A command that waits for a yes, as a notification. What is shown there is what is decided about: a yes is only offered
//! when the whole command, where it runs and every warning fit and nothing in them can hide.

use super::{Decide, Notice};
use crate::language::texts;
use crate::words;
use serde_json::Value;

/// Longest command that is shown whole.
const COMMAND: usize = 200;
/// Longest folder.
const FOLDER: usize = 120;

/// The notification's key for an approval.
pub fn key_of(profile: &str, payload: &Value) -> Option<String> {
    Some(format!("{profile}/approval/{}", payload.get("id")?.as_str()?))
}

/// A command that somebody is asked about.
pub fn requested(profile: &str, payload: &Value) -> Option<Notice> {
    let key = key_of(profile, payload)?;
    let id = payload.get("id")?.as_str()?.to_owned();
    let request = payload.get("request")?;
    let text = |name: &str| request.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let command = text("command")?;
    let folder = text("cwd");
    let whole = is_plain(command, COMMAND) && folder.is_none_or(|folder| is_plain(folder, FOLDER));
    let may = |decision: &str| match request.get("allowedDecisions").and_then(Value::as_array) {
        Some(list) => list.iter().any(|one| one == decision),
        None => true,
    };
    // A warning belongs to the decision, and a command that runs elsewhere needs to be seen with its place.
    let simple = whole && text("warningText").is_none() && text("nodeId").is_none();
    Some(Notice {
        key,
        title: texts::notice_approval(profile),
        text: if whole { words::approval_text(command, folder) } else { texts::notice_approval_long() },
        silent: false,
        urgent: false,
        update: false,
        page: format!("/approvals/{profile}"),
        decide: Some(Decide {
            profile: profile.to_owned(),
            id,
            allow: simple && may("allow-once"),
            deny: whole && may("deny"),
        }),
    })
}

/// Whether a text is shown as it is: one line of visible characters.
fn is_plain(text: &str, longest: usize) -> bool {
    let hides = |c: char| {
        c.is_control()
            || matches!(c,
                '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().count() <= longest && !text.chars().any(hides) && !text.contains("   ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "reads as the thing itself")]
    fn asked(request: Value) -> Notice {
        requested("main", &json!({ "id": "a1", "request": request })).expect("shown")
    }

    fn offered(request: Value) -> (bool, bool) {
        asked(request).decide.map(|decide| (decide.allow, decide.deny)).expect("it can be decided")
    }

    #[test]
    fn a_command_that_can_be_read_whole_can_be_decided() {
        let notice = asked(json!({ "command": "rm -r build", "cwd": "/srv" }));
        assert!(notice.text.contains("rm -r build") && notice.text.contains("/srv"), "{notice:?}");
        assert_eq!(notice.page, "/approvals/main");
        assert_eq!(offered(json!({ "command": "rm -r build", "cwd": "/srv" })), (true, true));
    }

    #[test]
    fn what_cannot_be_read_whole_can_only_be_looked_at() {
        let long = "a".repeat(COMMAND + 1);
        for command in [long.as_str(), "a\nb", "a\u{202e}b", "ls      ; rm -r ~"] {
            let notice = asked(json!({ "command": command }));
            assert!(!notice.text.contains(command), "{notice:?}");
            assert_eq!(offered(json!({ "command": command })), (false, false), "{command}");
        }
        assert_eq!(offered(json!({ "command": "ls", "cwd": "/a\u{200b}" })), (false, false));
    }

    #[test]
    fn a_warning_or_another_machine_needs_the_page_for_a_yes() {
        assert_eq!(offered(json!({ "command": "ls", "warningText": "It hides." })), (false, true));
        assert_eq!(offered(json!({ "command": "ls", "nodeId": "n" })), (false, true));
        assert_eq!(offered(json!({ "command": "ls", "allowedDecisions": ["deny"] })), (false, true));
    }

    #[test]
    fn an_answer_ends_it() {
        let key = asked(json!({ "command": "ls" })).key;
        assert_eq!(key_of("main", &json!({ "id": "a1", "decision": "deny" })), Some(key));
        assert_eq!(requested("main", &json!({ "request": { "command": "ls" } })), None);
    }
}
