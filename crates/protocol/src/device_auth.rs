//! A device proves that it holds its key by signing what it asks for together with the gateway's nonce.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{ConnectDevice, ConnectParams, error_details, limits};

/// A device's Ed25519 key.
#[derive(Clone)]
pub struct DeviceKey {
    key: SigningKey,
}

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl DeviceKey {
    /// Makes a new key from the system's randomness.
    pub fn generate() -> Result<Self, DeviceKeyError> {
        let mut seed = Zeroizing::new([0_u8; 32]);
        getrandom::fill(seed.as_mut_slice())
            .map_err(|error| DeviceKeyError::NoRandomness(error.to_string()))?;
        Ok(Self::from_seed(&seed))
    }

    /// The key that belongs to 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(seed) }
    }

    /// The key that a secret stands for when it is used for `purpose`: always the same one, and nothing about the secret
    /// or about keys for other purposes follows from it. The secret must be hard to guess.
    pub fn derived(secret: &SecretString, purpose: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(secret.expose_secret().as_bytes());
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
        Self::from_seed(&seed)
    }

    /// Reads a key as [`DeviceKey::to_secret`] wrote it.
    pub fn from_secret(secret: &SecretString) -> Result<Self, DeviceKeyError> {
        let bytes = Zeroizing::new(
            URL_SAFE_NO_PAD
                .decode(secret.expose_secret().trim().trim_end_matches('='))
                .map_err(|_| DeviceKeyError::Malformed)?,
        );
        let seed =
            Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| DeviceKeyError::Malformed)?);
        Ok(Self::from_seed(&seed))
    }

    /// The key as text, for the secret store and nowhere else.
    pub fn to_secret(&self) -> SecretString {
        SecretString::from(URL_SAFE_NO_PAD.encode(self.key.as_bytes()))
    }

    /// Hex SHA-256 of the raw public key.
    pub fn id(&self) -> String {
        hex::encode(Sha256::digest(self.key.verifying_key().as_bytes()))
    }

    /// The raw public key, base64url.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes())
    }

    /// Signs a text; base64url.
    pub fn sign(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.key.sign(text.as_bytes()).to_bytes())
    }

    /// The proof (version 3) for a connect request: call it when everything else in `params` stands.
    pub fn prove(&self, params: &ConnectParams, nonce: &str, now_ms: u64) -> ConnectDevice {
        let id = self.id();
        let text = Zeroizing::new(DeviceClaim::new(params, &id, nonce, now_ms).v3());
        ConnectDevice {
            signature: self.sign(&text),
            id,
            public_key: self.public_key(),
            signed_at: now_ms,
            nonce: nonce.to_owned(),
        }
    }
}

/// Why there is no device key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceKeyError {
    /// The system gave no random bytes.
    #[error("a device key could not be made: the system's random source failed ({0}); try again")]
    NoRandomness(String),
    /// The stored text is no key.
    #[error(
        "the stored device key is damaged: expected 32 bytes in base64url; delete the secret device/key and pair the device again"
    )]
    Malformed,
}

impl DeviceKeyError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRandomness(_) => "device-key.no-randomness",
            Self::Malformed => "device-key.malformed",
        }
    }
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct DeviceClaim<'a> {
    /// Hex SHA-256 of the public key.
    pub device_id: &'a str,
    /// `client.id`.
    pub client_id: &'a str,
    /// `client.mode`.
    pub client_mode: &'a str,
    /// `role`, `operator` when absent.
    pub role: &'a str,
    /// `scopes` in the order of the request.
    pub scopes: &'a [String],
    /// `device.signedAt`.
    pub signed_at_ms: u64,
    /// See [`crate::ConnectAuth::signed_token`].
    pub token: Option<&'a SecretString>,
    /// The challenge's nonce.
    pub nonce: &'a str,
    /// `client.platform`.
    pub platform: &'a str,
    /// `client.deviceFamily`.
    pub device_family: &'a str,
}

impl<'a> DeviceClaim<'a> {
    /// The claim that a connect request makes.
    pub fn new(params: &'a ConnectParams, device_id: &'a str, nonce: &'a str, signed_at_ms: u64) -> Self {
        Self {
            device_id,
            client_id: params.client.id.as_str(),
            client_mode: params.client.mode.as_str(),
            role: params.role.as_deref().unwrap_or("operator"),
            scopes: params.scopes.as_deref().unwrap_or_default(),
            signed_at_ms,
            token: params.auth.as_ref().and_then(crate::ConnectAuth::signed_token),
            nonce,
            platform: &params.client.platform,
            device_family: params.client.device_family.as_deref().unwrap_or_default(),
        }
    }

