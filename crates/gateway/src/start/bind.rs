//! Taking the port, and naming who has it instead.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

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
        Some("auto") => Bind::Auto,
        Some("custom") => Bind::Custom,
        Some(other) => {
            return Err(GatewayError::Usage {
                flag: "--bind",
                found: format!("{other:?}"),
                expected: "loopback, lan, auto or custom".to_owned(),
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
            let mut bind = open(address)?;
            if !address.is_loopback() && !address.is_unspecified() {
                bind.addrs.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
            }
            Ok(bind)
        }
        Bind::Tailnet => Err(GatewayError::Config {
            path: options.place.config_path().to_owned(),
            reason: "gateway.bind: found \"tailnet\", which this version does not look up; set gateway.bind to \"custom\" \
                     and gateway.customBindHost to the machine's Tailscale address"
                .to_owned(),
        }),
    }
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
