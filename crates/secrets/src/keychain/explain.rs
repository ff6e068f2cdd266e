//! What a keychain says, in words that a person understands.

use zeroize::Zeroize;

use crate::error::system;
use crate::{SecretError, SecretId};

/// The keychain's own words into ours.
pub(super) fn explain(error: keyring_core::Error, id: &SecretId, store: &str) -> SecretError {
    use keyring_core::Error;
    let keychain = system().name;
    let bad_value = |found: &str, expected: &str| SecretError::BadValue {
        id: id.clone(),
        store: store.to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    };
    match error {
        Error::NoEntry => SecretError::NotFound { id: id.clone(), store: store.to_owned() },
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            bad_value("bytes that are no text", "a text")
        }
        Error::TooLong(what, limit) => {
            bad_value(&format!("a {what} that is too long"), &format!("at most {limit} characters"))
        }
        Error::Ambiguous(items) => bad_value(&format!("{} items of this name", items.len()), "one"),
        Error::NoStorageAccess(cause) => {
            let text = format!("{cause:?} {cause}");
            if text.contains("NoResult") {
                SecretError::NoKeychain { keychain }
            } else {
                SecretError::Locked { keychain, item: Some(id.clone()) }
            }
        }
        Error::PlatformFailure(cause) => explain_failure(&*cause, id),
        other => SecretError::Failed { keychain, cause: shorten(&other.to_string()) },
    }
}

fn explain_failure(cause: &(dyn std::error::Error + 'static), id: &SecretId) -> SecretError {
    let keychain = system().name;
    let mut text = format!("{cause:?}");
    let mut source = Some(cause);
    while let Some(error) = source {
        text.push(' ');
        text.push_str(&error.to_string());
        source = error.source();
    }
    let said = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if said(&["ServiceUnknown", "NameHasNoOwner", "Spawn.", "was not provided by any .service files"]) {
        SecretError::NoService { keychain }
    } else if said(&["IsLocked", "Locked", "prompt dismissed", "errSecInteractionNotAllowed", "-25308"]) {
        SecretError::Locked { keychain, item: Some(id.clone()) }
    } else if said(&["NoSuchObject", "NoResult", "-25307", "-25294"]) {
        SecretError::NoKeychain { keychain }
    } else if said(&["AccessDenied", "access denied", "-128", "-25293", "PermissionDenied"]) {
        SecretError::Denied { keychain, item: Some(id.clone()), cause: shorten(&cause.to_string()) }
    } else if said(&[
        "Unavailable",
        "Connection",
        "NotFound",
        "ConnectionRefused",
        "Address",
        "InputOutput",
        "Handshake",
    ]) {
        SecretError::NoBus { keychain, cause: shorten(&cause.to_string()) }
    } else {
        SecretError::Failed { keychain, cause: shorten(&cause.to_string()) }
    }
}

fn shorten(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use keyring_core::Error;

    use super::*;

    fn id() -> SecretId {
        SecretId::telegram_bot_token()
    }

    #[test]
    fn causes_become_words() {
        let codes: Vec<&str> = [
            Error::NoEntry,
            Error::BadEncoding(vec![0xff]),
            Error::TooLong("password".to_owned(), 2560),
            Error::NoStorageAccess("Prompt".into()),
            Error::NoStorageAccess("NoResult".into()),
            Error::PlatformFailure("Zbus(MethodError(org.freedesktop.DBus.Error.ServiceUnknown))".into()),
            Error::PlatformFailure("Zbus(InputOutput(Os { code: 2, kind: NotFound }))".into()),
            Error::PlatformFailure("org.freedesktop.Secret.Error.IsLocked".into()),
            Error::PlatformFailure("org.freedesktop.DBus.Error.AccessDenied".into()),
            Error::PlatformFailure("something new".into()),
        ]
        .into_iter()
        .map(|error| explain(error, &id(), "the keychain").code())
        .collect();
        assert_eq!(
            codes,
            [
                "secret.not-found",
                "secret.bad-value",
                "secret.bad-value",
                "keychain.locked",
                "keychain.none",
                "keychain.no-service",
                "keychain.no-bus",
                "keychain.locked",
                "keychain.denied",
                "keychain.failed",
            ]
        );
    }
}
