//! Device tokens: derived, so that nothing secret is kept about a device.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::conn::info::Role;

/// The token of a device in a role and generation. The same input gives the same token, so reconnecting returns it
/// again; a new generation makes all older tokens worthless.
pub fn device_token(key: &SecretString, device_id: &str, role: Role, generation: u64) -> SecretString {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()) else {
        unreachable!("HMAC takes keys of every length")
    };
    let generation = generation.to_be_bytes();
    for part in
        [b"bulkhead device token 1".as_slice(), device_id.as_bytes(), role.as_str().as_bytes(), &generation]
    {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    SecretString::from(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_counts() {
        let key = SecretString::from("key".to_owned());
        let token = |key: &SecretString, device, role, generation| {
            device_token(key, device, role, generation).expose_secret().to_owned()
        };
        let first = token(&key, "d1", Role::Operator, 1);
        assert_eq!(first, token(&key, "d1", Role::Operator, 1));
        assert_eq!(first.len(), 43);
        let others = [
            token(&SecretString::from("kex".to_owned()), "d1", Role::Operator, 1),
            token(&key, "d2", Role::Operator, 1),
            token(&key, "d1", Role::Node, 1),
            token(&key, "d1", Role::Operator, 2),
        ];
        assert!(others.iter().all(|other| *other != first));
    }
}
