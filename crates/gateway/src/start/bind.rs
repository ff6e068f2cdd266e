//! Taking the port, and naming who has it instead.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;

use bulkhead_config::{AuthMode, Bind, Config};
use bulkhead_process::{RunRecord, port};
use bulkhead_profile::{BasePort, Place, Register};
use bulkhead_profile::{Environment, known_profiles, preferred_base};
use bulkhead_server::{BindOptions, Bound, Server, ServerError};

use crate::error::GatewayError;
use crate::options::RunOptions;

/// The base port by flag, environment, configuration, or the claim of the profile.
pub(crate) fn base_port(options: &RunOptions, config: &Config) -> Result<u16, GatewayError> {
    let rule = || {
        let claim = Register::open(&options.environment).find(&options.place).ok().flatten();
        claim.map_or_else(|| preferred_base(options.place.name()), |entry| entry.base_port)
    };
    // The register is a file; it is read only when nothing else says the port.
    let named = options.port.is_some() || config.gateway.port.is_some();
    let named = named || options.environment.either("GATEWAY_PORT").is_some();
    let rule = if named { preferred_base(options.place.name()) } else { rule() };
    // Port 0 (tests) is taken as it is: the system chooses.
    if options.port == Some(0) {
        return Ok(0);
    }
    let (port, _) = BasePort::choose(options.port, &options.environment, config.gateway.port, rule)
        .map_err(|error| GatewayError::Place(error.to_string()))?;
    Ok(port)
}

/// The addresses that `--bind` or `gateway.bind` mean.
pub(crate) fn addresses(
    options: &RunOptions,
    config: &Config,
    port: u16,
) -> Result<BindOptions, GatewayError> {
    let bind = match options.bind.as_deref() {
        None => config.gateway.bind,
        Some("loopback") => Bind::Loopback,
        Some("lan") => Bind::Lan,
        Some("tailnet") => Bind::Tailnet,
        Some("auto") => Bind::Auto,
        Some("custom") => Bind::Custom,
        Some(other) => {
            return Err(GatewayError::Usage {
                flag: "--bind",
                found: format!("{other:?}"),
                expected: "loopback, lan, tailnet, auto or custom".to_owned(),
            });
        }
    };
    let open = |address: IpAddr| {
        if config.gateway.auth.mode == AuthMode::None && options.token.is_none() && !address.is_loopback() {
            return Err(GatewayError::Config {
                path: options.place.config_path().to_owned(),
                reason: format!(
                    "gateway.bind: found {address} together with gateway.auth.mode \"none\", expected a token or \
                     password on every address but loopback; set gateway.auth.mode to \"token\""
                ),
            });
        }
        Ok(BindOptions { addrs: vec![SocketAddr::new(address, port)] })
    };
    match bind {
        // Nobody reaches the loopback of a container from outside; without a secret it stays there all the same.
        Bind::Auto if in_container() => {
            open(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).or_else(|_| Ok(BindOptions::loopback(port)))
        }
        Bind::Loopback | Bind::Auto => Ok(BindOptions::loopback(port)),
        Bind::Lan => open(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        Bind::Custom => {
            let host = config.gateway.custom_bind_host.as_deref().unwrap_or_default();
            let address = host.parse::<IpAddr>().map_err(|_| GatewayError::Config {
                path: options.place.config_path().to_owned(),
                reason: format!(
                    "gateway.customBindHost: found {host:?}, expected an IP address of this machine because gateway.bind \
                     is \"custom\"; set it, or set gateway.bind to \"loopback\""
                ),
            })?;
            open(address).map(|bind| with_loopback(bind, port))
        }
        Bind::Tailnet => {
            let address = tailnet_address().ok_or_else(|| GatewayError::Config {
                path: options.place.config_path().to_owned(),
                reason: "gateway.bind: found \"tailnet\", but this machine has no address of a tailnet (100.64.0.0/10); \
                         start Tailscale, or set gateway.bind to \"loopback\""
                    .to_owned(),
            })?;
            open(address).map(|bind| with_loopback(bind, port))
        }
    }
}

/// Programs of this machine find the gateway where they always do.
fn with_loopback(mut bind: BindOptions, port: u16) -> BindOptions {
    let first = bind.addrs.first().map(SocketAddr::ip);
    if first.is_some_and(|address| !address.is_loopback() && !address.is_unspecified()) {
        bind.addrs.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    bind
}

/// The address of this machine in its tailnet: the one from which packets to Tailscale's own name server would go. None is
/// sent: the system only says which way it would be.
fn tailnet_address() -> Option<IpAddr> {
    let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    probe.connect((Ipv4Addr::new(100, 100, 100, 100), 53)).ok()?;
    let address = probe.local_addr().ok()?.ip();
    is_tailnet(address).then_some(address)
}

/// 100.64.0.0/10.
fn is_tailnet(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 100 && v4.octets()[1] & 0b1100_0000 == 64)
}

fn in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists())
}

