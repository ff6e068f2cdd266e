//! The name of a profile: short, plain, and safe as a part of file, unit, task and keychain names on every system.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::NameError;

/// The default profile.
pub const MAIN: &str = "main";
/// The profile that watches and repairs main.
pub const RESCUE: &str = "rescue";
/// The profile of `--dev`.
pub const DEV: &str = "dev";

const MAX_LENGTH: usize = 32;

/// A checked profile name: `[a-z][a-z0-9-]{0,31}`, and no reserved word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

impl ProfileName {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let Some(first) = text.chars().next() else { return Err(NameError::Empty) };
        let length = text.chars().count();
        if length > MAX_LENGTH {
            return Err(NameError::TooLong { found: text.chars().take(40).collect(), length });
        }
        if let Some(character) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(NameError::BadCharacter {
                found: text.to_owned(),
                character,
                suggestion: suggestion(text),
            });
        }
        if !first.is_ascii_lowercase() {
            return Err(NameError::BadStart { found: text.to_owned(), begins: first });
        }
        if let Some(why) = reserved(text) {
            return Err(NameError::Reserved { found: text.to_owned(), why });
        }
        Ok(Self(text.to_owned()))
    }

    /// `main`, the default profile.
    pub fn main() -> Self {
        Self(MAIN.to_owned())
    }

    /// `rescue`.
    pub fn rescue() -> Self {
        Self(RESCUE.to_owned())
    }

    /// `dev`, the profile of `--dev`.
    pub fn dev() -> Self {
        Self(DEV.to_owned())
    }

    /// Whether this is the default profile.
    pub fn is_main(&self) -> bool {
        self.0 == MAIN
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn reserved(name: &str) -> Option<&'static str> {
    match name {
        "gateway" => Some("it would read like the gateway's own service"),
        "default" => Some("the default profile is called main"),
        "archive" => Some("~/.bulkhead-archive is where backups go"),
        "con" | "prn" | "aux" | "nul" => Some("it is the name of a device on Windows"),
        _ => {
            let port = name.strip_prefix("com").or_else(|| name.strip_prefix("lpt"))?;
            let digit = port.len() == 1 && port.bytes().all(|b| b.is_ascii_digit());
            digit.then_some("it is the name of a device on Windows")
        }
    }
}

/// A valid name close to what was typed.
fn suggestion(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    name = name.trim_matches('-').chars().skip_while(|c| !c.is_ascii_lowercase()).take(MAX_LENGTH).collect();
    if ProfileName::parse(&name).is_ok() { name } else { "rescue".to_owned() }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for ProfileName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ProfileName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0
    }
}

impl AsRef<str> for ProfileName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_the_rule_pass_and_others_do_not() {
        for good in ["main", "rescue", "dev", "a", "ops-2", "x-", &"a".repeat(32), "com10", "console"] {
            assert!(ProfileName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Main",
            "1a",
            "-a",
            "a_b",
            "a b",
            "ä",
            "gateway",
            "default",
            "archive",
            "con",
            "lpt1",
            "com0",
            "../x",
            &"a".repeat(33),
        ] {
            assert!(ProfileName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn errors_name_the_next_step() {
        let text = ProfileName::parse("My Rescue").unwrap_err().to_string();
        assert_eq!(
            text,
            "the profile name \"My Rescue\" contains 'M'; expected only small letters a–z, digits and '-'; choose another name, for example: my-rescue"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_accepted_name_follows_the_rule(text in ".*") {
            if let Ok(name) = ProfileName::parse(&text) {
                let name = name.as_str();
                prop_assert!(name.len() <= 32 && name.starts_with(|c: char| c.is_ascii_lowercase()));
                prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            }
        }

        #[test]
        fn serde_checks_too(text in "[a-zA-Z0-9_-]{0,40}") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<ProfileName>(&json).is_ok(), ProfileName::parse(&text).is_ok());
        }
    }
}
