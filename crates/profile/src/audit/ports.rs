//! Ports of two profiles: the gap between their bases, and explicit ports that meet.

use std::collections::BTreeMap;

use super::{Finding, Severity, pair, profile_flag, to_change};
use crate::facts::ProfileFacts;
use crate::ports::REACH;

/// Closer than this is refused; the seeds ask for at least so much.
pub const LEAST_GAP: u16 = 20;

/// What is to say about the gap between the base ports of two profiles.
pub fn spacing_between(a: &ProfileFacts, b: &ProfileFacts) -> Option<Finding> {
    let (base_a, base_b) = (a.base_port?, b.base_port?);
    let gap = base_a.abs_diff(base_b);
    if gap > REACH {
        return None;
    }
    let first = base_a.max(base_b);
    let last = base_a.min(base_b).saturating_add(REACH);
    let count = u32::from(last) + 1 - u32::from(first);
    let intervals = format!(
        "{} claims {base_a}–{}, {} claims {base_b}–{}",
        a.name,
        base_a.saturating_add(REACH),
        b.name,
        base_b.saturating_add(REACH)
    );
    let change = to_change(a, b);
    let flag = profile_flag(change);
    let free = if change.name == a.name { base_b } else { base_a };
    let apart = u32::from(free) + u32::from(REACH) + 1;
    let what = format!("base ports of {} and {}", a.name, b.name);
    if gap < LEAST_GAP {
        return Some(Finding {
            code: if gap == 0 { "base-port-shared" } else { "base-ports-too-close" }.to_owned(),
            severity: Severity::Error,
            profiles: pair(a, b),
            what,
            found: if gap == 0 {
                format!("both are {base_a}")
            } else {
                format!("{base_a} and {base_b} are only {gap} apart: {intervals}")
            },
            expected: format!(
                "at least {LEAST_GAP} between base ports, better {} so that no interval meets",
                REACH + 1
            ),
            next_step: format!(
                "give {} another base port, for example: bulkhead{flag} config set gateway.port {apart}; or leave the port out when you create it, and a free interval is taken",
                change.name
            ),
        });
    }
    Some(Finding {
        code: "intervals-overlap".to_owned(),
        severity: Severity::Warning,
        profiles: pair(a, b),
        what,
        found: format!("{gap} apart: {intervals}; {first}–{last} ({count} ports) belong to both"),
        expected: format!("{} or more between base ports, so that no interval meets", REACH + 1),
        next_step: format!(
            "it works: browser ports skip what the other one claims; to part them: bulkhead{flag} config set gateway.port {apart}"
        ),
    })
}

/// An explicit port: where it is set, and the number. CDP addresses on this machine count as ports.
fn explicit_ports(facts: &ProfileFacts) -> BTreeMap<String, u16> {
    let mut ports = facts.cdp_ports.clone();
    if let Some(port) = facts.control_port {
        ports.insert("browser.controlPort".to_owned(), port);
    }
    for (field, url) in &facts.cdp_urls {
        if let Some((_, port)) = authority(url).filter(|(host, _)| is_loopback(host)) {
            ports.insert(field.clone(), port);
        }
    }
    ports
}

/// What else listens in a profile: base and control port.
fn own_ports(facts: &ProfileFacts) -> Vec<(&'static str, u16)> {
    let mut ports = Vec::new();
    if let Some(base) = facts.base_port {
        ports.push(("its base port", base));
        if facts.control_port.is_none() {
            ports.push(("its browser control port", base.saturating_add(2)));
        }
    }
    ports
}

/// Explicit ports that two profiles share, addresses that they share, and the gap.
pub(super) fn between(a: &ProfileFacts, b: &ProfileFacts) -> Vec<Finding> {
    let mut findings: Vec<_> = spacing_between(a, b).into_iter().collect();
    let (explicit_a, explicit_b) = (explicit_ports(a), explicit_ports(b));
    for (field_a, port) in &explicit_a {
        for (field_b, _) in explicit_b.iter().filter(|(_, other)| *other == port) {
            findings.push(shared(a, field_a, b, field_b, *port));
        }
    }
    findings.extend(against_own(a, &explicit_a, b));
    findings.extend(against_own(b, &explicit_b, a));
    for (field_a, url_a) in &a.cdp_urls {
        for (field_b, url_b) in &b.cdp_urls {
            let (Some(at_a), Some(at_b)) = (authority(url_a), authority(url_b)) else { continue };
            if at_a == at_b && !is_loopback(&at_a.0) {
                findings.push(Finding {
                    code: "cdp-url-shared".to_owned(),
                    severity: Severity::Error,
                    profiles: pair(a, b),
                    what: format!("{field_a} of {} and {field_b} of {}", a.name, b.name),
                    found: format!("both drive the browser at {}:{}", at_a.0, at_a.1),
                    expected: "a browser of its own for each profile".to_owned(),
                    next_step: format!("change {field_b} in {}", b.config_path.display()),
                });
            }
        }
    }
    findings
}