/// Takes the port; a taken one is told with its holder and what to do.
pub(crate) async fn bind(options: &RunOptions, wanted: BindOptions) -> Result<Bound, GatewayError> {
    match Server::bind(wanted).await {
        Ok(bound) => Ok(bound),
        Err(ServerError::PortTaken { addr }) => {
            let (place, env) = (options.place.clone(), options.environment.clone());
            let told = tokio::task::spawn_blocking(move || taken(&place, &env, addr)).await;
            Err(told.unwrap_or_else(|_| GatewayError::Bind {
                address: addr.to_string(),
                reason: "the port is taken".to_owned(),
            }))
        }
        Err(other) => Err(GatewayError::Serve(other.to_string())),
    }
}

fn taken(place: &Place, env: &Environment, addr: SocketAddr) -> GatewayError {
    let known = known_profiles(env);
    let records: Vec<RunRecord> =
        known.iter().filter_map(|one| RunRecord::read_running(&one.place.run_record_path())).collect();
    let holder = port::holder_among(addr.port(), &records);
    let next_step = match holder.as_ref().and_then(|holder| holder.profile.as_deref()) {
        Some(profile) if profile == place.name().as_str() => format!(
            "stop it with `bulkhead --profile {profile} gateway stop`, or start with --force to take over"
        ),
        Some(profile) => format!(
            "that gateway belongs to profile {profile} and is left alone; give this profile another port with --port or \
             gateway.port (`bulkhead profiles check` shows free ones)"
        ),
        None => "stop that program, or choose another port with --port or gateway.port; --force never ends a program \
                 that is not this profile's gateway"
            .to_owned(),
    };
    GatewayError::PortTaken {
        port: addr.port(),
        address: addr.ip().to_string(),
        holder: holder.map_or_else(|| "another program".to_owned(), |holder| holder.to_string()),
        next_step,
    }
}

#[cfg(test)]
mod tests {
    use bulkhead_config::{AuthMode, ConfigDocument};

    use super::*;

    fn bound(config: &str) -> Result<Vec<String>, GatewayError> {
        changed(config, |_| {})
    }

    /// With what validation would have refused.
    fn changed(config: &str, change: impl FnOnce(&mut Config)) -> Result<Vec<String>, GatewayError> {
        let env = Environment::for_test("/home/ada");
        let options = RunOptions::new(Place::resolve(None, &env).unwrap(), env);
        let mut config = Config::from_document(&ConfigDocument::parse("test", config).unwrap()).unwrap();
        change(&mut config);
        let bind = addresses(&options, &config, 18789)?;
        Ok(bind.addrs.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn modes_become_addresses() {
        assert_eq!(bound("{}").unwrap(), ["127.0.0.1:18789", "[::1]:18789"]);
        assert_eq!(bound(r#"{gateway: {bind: "lan"}}"#).unwrap(), ["0.0.0.0:18789"]);
        let custom = bound(r#"{gateway: {bind: "custom", customBindHost: "192.0.2.7"}}"#).unwrap();
        assert_eq!(custom, ["192.0.2.7:18789", "127.0.0.1:18789"]);
        let named = r#"{gateway: {bind: "custom", customBindHost: "192.0.2.7"}}"#;
        let none = changed(named, |config| config.gateway.custom_bind_host = None).unwrap_err().to_string();
        assert!(none.contains("customBindHost"), "{none}");
    }

    #[test]
    fn without_a_secret_nothing_but_loopback() {
        for bind in [r#""lan""#, r#""custom", customBindHost: "192.0.2.7""#] {
            let text = format!("{{gateway: {{bind: {bind}}}}}");
            let refused = changed(&text, |config| config.gateway.auth.mode = AuthMode::None).unwrap_err();
            assert!(refused.to_string().contains("gateway.auth.mode"), "{refused}");
            assert_eq!(refused.exit_code(), 78);
        }
        assert!(bound(r#"{gateway: {auth: {mode: "none"}}}"#).is_ok());
    }

    #[test]
    fn addresses_of_a_tailnet() {
        for ours in ["100.64.0.1", "100.101.102.103", "100.127.255.255"] {
            assert!(is_tailnet(ours.parse().unwrap()), "{ours}");
        }
        for other in ["100.63.0.1", "100.128.0.1", "10.0.0.1", "::1"] {
            assert!(!is_tailnet(other.parse().unwrap()), "{other}");
        }
    }
}
