//! Who may come in, and with which scopes.
//!
//! [`decide`] is the whole decision, a pure function of the request, the policy, the remembered device and the
//! clock. What it needs to know and what it wants remembered goes through [`Authenticator`].

pub(crate) mod attempts;
pub(crate) mod decide;
pub(crate) mod policy;
pub(crate) mod proof;
pub(crate) mod refusal;
pub(crate) mod scopes;
pub(crate) mod secret;
pub(crate) mod token;

use async_trait::async_trait;
use bulkhead_protocol::{ErrorShape, Scope};
use secrecy::SecretString;

pub use decide::{Admission, ConnectFacts, Decision, Presented, decide};
pub use policy::{AuthMode, AuthPolicy, TrustedProxy};
pub use refusal::Refusal;
pub use token::device_token;

use crate::conn::info::Role;

/// What the gateway keeps about access, behind one small seam. Implemented over the gateway's store.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// The current policy. Asked on every connect and every HTTP request, so a reload takes effect at once.
    fn policy(&self) -> std::sync::Arc<AuthPolicy>;

    /// A remembered device, by its id.
    async fn device(&self, device_id: &str) -> Result<Option<Device>, ErrorShape>;

    /// Remembers an approval that needed no question: a new device or wider scopes on loopback. Returns the device
    /// as it stands now. A role that is new gets generation 1.
    async fn approve(&self, grant: DeviceGrant) -> Result<Device, ErrorShape>;

    /// Files a pairing request that a person has to answer and returns its id. The same request twice returns the
    /// same id; the number of open requests is bounded.
    async fn request_pairing(&self, request: PairingRequest) -> Result<String, ErrorShape>;

    /// What the token of a setup code that somebody presents stands for; `None`: it is unknown, used up or over.
    async fn setup(&self, _token: &SecretString) -> Result<Option<Setup>, ErrorShape> {
        Ok(None)
    }

    /// Uses a setup code up: remembers the device with every role that the code gives. `None`: it was used meanwhile.
    async fn redeem(&self, _setup: &Setup, _grant: DeviceGrant) -> Result<Option<Device>, ErrorShape> {
        Ok(None)
    }

    /// The device that used a setup code was heard of after its `hello-ok` (`true`), or is gone without a sign of
    /// having got it (`false`).
    fn setup_ended(&self, _setup_id: &str, _delivered: bool) {}
}

/// A setup code: lets one device in once, without a person answering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// Names it without giving it away.
    pub id: String,
    /// The roles that it gives, with their scopes; the first is the one that devices connect with.
    pub roles: Vec<(Role, Vec<Scope>)>,
}

impl Setup {
    /// The scopes that it gives for a role; `None`: it does not give that role.
    pub fn scopes(&self, role: Role) -> Option<&[Scope]> {
        self.roles.iter().find(|(given, _)| *given == role).map(|(_, scopes)| scopes.as_slice())
    }
}

/// A device that was approved before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Hex SHA-256 of the public key.
    pub id: String,
    /// Raw Ed25519 public key, base64url without padding.
    pub public_key: String,
    /// `client.platform` when it was approved.
    pub platform: Option<String>,
    /// `client.deviceFamily` when it was approved.
    pub device_family: Option<String>,
    /// The approved roles.
    pub roles: Vec<DeviceRole>,
}

/// One approved role of a device, and the generation of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRole {
    /// The role.
    pub role: Role,
    /// The approved scopes.
    pub scopes: Vec<Scope>,
    /// Grows when the token is rotated; the token is derived from it.
    pub generation: u64,
    /// When this generation was issued, milliseconds since 1970.
    pub issued_at_ms: u64,
    /// Revoked tokens admit nobody until the device is approved again.
    pub revoked: bool,
}

impl Device {
    /// The approved role, revoked or not.
    pub fn role(&self, role: Role) -> Option<&DeviceRole> {
        self.roles.iter().find(|r| r.role == role)
    }
}

/// An approval to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceGrant {
    /// Hex SHA-256 of the public key.
    pub device_id: String,
    /// Raw Ed25519 public key, base64url without padding.
    pub public_key: String,
    /// The role it is approved for.
    pub role: Role,
    /// The scopes it is approved for, those approved before included.
    pub scopes: Vec<Scope>,
    /// `client.id`.
    pub client_id: String,
    /// `client.mode`.
    pub client_mode: String,
    /// `client.displayName`.
    pub display_name: Option<String>,
    /// `client.platform`.
    pub platform: Option<String>,
    /// `client.deviceFamily`.
    pub device_family: Option<String>,
    /// Where it came from.
    pub remote: std::net::IpAddr,
}

/// Why a person has to answer before a device comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairingReason {
    /// The device is unknown, or was revoked.
    NotPaired,
    /// It asks for a role it was not approved for.
    RoleUpgrade,
    /// It asks for scopes it was not approved for.
    ScopeUpgrade,
    /// Its platform or device family is not the one that was approved.
    MetadataUpgrade,
}

impl PairingReason {
    /// The reason as the protocol writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPaired => "not-paired",
            Self::RoleUpgrade => "role-upgrade",
            Self::ScopeUpgrade => "scope-upgrade",
            Self::MetadataUpgrade => "metadata-upgrade",
        }
    }
}

/// A pairing request for a person to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingRequest {
    /// What would be remembered if it is approved.
    pub grant: DeviceGrant,
    /// Why it has to be asked.
    pub reason: PairingReason,
}
