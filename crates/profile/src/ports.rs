//! The ports of a profile: everything follows from the base port, and the whole interval is claimed.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::error::PortError;
use crate::place::Place;

/// How far the interval reaches beyond the base port.
pub const REACH: u16 = 110;
/// The lowest base port.
pub const LOWEST_BASE: u16 = 1024;
/// The highest base port.
pub const HIGHEST_BASE: u16 = u16::MAX - REACH;

/// The ports that follow from a base port B: `[B, B+110]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Ports {
    base: u16,
}

impl Ports {
    /// Checks that the whole interval fits.
    pub fn new(base: u16) -> Result<Self, PortError> {
        if (LOWEST_BASE..=HIGHEST_BASE).contains(&base) {
            Ok(Self { base })
        } else {
            Err(PortError::OutOfRange { place: String::new(), found: u32::from(base) })
        }
    }

    /// The gateway: protocol, HTTP, canvas, web UI.
    pub const fn base(self) -> u16 {
        self.base
    }

    /// The browser control service, loopback only.
    pub const fn control(self) -> u16 {
        self.base + 2
    }

    /// Where older OpenClaw served its canvas: reserved.
    pub const fn canvas_legacy(self) -> u16 {
        self.base + 4
    }

    /// The first CDP port.
    pub const fn cdp_first(self) -> u16 {
        self.base + 11
    }

    /// The last CDP port.
    pub const fn cdp_last(self) -> u16 {
        self.base + REACH
    }

    /// Everything that the profile claims.
    pub const fn interval(self) -> RangeInclusive<u16> {
        self.base..=self.base + REACH
    }
}

impl TryFrom<u16> for Ports {
    type Error = PortError;
    fn try_from(base: u16) -> Result<Self, Self::Error> {
        Self::new(base)
    }
}

impl From<Ports> for u16 {
    fn from(ports: Ports) -> Self {
        ports.base
    }
}

/// Where a base port came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "lowercase")]
pub enum PortSource {
    /// `--port`.
    Flag,
    /// A variable.
    Env(String),
    /// `gateway.port`.
    Config,
    /// The claim in the register, or the rule.
    Rule,
}

impl PortSource {
    /// The source as a person would name it.
    pub fn describe(&self) -> &str {
        match self {
            Self::Flag => "--port",
            Self::Env(name) => name,
            Self::Config => "gateway.port",
            Self::Rule => "the rule",
        }
    }
}

/// The choice of a base port.
#[derive(Debug, Clone, Copy)]
pub struct BasePort;

impl BasePort {
    /// `--port`, else `BULKHEAD_GATEWAY_PORT`, else `OPENCLAW_GATEWAY_PORT`, else `gateway.port`, else the rule (the
    /// claim in the register).
    pub fn choose(
        flag: Option<u16>,
        env: &Environment,
        config: Option<u16>,
        rule: u16,
    ) -> Result<(u16, PortSource), PortError> {
        let (port, source) = if let Some(port) = flag {
            (port, PortSource::Flag)
        } else if let Some((name, value)) = env.either("GATEWAY_PORT") {
            (parse_port(&name, value)?, PortSource::Env(name))
        } else if let Some(port) = config {
            (port, PortSource::Config)
        } else {
            (rule, PortSource::Rule)
        };
        Ports::new(port).map_err(|error| error.from_place(source.describe()))?;
        Ok((port, source))
    }
}

fn parse_port(place: &str, text: &str) -> Result<u16, PortError> {
    let number: u32 = text.trim().parse().map_err(|_| PortError::NotANumber {
        place: place.to_owned(),
        found: text.chars().take(40).collect(),
    })?;
    u16::try_from(number).map_err(|_| PortError::OutOfRange { place: place.to_owned(), found: number })
}

/// A place with its ports: all that one running gateway needs to know about who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Directories and names.
    pub place: Place,
    /// The ports.
    pub ports: Ports,
    /// Where the base port came from.
    pub port_source: PortSource,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn derived_ports() {
        let ports = Ports::new(18789).unwrap();
        assert_eq!(
            (ports.control(), ports.canvas_legacy(), ports.cdp_first(), ports.cdp_last(), ports.interval()),
            (18791, 18793, 18800, 18899, 18789..=18899)
        );
    }

    #[test]
    fn order_of_sources() {
        let env = Environment::for_test("/h").with_var("OPENCLAW_GATEWAY_PORT", "3000");
        let none = Environment::for_test("/h");
        assert_eq!(BasePort::choose(Some(2000), &env, Some(4000), 5000).unwrap(), (2000, PortSource::Flag));
        assert_eq!(
            BasePort::choose(None, &env, Some(4000), 5000).unwrap(),
            (3000, PortSource::Env("OPENCLAW_GATEWAY_PORT".into()))
        );
        assert_eq!(BasePort::choose(None, &none, Some(4000), 5000).unwrap(), (4000, PortSource::Config));
        assert_eq!(BasePort::choose(None, &none, None, 5000).unwrap(), (5000, PortSource::Rule));
    }

    #[test]
    fn errors_name_the_source() {
        let env = Environment::for_test("/h").with_var("BULKHEAD_GATEWAY_PORT", "abc");
        assert_eq!(
            BasePort::choose(None, &env, None, 5000).unwrap_err().to_string(),
            "BULKHEAD_GATEWAY_PORT: found \"abc\", which is no port number; expected a base port from 1024 to 65425; for example: 18789"
        );
        assert_eq!(
            BasePort::choose(Some(65500), &Environment::for_test("/h"), None, 1).unwrap_err().to_string(),
            "base port 65500 from --port: expected 1024 to 65425, because a profile uses the ports from its base to base+110 and ports below 1024 need root; for example: 18789"
        );
    }

    proptest! {
        #[test]
        fn no_port_and_no_text_panics(flag in proptest::option::of(any::<u16>()), text in ".*", config in proptest::option::of(any::<u16>()), rule: u16) {
            let env = Environment::for_test("/h").with_var("OPENCLAW_GATEWAY_PORT", &text);
            if let Ok((port, _)) = BasePort::choose(flag, &env, config, rule) {
                let ports = Ports::new(port).unwrap();
                prop_assert!(ports.cdp_last() >= ports.cdp_first());
                prop_assert_eq!(ports.interval().count(), 111);
            }
        }
    }
}
