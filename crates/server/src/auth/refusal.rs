//! Why somebody stays out, in the words and codes of the protocol.

use bulkhead_protocol::ErrorShape;
use serde_json::{Value, json};

/// A refused connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The token is not ours.
    TokenMismatch {
        /// The device has a token of its own that it could use instead.
        may_use_device_token: bool,
    },
    /// The password is not ours.
    PasswordMismatch {
        /// The device has a token of its own that it could use instead.
        may_use_device_token: bool,
    },
    /// No token was presented.
    TokenMissing,
    /// No password was presented.
    PasswordMissing,
    /// This gateway has no token to compare with.
    TokenNotConfigured,
    /// This gateway has no password to compare with.
    PasswordNotConfigured,
    /// The device token is none that is in force for this device and role.
    DeviceTokenMismatch,
    /// The setup code's token is unknown, used up or over.
    BootstrapTokenInvalid,
    /// The device token was approved for narrower scopes.
    ScopeMismatch,
    /// Nothing was presented, or a node without a device.
    DeviceRequired,
    /// A client with a person in front of it without a device.
    UiDeviceRequired,
    /// Too many failures from this address.
    RateLimited {
        /// When it may try again.
        retry_after_ms: u64,
    },
    /// The device id is not the hash of its key.
    ProofDeviceId,
    /// The key is no Ed25519 key.
    ProofPublicKey,
    /// No nonce was signed.
    ProofNonceMissing,
    /// The signed nonce is not that of this connection.
    ProofNonce,
    /// The signature is too old or from the future.
    ProofExpired,
    /// The signature does not fit what was sent.
    ProofSignature,
}

impl Refusal {
    /// Whether it counts as a failed attempt: a wrong secret does, a missing one does not.
    pub fn is_failed_attempt(self) -> bool {
        matches!(
            self,
            Self::TokenMismatch { .. }
                | Self::PasswordMismatch { .. }
                | Self::DeviceTokenMismatch
                | Self::BootstrapTokenInvalid
        )
    }

