//! Flags that take a secret: the value itself, `-` for standard input, or `@FILE`.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::error::Failure;

/// The largest secret that is read.
const LIMIT: u64 = 64 * 1024;

/// Where a secret comes from.
#[derive(Clone)]
pub enum SecretFlag {
    /// The value itself.
    Value(SecretString),
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl fmt::Debug for SecretFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value([hidden])"),
            Self::Stdin => f.write_str("Stdin"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl FromStr for SecretFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('@') {
            Some("") => Err("found `@` without a file name, expected a value, `-` or @FILE".to_owned()),
            Some(path) => Ok(Self::File(path.into())),
            None if text == "-" => Ok(Self::Stdin),
            None if text.trim().is_empty() => Err("found nothing, expected a value, `-` or @FILE".to_owned()),
            None => Ok(Self::Value(SecretString::from(text))),
        }
    }
}

impl SecretFlag {
    /// Reads the secret. `flag` names it in errors.
    pub fn read(&self, flag: &str) -> Result<SecretString, Failure> {
        let text = match self {
            Self::Value(secret) => return Ok(secret.clone()),
            Self::Stdin => limited(std::io::stdin().lock()).map_err(|error| {
                Failure::usage(format!(
                    "{flag}: standard input cannot be read: {error}; give the value, or @FILE"
                ))
            })?,
            Self::File(path) => std::fs::File::open(path).and_then(limited).map_err(|error| {
                Failure::usage(format!(
                    "{flag}: {} cannot be read: found {error}, expected a file that holds the secret; check the path behind the @",
                    path.display()
                ))
            })?,
        };
        let secret = text.trim();
        if secret.is_empty() {
            return Err(Failure::usage(format!(
                "{flag}: found nothing, expected a secret; send it, or name a file that holds it"
            )));
        }
        Ok(SecretString::from(secret))
    }
}

fn limited(reader: impl std::io::Read) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    reader.take(LIMIT + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LIMIT {
        return Err(std::io::Error::other(format!("found more than {LIMIT} bytes, expected one secret")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn three_forms() {
        let value: SecretFlag = "hunter2".parse().unwrap();
        assert_eq!(value.read("--token").unwrap().expose_secret(), "hunter2");
        assert!(!format!("{value:?}").contains("hunter2"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "from-a-file\n").unwrap();
        let file: SecretFlag = format!("@{}", path.display()).parse().unwrap();
        assert_eq!(file.read("--token").unwrap().expose_secret(), "from-a-file");
        assert!(matches!("-".parse(), Ok(SecretFlag::Stdin)));
        assert!("@".parse::<SecretFlag>().is_err() && " ".parse::<SecretFlag>().is_err());
    }

    #[test]
    fn a_missing_file_is_told() {
        let file: SecretFlag = "@/no/such/file".parse().unwrap();
        assert!(
            file.read("--token")
                .unwrap_err()
                .to_string()
                .starts_with("--token: /no/such/file cannot be read")
        );
    }
}