    fn fields(&self, version: &str) -> String {
        format!(
            "{version}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.device_id,
            self.client_id,
            self.client_mode,
            self.role,
            self.scopes.join(","),
            self.signed_at_ms,
            self.token.map_or("", |token| token.expose_secret()),
            self.nonce,
        )
    }

    /// The signed text of version 2.
    pub fn v2(&self) -> String {
        self.fields("v2")
    }

    /// The signed text of version 3: platform and family too, trimmed and in ASCII lower case.
    pub fn v3(&self) -> String {
        let plain = |text: &str| text.trim().to_ascii_lowercase();
        format!("{}|{}|{}", self.fields("v3"), plain(self.platform), plain(self.device_family))
    }
}

/// Which text a proof signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofVersion {
    /// Without platform and family.
    V2,
    /// With platform and family.
    V3,
}

/// What is wrong with a device proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// No nonce.
    #[error("device nonce required: sign the nonce of the connect.challenge event")]
    NonceRequired,
    /// Another nonce.
    #[error("device nonce mismatch: sign the nonce of this socket's connect.challenge event")]
    NonceMismatch,
    /// Too old, or from the future.
    #[error(
        "device signature expired: signedAt is more than two minutes off the gateway's clock; set the clock"
    )]
    SignatureExpired,
    /// The key is none.
    #[error("device public key invalid: expected a raw Ed25519 key of 32 bytes in base64url")]
    PublicKeyInvalid,
    /// The id belongs to another key.
    #[error("device identity mismatch: device.id must be the hex SHA-256 of the raw public key")]
    IdMismatch,
    /// The signature does not fit.
    #[error("device signature invalid: it fits neither the v3 nor the v2 text of this request")]
    SignatureInvalid,
}

impl ProofError {
    /// `details.code` of the answer.
    pub fn code(self) -> &'static str {
        match self {
            Self::NonceRequired => error_details::DEVICE_AUTH_NONCE_REQUIRED,
            Self::NonceMismatch => error_details::DEVICE_AUTH_NONCE_MISMATCH,
            Self::SignatureExpired => error_details::DEVICE_AUTH_SIGNATURE_EXPIRED,
            Self::PublicKeyInvalid => error_details::DEVICE_AUTH_PUBLIC_KEY_INVALID,
            Self::IdMismatch => error_details::DEVICE_AUTH_DEVICE_ID_MISMATCH,
            Self::SignatureInvalid => error_details::DEVICE_AUTH_SIGNATURE_INVALID,
        }
    }
}

/// Reads a raw public key in base64url, with or without padding.
pub fn public_key_bytes(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let bytes = if text.ends_with('=') { URL_SAFE.decode(text) } else { URL_SAFE_NO_PAD.decode(text) };
    bytes.ok()?.try_into().ok()
}

/// The device id that belongs to a raw public key in base64url.
pub fn device_id(public_key: &str) -> Option<String> {
    Some(hex::encode(Sha256::digest(public_key_bytes(public_key)?)))
}

/// Checks a signature over the text of version 3, then of version 2.
pub fn verify_v2_v3(
    public_key: &str,
    signature: &str,
    claim: &DeviceClaim<'_>,
) -> Result<ProofVersion, ProofError> {
    let key = public_key_bytes(public_key).ok_or(ProofError::PublicKeyInvalid)?;
    let key = VerifyingKey::from_bytes(&key).map_err(|_| ProofError::PublicKeyInvalid)?;
    let signature = signature.trim().trim_end_matches('=');
    let bytes = URL_SAFE_NO_PAD.decode(signature).map_err(|_| ProofError::SignatureInvalid)?;
    let signature = Signature::from_slice(&bytes).map_err(|_| ProofError::SignatureInvalid)?;
    let fits = |text: String| key.verify_strict(Zeroizing::new(text).as_bytes(), &signature).is_ok();
    if fits(claim.v3()) {
        Ok(ProofVersion::V3)
    } else if fits(claim.v2()) {
        Ok(ProofVersion::V2)
    } else {
        Err(ProofError::SignatureInvalid)
    }
}

