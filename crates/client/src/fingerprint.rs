//! The fingerprint of a certificate, by which one gateway is told from another without anybody who vouches for it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// SHA-256 of a certificate. Written as `AB:CD:…`; read with or without colons and `sha256:`.
///
/// ```
/// use bulkhead_client::Fingerprint;
/// let text = "ab".repeat(32);
/// let read: Fingerprint = format!("SHA256:{text}").parse().unwrap();
/// assert!(read.to_string().starts_with("AB:AB:"));
/// assert_eq!(read, read.to_string().parse().unwrap());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// Of the first certificate of a PEM text.
    pub fn of_pem(pem: &[u8]) -> Option<Self> {
        CertificateDer::from_pem_slice(pem).ok().map(|certificate| Self::of(&certificate))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        f.write_str(&bytes.join(":"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.trim().to_ascii_lowercase();
        let plain =
            plain.strip_prefix("sha256:").or_else(|| plain.strip_prefix("sha-256:")).unwrap_or(&plain);
        let digits: Vec<u8> = plain.bytes().filter(|byte| !matches!(byte, b':' | b' ' | b'-')).collect();
        let mut bytes = [0; 32];
        let wrong = || {
            format!(
                "{text:?} is no SHA-256 fingerprint; expected 64 hexadecimal digits, as `bulkhead gateway fingerprint` prints them"
            )
        };
        if digits.len() != 64 {
            return Err(wrong());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// Takes the one certificate that is known, whoever signed it and whatever names it holds. That the peer has its key is
/// checked as always.
#[derive(Debug)]
pub(crate) struct Pinned {
    expected: Fingerprint,
    found: Arc<std::sync::Mutex<Option<Fingerprint>>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    /// `found` gets the fingerprint that was seen.
    pub(crate) fn new(expected: Fingerprint, found: Arc<std::sync::Mutex<Option<Fingerprint>>>) -> Self {
        Self { expected, found, algorithms: ring::default_provider().signature_verification_algorithms }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = Fingerprint::of(end_entity);
        *self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(found);
        if found == self.expected {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General("another certificate than the pinned one".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
