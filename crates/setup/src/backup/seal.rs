//! The seal: the last bytes of a backup are an empty gzip member whose comment is the SHA-256 of everything before it. Tools
//! that open `.tar.gz` files see nothing of it; one changed byte, anywhere, breaks it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::BackupError;

const WORD: &[u8] = b"bulkhead sha256 ";
/// Header of a gzip member with a comment: no time, no system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 0xff];
/// An empty deflate block, its CRC-32 and its length.
const EMPTY: [u8; 10] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const LENGTH: usize = HEAD.len() + WORD.len() + 64 + 1 + EMPTY.len();

fn seal_of(digest: &[u8]) -> Vec<u8> {
    let mut seal = Vec::with_capacity(LENGTH);
    seal.extend_from_slice(&HEAD);
    seal.extend_from_slice(WORD);
    seal.extend_from_slice(hex::encode(digest).as_bytes());
    seal.push(0);
    seal.extend_from_slice(&EMPTY);
    seal
}

/// Passes bytes on and remembers their digest.
pub(super) struct Sealing<W> {
    inner: W,
    digest: Sha256,
}

impl<W: Write> Sealing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, digest: Sha256::new() }
    }

    /// Writes the seal.
    pub(super) fn seal(mut self) -> io::Result<W> {
        let seal = seal_of(&self.digest.finalize());
        self.inner.write_all(&seal)?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads the whole file and compares. Returns how many bytes stand before the seal.
pub(super) fn check(file: &mut File, path: &Path) -> Result<u64, BackupError> {
    let io = |error| BackupError::io("read", path)(error);
    let length = file.metadata().map_err(io)?.len();
    let broken = |found: &str| BackupError::not_whole(path, found);
    let Some(content) = length.checked_sub(LENGTH as u64).filter(|content| *content > 0) else {
        return Err(broken("a file that is too short"));
    };
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut digest = Sha256::new();
    let mut left = content;
    let mut buffer = vec![0; 64 * 1024];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = file.read(&mut buffer[..most]).map_err(io)?;
        if read == 0 {
            return Err(broken("an end before the seal"));
        }
        digest.update(&buffer[..read]);
        left -= read as u64;
    }
    let mut seal = vec![0; LENGTH];
    file.read_exact(&mut seal).map_err(io)?;
    if seal != seal_of(&digest.finalize()) {
        let ours = seal.starts_with(&HEAD) && seal[HEAD.len()..].starts_with(WORD);
        return Err(broken(if ours {
            "bytes that were changed since it was made"
        } else {
            "no seal at its end: it was cut off, changed, or is no backup"
        }));
    }
    Ok(content)
}
