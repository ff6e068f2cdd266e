//! The bytes below the WebSocket: TCP, and TLS where the address asks for it.

use std::io;
use std::sync::Arc;

use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, crypto::ring};

use crate::{ClientError, GatewayUrl};

pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Opens the stream to a gateway.
pub(crate) async fn open(url: &GatewayUrl) -> Result<Box<dyn Wire>, ClientError> {
    let tcp = TcpStream::connect((url.host(), url.port())).await.map_err(|error| reach(url, &error))?;
    // Small frames, answered at once: waiting to fill a packet only costs time.
    let _ = tcp.set_nodelay(true);
    if !url.tls() {
        return Ok(Box::new(tcp));
    }
    let tls = |problem: String| ClientError::Tls { url: url.to_string(), problem };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| tls(error.to_string()))?
        .with_no_client_auth();
    let name = ServerName::try_from(url.host().to_owned()).map_err(|error| tls(error.to_string()))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(|error| tls(error.to_string()))?;
    Ok(Box::new(stream))
}

fn reach(url: &GatewayUrl, error: &io::Error) -> ClientError {
    let url = url.to_string();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ClientError::Refused { url },
        _ => ClientError::Unreachable { url, problem: error.to_string() },
    }
}
