//! How many gateways answered: one that is reached in two ways (a tunnel, a proxy, another URL) is one. Pure.
//!
//! A gateway's identity is the id that it makes anew for every start of its process and tells everybody whom it admits
//! (`server.bootId`). Two answers with one id are one process; with two ids they are two.

use std::collections::BTreeMap;

use serde::Serialize;

/// One way to a gateway, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// `explicit`, `sshTunnel`, `configRemote` or `localLoopback`.
    pub target: &'static str,
    /// Where.
    pub url: String,
    /// Whether something answered there, admitted or not.
    pub answered: bool,
    /// Who answered, as far as it is told.
    pub identity: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// How long it took.
    pub connect_ms: Option<u64>,
    /// Why nobody was let in.
    pub error: Option<String>,
}

/// Something that the person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Stable, for programs.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_ids: Vec<&'static str>,
}

/// How many identities are proven, and what is to be said about them.
pub fn judge(seen: &[Seen]) -> (usize, Vec<Warning>) {
    let mut ways: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in seen {
        if let Some(identity) = &one.identity {
            ways.entry(identity).or_default().push(&one.url);
        }
    }
    let unproven: Vec<_> = seen.iter().filter(|one| one.answered && one.identity.is_none()).collect();
    let mut warnings = Vec::new();
    if ways.len() > 1 {
        let each: Vec<_> = ways.values().map(|urls| urls.join(" = ")).collect();
        warnings.push(Warning {
            code: "multiple_gateways",
            message: format!(
                "{} distinct gateways answered: {}; expected one, unless you run several isolated ones on purpose; else stop those that you don't \
                 need (`bulkhead gateway status --deep` finds services that start them)",
                ways.len(),
                each.join(", ")
            ),
            target_ids: seen.iter().filter(|one| one.identity.is_some()).map(|one| one.target).collect(),
        });
    }
    if !unproven.is_empty() && ways.len() + unproven.len() > 1 {
        let which: Vec<_> = unproven
            .iter()
            .map(|one| match &one.error {
                Some(error) => format!("{} ({error})", one.url),
                None => format!("{} (it names no id of its process)", one.url),
            })
            .collect();
        warnings.push(Warning {
            code: "identity_unproven",
            message: format!(
                "it cannot be proven whether this is the same gateway: {}; expected to be let in and told; give its --token or --password",
                which.join(", ")
            ),
            target_ids: unproven.iter().map(|one| one.target).collect(),
        });
    }
    (ways.len(), warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(url: &str, identity: Option<&str>, answered: bool) -> Seen {
        Seen {
            target: "explicit",
            url: url.to_owned(),
            answered,
            identity: identity.map(str::to_owned),
            version: None,
            connect_ms: None,
            error: (answered && identity.is_none()).then(|| "refused".to_owned()),
        }
    }

    fn codes(all: &[Seen]) -> (usize, Vec<&'static str>) {
        let (count, warnings) = judge(all);
        (count, warnings.iter().map(|warning| warning.code).collect())
    }

    #[test]
    fn one_gateway_by_two_ways_is_one() {
        assert_eq!(
            codes(&[seen("ws://a", Some("x"), true), seen("ws://tunnel", Some("x"), true)]),
            (1, vec![])
        );
    }

    #[test]
    fn two_are_warned_about_with_their_ways() {
        let all = [
            seen("ws://a", Some("x"), true),
            seen("ws://b", Some("y"), true),
            seen("ws://c", Some("x"), true),
        ];
        assert_eq!(codes(&all), (2, vec!["multiple_gateways"]));
        assert!(judge(&all).1[0].message.contains("ws://a = ws://c, ws://b"));
    }

    #[test]
    fn what_cannot_be_proven_is_said() {
        assert_eq!(
            codes(&[seen("ws://a", Some("x"), true), seen("ws://b", None, true)]),
            (1, vec!["identity_unproven"])
        );
        assert_eq!(
            codes(&[seen("ws://a", None, true), seen("ws://b", None, true)]),
            (0, vec!["identity_unproven"])
        );
        assert_eq!(codes(&[seen("ws://a", None, true)]), (0, vec![]), "one alone leaves no question");
        assert_eq!(
            codes(&[seen("ws://a", Some("x"), true), seen("ws://b", None, false)]),
            (1, vec![]),
            "nobody there"
        );
    }
}
