//! From references to secrets.

use std::sync::Arc;

use bulkhead_config::{Config, ConfigDocument, SecretInput, SecretRef, SecretSource};
use bulkhead_secrets::{
    EnvStore, FileStore, KeychainStore, SecretId, SecretStore, Sources, references, resolve,
};
use secrecy::{ExposeSecret, SecretString};

const TEXT: &str = r"{
  gateway: { auth: { token: { source: 'file', id: 'gateway/token' } } },
  channels: { telegram: { botToken: { source: 'env', id: 'telegram/bot-token' }, accounts: { two: { botToken: '${SECOND_BOT}' } } } },
  models: { providers: {
    plain: { baseUrl: 'http://h/v1', apiKey: 'typed-by-hand' },
    gone: { baseUrl: 'http://h/v1', apiKey: { source: 'keychain', id: 'models/gone/api-key' } },
  } },
}";

#[tokio::test]
async fn every_source_lands_in_one_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let file = FileStore::new(dir.path().join("s").join("main.json"));
    file.set(&SecretId::gateway_token(), &SecretString::from("from-file")).await.unwrap();
    let keychain = KeychainStore::with_opener("test", || {
        let store: Arc<keyring_core::CredentialStore> = keyring_core::mock::Store::new()?;
        Ok(store)
    });
    keychain.set(&SecretId::device_key(), &SecretString::from("device")).await.unwrap();
    let env = EnvStore::new([
        ("BULKHEAD_SECRET_TELEGRAM_BOT_TOKEN".to_owned(), "from-env".to_owned()),
        ("SECOND_BOT".to_owned(), "by-name".to_owned()),
    ]);
    let config = Config::from_document(&ConfigDocument::parse("x", TEXT).unwrap()).unwrap();
    let sources = Sources::new(Arc::new(keychain), Arc::new(file), Arc::new(env)).with_providers(&config);
    let resolved = resolve(references(&config), &sources).await;
    let secret = |input: &Option<SecretInput>| {
        resolved.bundle.resolve(input.as_ref().unwrap()).map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(secret(&config.gateway.auth.token).unwrap(), "from-file");
    assert_eq!(secret(&config.channels.telegram.bot_token).unwrap(), "from-env");
    assert_eq!(secret(&config.channels.telegram.accounts["two"].bot_token).unwrap(), "by-name");
    assert_eq!(secret(&config.models.providers["plain"].api_key).unwrap(), "typed-by-hand");
    assert_eq!(secret(&config.models.providers["gone"].api_key), None);
    assert_eq!(resolved.bundle.get(&SecretId::device_key()).unwrap().expose_secret(), "device");
    let missing: Vec<(&str, &str)> =
        resolved.missing.iter().map(|(reference, error)| (reference.id.as_str(), error.code())).collect();
    assert_eq!(missing, [("models/gone/api-key", "secret.not-found")]);
    assert!(!resolved.waits_for_keychain());
    assert!(!format!("{resolved:?}").contains("from-"));
}

#[tokio::test]
async fn a_locked_keychain_is_asked_once() {
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let keychain = KeychainStore::with_opener("test", move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Err(keyring_core::Error::NoStorageAccess("Prompt".into()))
    });
    let nothing = Arc::new(EnvStore::new([]));
    let sources = Sources::new(Arc::new(keychain), nothing.clone(), nothing);
    let references = ["a", "b", "c"].map(|id| SecretRef::new(SecretSource::Keychain, id));
    let resolved = resolve(references, &sources).await;
    assert_eq!(resolved.missing.len(), 3);
    assert!(resolved.waits_for_keychain());
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_environment_is_read_only_and_says_so() {
    let env = EnvStore::new([]);
    let id = SecretId::model_api_key("my.host");
    let report = [
        env.get(&id).await.unwrap_err().to_string(),
        env.set(&id, &SecretString::from("x")).await.unwrap_err().to_string(),
        SecretId::parse(" a").unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(report.join("\n"));
}