/// Checks the whole proof of a connect request against the nonce of its socket and the gateway's clock.
pub fn verify(
    params: &ConnectParams,
    device: &ConnectDevice,
    nonce: &str,
    now_ms: u64,
) -> Result<ProofVersion, ProofError> {
    let id = device_id(&device.public_key).ok_or(ProofError::PublicKeyInvalid)?;
    if id != device.id.trim().to_ascii_lowercase() {
        return Err(ProofError::IdMismatch);
    }
    let skew = u64::try_from(limits::DEVICE_CLOCK_SKEW.as_millis()).unwrap_or(u64::MAX);
    if now_ms.abs_diff(device.signed_at) > skew {
        return Err(ProofError::SignatureExpired);
    }
    if device.nonce.is_empty() {
        return Err(ProofError::NonceRequired);
    }
    if device.nonce != nonce {
        return Err(ProofError::NonceMismatch);
    }
    verify_v2_v3(
        &device.public_key,
        &device.signature,
        &DeviceClaim::new(params, &device.id, nonce, device.signed_at),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_795_146_925_180;

    fn params() -> ConnectParams {
        serde_json::from_value(json!({
            "minProtocol": 4, "maxProtocol": 4, "role": "operator", "scopes": ["operator.read", "operator.write"],
            "client": { "id": "openclaw-tui", "version": "1", "platform": " Linux ", "deviceFamily": "Linux", "mode": "ui" },
            "auth": { "token": "shared", "password": "shared" },
        }))
        .unwrap()
    }

    #[test]
    fn the_texts_are_as_published() {
        let params = params();
        let claim = DeviceClaim::new(&params, "d", "n", 7);
        assert_eq!(claim.v2(), "v2|d|openclaw-tui|ui|operator|operator.read,operator.write|7|shared|n");
        assert_eq!(
            claim.v3(),
            "v3|d|openclaw-tui|ui|operator|operator.read,operator.write|7|shared|n|linux|linux"
        );
    }

    #[test]
    fn a_proof_is_accepted_and_every_change_refused() {
        let (key, params) = (DeviceKey::from_seed(&[7; 32]), params());
        let proof = key.prove(&params, "nonce", NOW);
        assert_eq!(verify(&params, &proof, "nonce", NOW), Ok(ProofVersion::V3));
        assert_eq!(verify(&params, &proof, "nonce", NOW + 120_000), Ok(ProofVersion::V3));
        assert_eq!(verify(&params, &proof, "nonce", NOW + 120_001), Err(ProofError::SignatureExpired));
        assert_eq!(verify(&params, &proof, "nonce", NOW - 120_001), Err(ProofError::SignatureExpired));
        assert_eq!(verify(&params, &proof, "other", NOW), Err(ProofError::NonceMismatch));
        let empty = ConnectDevice { nonce: String::new(), ..proof.clone() };
        assert_eq!(verify(&params, &empty, "nonce", NOW), Err(ProofError::NonceRequired));
        let other = ConnectDevice { id: "0".repeat(64), ..proof.clone() };
        assert_eq!(verify(&params, &other, "nonce", NOW), Err(ProofError::IdMismatch));
        let broken = ConnectDevice { public_key: "xx".into(), ..proof.clone() };
        assert_eq!(verify(&params, &broken, "nonce", NOW), Err(ProofError::PublicKeyInvalid));
        let mut wider = params.clone();
        wider.scopes = Some(vec!["operator.admin".into()]);
        assert_eq!(verify(&wider, &proof, "nonce", NOW), Err(ProofError::SignatureInvalid));
    }

    #[test]
    fn version_two_is_accepted_too() {
        let (key, params) = (DeviceKey::from_seed(&[9; 32]), params());
        let id = key.id();
        let claim = DeviceClaim::new(&params, &id, "nonce", NOW);
        let proof = ConnectDevice { signature: key.sign(&claim.v2()), ..key.prove(&params, "nonce", NOW) };
        assert_eq!(verify(&params, &proof, "nonce", NOW), Ok(ProofVersion::V2));
    }

    #[test]
    fn a_key_survives_the_secret_store_and_never_shows() {
        let key = DeviceKey::generate().unwrap();
        let secret = key.to_secret();
        assert_eq!(DeviceKey::from_secret(&secret).unwrap().id(), key.id());
        assert!(!format!("{key:?}").contains(secret.expose_secret()));
        assert_eq!(DeviceKey::from_secret(&SecretString::from("no")).unwrap_err(), DeviceKeyError::Malformed);
        assert_eq!(device_id(&key.public_key()), Some(key.id()));
    }
}
