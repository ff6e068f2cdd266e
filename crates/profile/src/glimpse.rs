//! A lenient look into a configuration file: the few keys that decide about isolation, also from a broken file.
//!
//! The real reading, with errors, is the config crate's. Here a profile that cannot be read must still not lose its
//! ports to another one, and an OpenClaw's file must never stop us.

use std::collections::BTreeMap;
use std::path::Path;

use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Value;

use crate::files;
use crate::ports::Ports;

const LIMIT: u64 = 4 * 1024 * 1024;
const DEEPEST: usize = 128;
const MOST_ENTRIES: usize = 1000;

/// What a configuration says about ports, bots and the workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigGlimpse {
    /// Whether the file could be read; if not, the rest was picked out of its text.
    pub readable: bool,
    /// `gateway.port`, if it can be a base port.
    pub base_port: Option<u16>,
    /// `browser.controlPort`.
    pub control_port: Option<u16>,
    /// `browser.profiles.<name>.cdpPort` by field path.
    pub cdp_ports: BTreeMap<String, u16>,
    /// `browser.cdpUrl` and `browser.profiles.<name>.cdpUrl` by field path.
    pub cdp_urls: BTreeMap<String, String>,
    /// Ids of Telegram bots whose tokens stand in the file.
    pub bot_ids: Vec<u64>,
    /// `agents.defaults.workspace`.
    pub workspace: Option<String>,
    /// `channels.telegram.tokenFile`.
    pub token_file: Option<String>,
}

impl ConfigGlimpse {
    /// Looks into a file; `None` if there is none.
    pub fn of_file(path: &Path) -> Option<Self> {
        match files::read_limited(path, LIMIT) {
            Ok(bytes) => Some(Self::of_text(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(_) => Some(Self::default()),
        }
    }

    /// Looks into a text.
    pub fn of_text(text: &str) -> Self {
        match parse(text) {
            Some(value) => Self::of_value(&value),
            None => Self::picked_out(text),
        }
    }

    /// Looks into a parsed configuration.
    pub fn of_value(value: &Value) -> Self {
        let port = |value: Option<&Value>| value.and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let browser = value.get("browser");
        let mut glimpse = Self {
            readable: value.is_object(),
            base_port: port(value.pointer("/gateway/port")).filter(|p| Ports::new(*p).is_ok()),
            control_port: port(browser.and_then(|b| b.get("controlPort"))),
            workspace: text(value.pointer("/agents/defaults/workspace"))
                .or_else(|| text(value.pointer("/agent/workspace"))),
            token_file: text(value.pointer("/channels/telegram/tokenFile")),
            ..Self::default()
        };
        if let Some(url) = text(browser.and_then(|b| b.get("cdpUrl"))) {
            glimpse.cdp_urls.insert("browser.cdpUrl".to_owned(), url);
        }
        let profiles = browser.and_then(|b| b.get("profiles")).and_then(Value::as_object);
        for (name, profile) in profiles.into_iter().flatten().take(MOST_ENTRIES) {
            if let Some(port) = port(profile.get("cdpPort")) {
                glimpse.cdp_ports.insert(format!("browser.profiles.{name}.cdpPort"), port);
            }
            if let Some(url) = text(profile.get("cdpUrl")) {
                glimpse.cdp_urls.insert(format!("browser.profiles.{name}.cdpUrl"), url);
            }
        }
        for telegram in [value.pointer("/channels/telegram"), value.get("telegram")].into_iter().flatten() {
            if telegram.get("enabled") == Some(&Value::Bool(false)) {
                continue;
            }
            glimpse.add_bot(telegram.get("botToken"));
            let accounts = telegram.get("accounts").and_then(Value::as_object);
            for account in accounts.into_iter().flatten().take(MOST_ENTRIES).map(|(_, account)| account) {
                if account.get("enabled") != Some(&Value::Bool(false)) {
                    glimpse.add_bot(account.get("botToken"));
                }
            }
        }
        glimpse
    }

    fn add_bot(&mut self, token: Option<&Value>) {
        if let Some(id) = token.and_then(Value::as_str).and_then(bot_id_of_token) {
            self.add_bot_id(id);
        }
    }

    pub(crate) fn add_bot_id(&mut self, id: u64) {
        if !self.bot_ids.contains(&id) {
            self.bot_ids.push(id);
        }
    }

    /// From a text that does not parse: the first port that can be a base, and whatever looks like a bot's token.
    fn picked_out(text: &str) -> Self {
        let base_port = text.match_indices("port").find_map(|(at, _)| {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                return None;
            }
            let rest =
                text[at + 4..].trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.trim_start();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).take(6).collect();
            digits.parse().ok().filter(|p| Ports::new(*p).is_ok())
        });
        let mut glimpse = Self { base_port, ..Self::default() };
        let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-');
        for word in text.split(|c| !is_token(c)).filter(|word| word.len() >= 35).take(MOST_ENTRIES) {
            if let Some(id) = bot_id_of_token(word) {
                glimpse.add_bot_id(id);
            }
        }
        glimpse
    }
}

