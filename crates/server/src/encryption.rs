//! TLS in front of HTTP: everybody who does not come from this machine speaks it.
//!
//! Programs of this machine (supervisor, probes, command line) may go on in the clear over loopback: nobody can listen
//! there who could not read the gateway's memory, and they need no certificate to find out that a gateway is ill.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// A configuration for [`crate::Bound::with_tls`] from a certificate chain and its key, both PEM. The error says which of
/// the two is wrong.
pub fn tls_config(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate cannot be read ({error})"))?;
    if chain.is_empty() {
        return Err("the certificate's file holds no certificate".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| format!("the private key cannot be read ({error})"))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("certificate and private key do not work together ({error})"))?;
    // The gateway speaks HTTP/1.1 only: WebSockets need it.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The first byte of every TLS connection: a handshake record.
const HANDSHAKE: u8 = 0x16;

/// What somebody gets who speaks plain HTTP from elsewhere.
const REFUSAL: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 69\r\n\
    X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n\
    This gateway speaks TLS: use an address with https:// or wss:// here.";

/// How connections are encrypted.
#[derive(Clone)]
pub(crate) struct Encryption(TlsAcceptor);

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encryption")
    }
}

/// A connection past this door.
pub(crate) enum Entered {
    /// It speaks TLS.
    Encrypted(Box<TlsStream<TcpStream>>),
    /// It comes from this machine and speaks HTTP.
    Plain(TcpStream),
}

impl Encryption {
    pub(crate) fn new(config: Arc<ServerConfig>) -> Self {
        Self(TlsAcceptor::from(config))
    }

    /// Looks at the first byte and does the handshake.
    pub(crate) async fn enter(
        &self,
        mut stream: TcpStream,
        remote: SocketAddr,
        patience: Duration,
    ) -> io::Result<Entered> {
        let mut first = [0];
        let seen = timeout(patience, stream.peek(&mut first)).await??;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first[0] == HANDSHAKE {
            let encrypted = timeout(patience, self.0.accept(stream)).await??;
            return Ok(Entered::Encrypted(Box::new(encrypted)));
        }
        if remote.ip().to_canonical().is_loopback() {
            return Ok(Entered::Plain(stream));
        }
        let _ = timeout(patience, stream.write_all(REFUSAL)).await;
        Err(io::Error::new(io::ErrorKind::InvalidData, "plain HTTP from another machine"))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_refusal_is_as_long_as_it_says() {
        let text = String::from_utf8_lossy(super::REFUSAL);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
