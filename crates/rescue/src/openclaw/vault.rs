//! Copies of configurations that an OpenClaw ran well on. They may hold secrets in plain text, so they lie there
//! encrypted (XChaCha20-Poly1305) under a key that the caller keeps in the keychain.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bulkhead_config::hash_bytes;
use bulkhead_profile::files;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretBox, SecretSlice};

/// Versions that are kept.
const MOST: usize = 20;
const NONCE: usize = 24;
const LIMIT: u64 = 8 * 1024 * 1024;
const END: &str = "sealed";
/// How hashes of configurations begin; file names do without.
const HASH_KIND: &str = "sha256:";

/// The key of a vault: 32 random bytes from the keychain.
pub struct VaultKey(SecretBox<[u8; 32]>);

impl VaultKey {
    /// From the keychain.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// A new one, to be put into the keychain by the caller.
    pub fn generate() -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        Some(bytes)
    }
}

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKey(…)")
    }
}

/// One copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The hash of the configuration, as [`bulkhead_config::hash_bytes`] makes it.
    pub hash: String,
    /// When it had run well for a minute, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The directory or a file in it cannot be used.
    #[error(
        "{path}: {action} failed ({source}); expected the rescue gateway's own directory of configuration copies; look at its rights and at the disk"
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no such version.
    #[error("found no copy of the configuration with the hash {hash}; choose one that `rescue status` lists")]
    Unknown {
        /// The hash.
        hash: String,
    },
    /// A copy cannot be opened.
    #[error(
        "{path}: the copy cannot be decrypted; the key in the keychain is another one, or the file is damaged; choose another version"
    )]
    Sealed {
        /// The file.
        path: PathBuf,
    },
    /// The system has no randomness.
    #[error("the system gave no random bytes; try again")]
    NoRandomness,
}

impl VaultError {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "vault.io",
            Self::Unknown { .. } => "vault.unknown-version",
            Self::Sealed { .. } => "vault.sealed",
            Self::NoRandomness => "vault.no-randomness",
        }
    }
}

/// The vault.
#[derive(Debug)]
pub struct Vault {
    dir: PathBuf,
    key: VaultKey,
}

impl Vault {
    /// A vault in a directory of the rescue gateway's own; made when the first copy is kept.
    pub fn new(dir: impl Into<PathBuf>, key: VaultKey) -> Self {
        Self { dir: dir.into(), key }
    }

    /// Keeps a copy. The same configuration again only becomes the newest. At most twenty are kept.
    pub fn keep(&self, bytes: &[u8], at_ms: u64) -> Result<Version, VaultError> {
        let version = Version { hash: hash_bytes(bytes), at_ms };
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let payload = Payload { msg: bytes, aad: version.hash.as_bytes() };
        let path = self.path_of(&version);
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| VaultError::Sealed { path: path.clone() })?;
        let content = [nonce.as_slice(), &sealed].concat();
        files::atomic_write_in_new_dir(&path, &content, 0o600).map_err(io_error("keep a copy", &path))?;
        let older = |old: &Version| old.hash == version.hash && old.at_ms != at_ms;
        let (same, others): (Vec<_>, Vec<_>) = self.versions()?.into_iter().partition(older);
        for old in same.iter().chain(others.iter().skip(MOST)) {
            let _ = fs::remove_file(self.path_of(old));
        }
        Ok(version)
    }

    /// All copies, the newest first.
    pub fn versions(&self) -> Result<Vec<Version>, VaultError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("read the directory", &self.dir)(error)),
        };
        let mut versions: Vec<Version> =
            entries.flatten().filter_map(|entry| version_of(&entry.path())).collect();
        versions.sort_by(|a, b| b.at_ms.cmp(&a.at_ms).then_with(|| a.hash.cmp(&b.hash)));
        Ok(versions)
    }

    /// Opens one.
    pub fn read(&self, hash: &str) -> Result<SecretSlice<u8>, VaultError> {
        let version = self.versions()?.into_iter().find(|version| version.hash == hash);
        let version = version.ok_or_else(|| VaultError::Unknown { hash: hash.to_owned() })?;
        let path = self.path_of(&version);
        let content = files::read_limited(&path, LIMIT).map_err(io_error("read a copy", &path))?;
        let sealed = || VaultError::Sealed { path: path.clone() };
        let (nonce, rest) = content.split_first_chunk::<NONCE>().ok_or_else(sealed)?;
        let payload = Payload { msg: rest, aad: version.hash.as_bytes() };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| sealed())?;
        Ok(SecretSlice::from(plain))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.0.expose_secret().into())
    }

    fn path_of(&self, version: &Version) -> PathBuf {
        let hash = version.hash.strip_prefix(HASH_KIND).unwrap_or(&version.hash);
        let hash: String = hash.chars().filter(char::is_ascii_alphanumeric).collect();
        self.dir.join(format!("{:015}-{hash}.{END}", version.at_ms))
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> VaultError + use<> {
    let path = path.to_owned();
    move |source| VaultError::Io { action, path, source }
}

fn version_of(path: &Path) -> Option<Version> {
    let name = path.file_name()?.to_str()?.strip_suffix(END)?.strip_suffix('.')?;
    let (at, hash) = name.split_once('-')?;
    Some(Version { hash: format!("{HASH_KIND}{hash}"), at_ms: at.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_come_back_and_lie_there_sealed() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::new(dir.path().join("copies"), VaultKey::new([7; 32]));
        assert_eq!(vault.versions().unwrap(), []);
        let text = b"{ channels: { telegram: { botToken: '7:very_secret' } } }";
        let version = vault.keep(text, 5).unwrap();
        assert_eq!(vault.read(&version.hash).unwrap().expose_secret(), text);
        for entry in fs::read_dir(dir.path().join("copies")).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|part| part == b"secret"));
        }
        assert!(matches!(vault.read("nothing"), Err(VaultError::Unknown { .. })));
        let other = Vault::new(dir.path().join("copies"), VaultKey::new([8; 32]));
        assert!(matches!(other.read(&version.hash), Err(VaultError::Sealed { .. })));
    }

    #[test]
    fn twenty_are_kept_the_same_once() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::new(dir.path(), VaultKey::new([7; 32]));
        for n in 0..30_u64 {
            vault.keep(format!("{{ n: {n} }}").as_bytes(), n).unwrap();
        }
        vault.keep(b"{ n: 20 }", 100).unwrap();
        let versions = vault.versions().unwrap();
        assert_eq!((versions.len(), versions[0].at_ms), (20, 100));
        assert_eq!(versions.iter().filter(|version| version.hash == versions[0].hash).count(), 1);
    }
}
