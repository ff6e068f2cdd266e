//! Arguments that take a text, `-` for standard input, or `@FILE`.

use std::io::Read as _;

use crate::error::Failure;

/// The largest text.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Reads the text. `name` names the argument in errors.
pub fn read(text: &str, name: &str) -> Result<String, Failure> {
    let read = |reader: &mut dyn std::io::Read| -> std::io::Result<String> {
        let mut text = String::new();
        reader.take(LIMIT + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LIMIT {
            return Err(std::io::Error::other(format!("found more than {LIMIT} bytes, expected less")));
        }
        Ok(text)
    };
    if text == "-" {
        return read(&mut std::io::stdin().lock()).map_err(|error| {
            Failure::usage(format!("{name}: standard input cannot be read: {error}; give the text, or @FILE"))
        });
    }
    match text.strip_prefix('@') {
        // Two signs stand for one: `@@somebody` is the text `@somebody`.
        Some(rest) if rest.starts_with('@') => Ok(rest.to_owned()),
        Some(path) => std::fs::File::open(path).and_then(|mut file| read(&mut file)).map_err(|error| {
            Failure::usage(format!("{name}: {path} cannot be read: found {error}, expected a file; check the path behind the @, or write @@ for a text that begins with @"))
        }),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms() {
        assert_eq!(read("hello", "--message").unwrap(), "hello");
        assert_eq!(read("@@ada", "--message").unwrap(), "@ada");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        std::fs::write(&path, "from a file\n").unwrap();
        assert_eq!(read(&format!("@{}", path.display()), "--message").unwrap(), "from a file\n");
        assert!(
            read("@/no/such", "--message")
                .unwrap_err()
                .message
                .starts_with("--message: /no/such cannot be read")
        );
    }
}
