//! Whether a client holds the key of the device that it says it is.

use bulkhead_protocol::device_auth::{self, ProofError};
use bulkhead_protocol::{ConnectDevice, ConnectParams};

use super::refusal::Refusal;

/// Checks the proof and returns the device's id, as it is written everywhere.
pub(crate) fn check(
    params: &ConnectParams,
    device: &ConnectDevice,
    nonce: &str,
    now_ms: u64,
) -> Result<String, Refusal> {
    device_auth::verify(params, device, nonce, now_ms).map_err(|error| match error {
        ProofError::NonceRequired => Refusal::ProofNonceMissing,
        ProofError::NonceMismatch => Refusal::ProofNonce,
        ProofError::SignatureExpired => Refusal::ProofExpired,
        ProofError::PublicKeyInvalid => Refusal::ProofPublicKey,
        ProofError::IdMismatch => Refusal::ProofDeviceId,
        ProofError::SignatureInvalid => Refusal::ProofSignature,
    })?;
    device_auth::device_id(&device.public_key).ok_or(Refusal::ProofPublicKey)
}