    /// The stable code in `error.details.code`.
    pub fn code(self) -> &'static str {
        match self {
            Self::TokenMismatch { .. } => "AUTH_TOKEN_MISMATCH",
            Self::PasswordMismatch { .. } => "AUTH_PASSWORD_MISMATCH",
            Self::TokenMissing => "AUTH_TOKEN_MISSING",
            Self::PasswordMissing => "AUTH_PASSWORD_MISSING",
            Self::TokenNotConfigured => "AUTH_TOKEN_NOT_CONFIGURED",
            Self::PasswordNotConfigured => "AUTH_PASSWORD_NOT_CONFIGURED",
            Self::DeviceTokenMismatch => "AUTH_DEVICE_TOKEN_MISMATCH",
            Self::BootstrapTokenInvalid => "AUTH_BOOTSTRAP_TOKEN_INVALID",
            Self::ScopeMismatch => "AUTH_SCOPE_MISMATCH",
            Self::DeviceRequired => "DEVICE_IDENTITY_REQUIRED",
            Self::UiDeviceRequired => "CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
            Self::RateLimited { .. } => "AUTH_RATE_LIMITED",
            Self::ProofDeviceId => "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            Self::ProofPublicKey => "DEVICE_AUTH_PUBLIC_KEY_INVALID",
            Self::ProofNonceMissing => "DEVICE_AUTH_NONCE_REQUIRED",
            Self::ProofNonce => "DEVICE_AUTH_NONCE_MISMATCH",
            Self::ProofExpired => "DEVICE_AUTH_SIGNATURE_EXPIRED",
            Self::ProofSignature => "DEVICE_AUTH_SIGNATURE_INVALID",
        }
    }

    /// The reason that clients of the protocol know (`authReason` for secrets, `reason` for proofs).
    fn reason(self) -> &'static str {
        match self {
            Self::TokenMismatch { .. } => "token_mismatch",
            Self::PasswordMismatch { .. } => "password_mismatch",
            Self::TokenMissing => "token_missing",
            Self::PasswordMissing => "password_missing",
            Self::TokenNotConfigured => "token_missing_config",
            Self::PasswordNotConfigured => "password_missing_config",
            Self::DeviceTokenMismatch => "device_token_mismatch",
            Self::BootstrapTokenInvalid => "bootstrap_token_invalid",
            Self::ScopeMismatch => "scope_mismatch",
            Self::DeviceRequired | Self::UiDeviceRequired => "device-required",
            Self::RateLimited { .. } => "rate_limited",
            Self::ProofDeviceId => "device-id-mismatch",
            Self::ProofPublicKey => "device-public-key",
            Self::ProofNonceMissing => "device-nonce-missing",
            Self::ProofNonce => "device-nonce-mismatch",
            Self::ProofExpired => "device-signature-stale",
            Self::ProofSignature => "device-signature",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::TokenMismatch { .. } => {
                "unauthorized: gateway token mismatch (auth.token is not this gateway's token; copy it again from the \
                 gateway's machine)"
            }
            Self::PasswordMismatch { .. } => {
                "unauthorized: gateway password mismatch (auth.password is not this gateway's password; enter it again)"
            }
            Self::TokenMissing => {
                "unauthorized: gateway token missing (send the gateway's token in auth.token)"
            }
            Self::PasswordMissing => {
                "unauthorized: gateway password missing (send the gateway's password in auth.password)"
            }
            Self::TokenNotConfigured => {
                "unauthorized: this gateway has no token (set gateway.auth.token on the gateway's machine)"
            }
            Self::PasswordNotConfigured => {
                "unauthorized: this gateway has no password (set gateway.auth.password on the gateway's machine)"
            }
            Self::DeviceTokenMismatch => "unauthorized: device token mismatch (rotate/reissue device token)",
            Self::BootstrapTokenInvalid => {
                "unauthorized: bootstrap token invalid or expired (make a new setup code on the gateway's machine)"
            }
            Self::ScopeMismatch => {
                "unauthorized: device token scope mismatch (connect with the gateway's token to widen the scopes)"
            }
            Self::DeviceRequired => {
                "device identity required (send the gateway's token, or a device identity, with connect)"
            }
            Self::UiDeviceRequired => {
                "control ui requires device identity (open it over HTTPS or on localhost, where browsers can sign)"
            }
            Self::RateLimited { .. } => {
                "unauthorized: too many failed authentication attempts (wait, then retry with the right token)"
            }
            Self::ProofDeviceId => {
                "device identity mismatch (device.id must be the hex SHA-256 of device.publicKey)"
            }
            Self::ProofPublicKey => {
                "device public key invalid (device.publicKey must be 32 Ed25519 bytes as base64url)"
            }
            Self::ProofNonceMissing => {
                "device nonce required (device.nonce must be the nonce of connect.challenge)"
            }
            Self::ProofNonce => {
                "device nonce mismatch (device.nonce must be the nonce of this connection's challenge)"
            }
            Self::ProofExpired => {
                "device signature expired (device.signedAt is over 2 minutes off; check the clocks)"
            }
            Self::ProofSignature => {
                "device signature invalid (it must sign the v3 or v2 text of this connect request)"
            }
        }
    }

    /// The error that is sent.
    pub fn to_error(self) -> ErrorShape {
        let message = self.message();
        match self {
            Self::DeviceRequired => ErrorShape::not_paired(message)
                .with_details(json!({ "code": self.code(), "reason": self.reason() })),
            Self::RateLimited { retry_after_ms } => ErrorShape {
                retryable: Some(true),
                retry_after_ms: Some(retry_after_ms),
                ..ErrorShape::invalid_request(message).with_details(self.auth_details(
                    false,
                    "wait_then_retry",
                    Some(retry_after_ms),
                ))
            },
            Self::TokenMismatch { may_use_device_token }
            | Self::PasswordMismatch { may_use_device_token } => {
                let step =
                    if may_use_device_token { "retry_with_device_token" } else { "update_auth_credentials" };
                ErrorShape::invalid_request(message).with_details(self.auth_details(
                    may_use_device_token,
                    step,
                    None,
                ))
            }
            Self::DeviceTokenMismatch | Self::BootstrapTokenInvalid => ErrorShape::invalid_request(message)
                .with_details(self.auth_details(false, "update_auth_credentials", None)),
            Self::ScopeMismatch => ErrorShape::invalid_request(message).with_details(self.auth_details(
                false,
                "review_auth_configuration",
                None,
            )),
            Self::TokenMissing
            | Self::PasswordMissing
            | Self::TokenNotConfigured
            | Self::PasswordNotConfigured => ErrorShape::invalid_request(message)
                .with_details(self.auth_details(false, "update_auth_configuration", None)),
            _ => ErrorShape::invalid_request(message)
                .with_details(json!({ "code": self.code(), "reason": self.reason() })),
        }
    }

    fn auth_details(self, may_use_device_token: bool, step: &str, retry_after_ms: Option<u64>) -> Value {
        let mut details = json!({
            "code": self.code(),
            "authReason": self.reason(),
            "canRetryWithDeviceToken": may_use_device_token,
            "recommendedNextStep": step,
        });
        if let Some(ms) = retry_after_ms {
            details["retryAfterMs"] = ms.into();
        }
        details
    }
}