/// The public id of a Telegram bot: what stands before the colon of its token.
pub fn bot_id_of_token(token: &str) -> Option<u64> {
    let (id, secret) = token.trim().split_once(':')?;
    let plain = (1..=19).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    if !plain || secret.is_empty() || secret.contains(char::is_whitespace) {
        return None;
    }
    id.parse().ok()
}

fn parse(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}');
    // The parser recurses: a hostile depth must not exhaust the stack.
    let (mut depth, mut deepest) = (0usize, 0usize);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if deepest > DEEPEST {
        return None;
    }
    let ast = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).ok()?;
    ast.value.map(Value::from).filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: &str = "123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeF";

    #[test]
    fn reads_json5_as_people_write_it() {
        let glimpse = ConfigGlimpse::of_text(&format!(
            "{{ // mine\n gateway: {{ port: 19001, }},\n 'browser': {{controlPort: 19003, cdpUrl: 'http://10.0.0.2:9222', profiles: {{work: {{cdpPort: 19100}}}}}},\n channels: {{telegram: {{botToken: \"{TOKEN}\", accounts: {{b: {{botToken: '42:xx'}}}}}}}} }}"
        ));
        assert!(glimpse.readable);
        assert_eq!((glimpse.base_port, glimpse.control_port), (Some(19001), Some(19003)));
        assert_eq!(glimpse.cdp_ports["browser.profiles.work.cdpPort"], 19100);
        assert_eq!(glimpse.cdp_urls["browser.cdpUrl"], "http://10.0.0.2:9222");
        assert_eq!(glimpse.bot_ids, [123_456_789, 42]);
    }

    #[test]
    fn a_broken_file_keeps_its_port_and_bot() {
        let glimpse = ConfigGlimpse::of_text(&format!(
            "{{\"gateway\": {{\"controlport\": 1, \"port\": 20100, \"channels\": {{\"telegram\": {{\"botToken\": \"{TOKEN}\""
        ));
        assert!(!glimpse.readable);
        assert_eq!(glimpse.base_port, Some(20100));
        assert_eq!(glimpse.bot_ids, [123_456_789]);
    }

    #[test]
    fn a_disabled_channel_holds_no_bot() {
        let text = format!("{{channels: {{telegram: {{enabled: false, botToken: \"{TOKEN}\"}}}}}}");
        assert!(ConfigGlimpse::of_text(&text).bot_ids.is_empty());
    }

    #[test]
    fn hostile_depth_is_no_crash() {
        assert!(!ConfigGlimpse::of_text(&"[".repeat(1_000_000)).readable);
        assert!(!ConfigGlimpse::of_text(&"{a:".repeat(1_000_000)).readable);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\{|\\}|\"|port|:|[0-9]{1,6}| |é|gateway|,|\\[|\\]|//|\n){0,40}") {
            let _ = ConfigGlimpse::of_text(&text);
            let _ = bot_id_of_token(&text);
        }
    }
}
