//! Ports of this machine: who holds one, which are listened on, which the system hands out by itself.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::identity::ProcessIdentity;
use crate::platform;
use crate::record::RunRecord;

/// The process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The port.
    pub port: u16,
    /// Its process; `None` if it belongs to another user.
    pub pid: Option<u32>,
    /// Its program; `None` if it belongs to another user.
    pub program: Option<String>,
    /// The profile, if it is proven to be one of ours.
    pub profile: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.profile, self.pid, &self.program) {
            (Some(profile), Some(pid), _) => write!(f, "the gateway of profile '{profile}' (process {pid})"),
            (_, Some(pid), Some(program)) => write!(f, "{program} (process {pid})"),
            (_, Some(pid), None) => write!(f, "process {pid}"),
            _ => f.write_str("a program of another user"),
        }
    }
}

/// Who listens on a port, on IPv4 or IPv6.
pub fn holder(port: u16) -> Option<Holder> {
    let first = platform::port_holders(port).into_iter().next()?;
    Some(Holder { port, pid: first.pid, program: first.program, profile: None })
}

/// Who listens on a port; a gateway of ours is known by its run record, and only if that very process still runs.
pub fn holder_among(port: u16, records: &[RunRecord]) -> Option<Holder> {
    let mut holder = holder(port)?;
    let identity = holder.pid.and_then(|pid| ProcessIdentity::of(pid).ok());
    if let Some(identity) = identity {
        let record = records.iter().find(|record| record.identity.is_same(&identity));
        holder.profile = record.map(|record| record.profile.clone());
    }
    Some(holder)
}

/// Every port that somebody listens on (TCP, IPv4 and IPv6).
pub fn listening() -> BTreeSet<u16> {
    platform::listening_ports()
}

/// Whether a port could be bound now on both loopback addresses.
pub fn is_free(port: u16) -> bool {
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port));
    // A machine without IPv6 has no ::1 to be taken.
    v4 && v6.map_or_else(|error| error.kind() != std::io::ErrorKind::AddrInUse, |_| true)
}

/// The range that the system takes ports from for outgoing connections.
pub fn ephemeral_range() -> RangeInclusive<u16> {
    platform::ephemeral_range()
}

/// Ranges better left alone: ephemeral, and what Windows keeps for itself.
pub fn avoid_ranges() -> Vec<RangeInclusive<u16>> {
    let mut ranges = vec![ephemeral_range()];
    ranges.extend(platform::excluded_ranges());
    ranges
}

/// The table of `netsh interface ipv4 show excludedportrange`, in any language: lines of two numbers.
#[cfg_attr(not(windows), allow(dead_code))]
pub(crate) fn parse_excluded_ranges(text: &str) -> Vec<RangeInclusive<u16>> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (first, last) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            (first <= last).then_some(first..=last)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_ranges_of_windows() {
        let text = "\nProtocol tcp Port Exclusion Ranges\n\nStart Port    End Port\n----------    --------\n      5357        5357\n     50000       50059     *\n\n* - Administered port exclusions.\n";
        assert_eq!(parse_excluded_ranges(text), [5357..=5357, 50000..=50059]);
    }

    #[test]
    fn holders_in_words() {
        let holder = |pid, program: Option<&str>, profile: Option<&str>| Holder {
            port: 1,
            pid,
            program: program.map(Into::into),
            profile: profile.map(Into::into),
        };
        assert_eq!(holder(Some(7), Some("python3"), None).to_string(), "python3 (process 7)");
        assert_eq!(
            holder(Some(7), Some("bulkhead"), Some("rescue")).to_string(),
            "the gateway of profile 'rescue' (process 7)"
        );
        assert_eq!(holder(None, None, None).to_string(), "a program of another user");
    }
}
