//! The bytes below the WebSocket: TCP, and TLS where the address asks for it.

use std::io;
use std::sync::Arc;

use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, crypto::ring};

use crate::fingerprint::Pinned;
use crate::{ClientError, Fingerprint, GatewayUrl};

pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Opens the stream to a gateway, `through` a port of this machine if there is one. With a fingerprint, the certificate has to be that one, and TLS is asked for.
pub(crate) async fn open(
    url: &GatewayUrl,
    through: Option<u16>,
    pin: Option<Fingerprint>,
) -> Result<Box<dyn Wire>, ClientError> {
    if pin.is_some() && !url.tls() {
        return Err(ClientError::NotEncrypted { url: url.to_string() });
    }
    let tcp = TcpStream::connect(through.map_or((url.host(), url.port()), |port| ("127.0.0.1", port)))
        .await
        .map_err(|error| reach(url, &error))?;
    // Small frames, answered at once: waiting to fill a packet only costs time.
    let _ = tcp.set_nodelay(true);
    if !url.tls() {
        return Ok(Box::new(tcp));
    }
    let tls = |problem: String| ClientError::Tls { url: url.to_string(), problem };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| tls(error.to_string()))?;
    let found = Arc::default();
    let config = match pin {
        Some(expected) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned::new(expected, Arc::clone(&found))))
            .with_no_client_auth(),
        None => BuilderVerifierExt::with_platform_verifier(builder)
            .map_err(|error| tls(error.to_string()))?
            .with_no_client_auth(),
    };
    let name = ServerName::try_from(url.host().to_owned()).map_err(|error| tls(error.to_string()))?;
    match TlsConnector::from(Arc::new(config)).connect(name, tcp).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => {
            let seen = *found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Err(match (pin, seen) {
                (Some(expected), Some(found)) if expected != found => {
                    ClientError::OtherCertificate { url: url.to_string(), expected, found }
                }
                _ => tls(error.to_string()),
            })
        }
    }
}

fn reach(url: &GatewayUrl, error: &io::Error) -> ClientError {
    let url = url.to_string();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ClientError::Refused { url },
        _ => ClientError::Unreachable { url, problem: error.to_string() },
    }
}