fn shared(a: &ProfileFacts, field_a: &str, b: &ProfileFacts, field_b: &str, port: u16) -> Finding {
    Finding {
        code: "port-shared".to_owned(),
        severity: Severity::Error,
        profiles: pair(a, b),
        what: format!("{field_a} of {} and {field_b} of {}", a.name, b.name),
        found: format!("both use port {port}"),
        expected: "a port of its own for each profile".to_owned(),
        next_step: format!(
            "change {field_b} in {}, or take it out: a free port is chosen then",
            b.config_path.display()
        ),
    }
}

/// Explicit ports of `a` that are `b`'s own ports, or lie in its interval.
fn against_own(a: &ProfileFacts, explicit: &BTreeMap<String, u16>, b: &ProfileFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (field, port) in explicit {
        if let Some((what, _)) = own_ports(b).into_iter().find(|(_, own)| own == port) {
            findings.push(Finding {
                code: "port-shared".to_owned(),
                severity: Severity::Error,
                profiles: pair(a, b),
                what: format!("{field} of {} ({})", a.name, a.config_path.display()),
                found: format!("port {port} is {}'s: {what}", b.name),
                expected: "a port of its own for each profile".to_owned(),
                next_step: format!("change {field}, or take it out: a free port is chosen then"),
            });
        } else if let Some(base) =
            b.base_port.filter(|base| (*base..=base.saturating_add(REACH)).contains(port))
        {
            // Its own interval may overlap b's; then the overlap is told already.
            if a.base_port.is_some_and(|own| (own..=own.saturating_add(REACH)).contains(port)) {
                continue;
            }
            findings.push(Finding {
                code: "port-in-interval".to_owned(),
                severity: Severity::Warning,
                profiles: pair(a, b),
                what: format!("{field} of {} ({})", a.name, a.config_path.display()),
                found: format!(
                    "port {port} lies in the interval {base}–{} that {} claims",
                    base.saturating_add(REACH),
                    b.name
                ),
                expected: match a.base_port {
                    Some(own) => format!(
                        "a port in {}'s own range {}–{}",
                        a.name,
                        own.saturating_add(11),
                        own.saturating_add(REACH)
                    ),
                    None => "a port that no other profile claims".to_owned(),
                },
                next_step: format!(
                    "it works while {} does not use it; to part them change {field}, or take it out",
                    b.name
                ),
            });
        }
    }
    findings
}

/// Ports that one profile uses twice.
pub(super) fn within(facts: &ProfileFacts) -> Vec<Finding> {
    let explicit: Vec<_> = explicit_ports(facts).into_iter().collect();
    let mut findings = Vec::new();
    let mut twice = |field: &str, other: &str, port: u16| {
        findings.push(Finding {
            code: "port-twice".to_owned(),
            severity: Severity::Error,
            profiles: vec![facts.name.clone()],
            what: format!("{field} of {} ({})", facts.name, facts.config_path.display()),
            found: format!("port {port} is used for {other} too"),
            expected: "one use for each port".to_owned(),
            next_step: format!("change {field}, or take it out: a free port is chosen then"),
        });
    };
    for (index, (field, port)) in explicit.iter().enumerate() {
        // Two addresses of one running browser are no conflict: nothing is started for them.
        for (other, _) in explicit[..index].iter().filter(|(o, p)| p == port && !(is_url(o) && is_url(field)))
        {
            twice(field, other, *port);
        }
        if let Some((what, _)) = own_ports(facts).into_iter().find(|(_, own)| own == port) {
            twice(field, what, *port);
        }
    }
    findings
}

fn is_url(field: &str) -> bool {
    field.ends_with("cdpUrl")
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host == "::1" || host.starts_with("127.")
}

/// Host and port of an address, without what may be secret in it.
fn authority(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(text) => text.parse().ok()?,
        None if matches!(scheme, "https" | "wss") => 443,
        None => 80,
    };
    (!host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}
