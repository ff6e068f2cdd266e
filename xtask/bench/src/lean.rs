//! A client that costs next to nothing: prepared bytes out, frames in, nothing parsed. What is measured with it is the
//! server.

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::socket::Socket;

/// How a response begins.
const RESPONSE: &[u8] = br#"{"type":"res""#;

/// One WebSocket, past its hello.
pub struct Lean {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// A text message as a client sends it. The mask is zero: a mask all the same, and the text stays as it is.
pub fn message(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match text.len() {
        short @ 0..=125 => bytes.push(0x80 | short as u8),
        long => {
            bytes.push(0x80 | 0x7e);
            bytes.extend((long as u16).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(text.as_bytes());
    bytes
}

impl Lean {
    /// Takes over a socket on which nothing is waited for.
    pub fn over(socket: Socket) -> Self {
        Self { stream: socket.into_inner(), buffer: vec![0; 64 * 1024], filled: 0 }
    }

    /// Sends prepared bytes.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        Ok(())
    }

    /// Sends one request and waits for its answer; what comes in between is skipped.
    pub async fn ask(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(bytes).await?;
        while !self.next(|text| text.starts_with(RESPONSE)).await? {}
        Ok(())
    }

    /// Waits for one frame and says what `look` says of it.
    pub async fn next(&mut self, look: impl FnOnce(&[u8]) -> bool) -> Result<bool> {
        loop {
            if let Some((from, to)) = frame(&self.buffer[..self.filled]) {
                if self.buffer[0] & 0x0f == 8 {
                    bail!("closed by the server");
                }
                let seen = look(&self.buffer[from..to]);
                self.buffer.copy_within(to..self.filled, 0);
                self.filled -= to;
                return Ok(seen);
            }
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            self.filled += read;
        }
    }
}

/// Where the payload of the first frame stands, once it is whole.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (from, length) = match *bytes.get(1)? & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let to = from + usize::try_from(length).ok()?;
    (bytes.len() >= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_once_they_are_whole() {
        assert_eq!(frame(&[0x81, 2, b'h', b'i', 9]), Some((2, 4)));
        assert_eq!(frame(&[0x81, 2, b'h']), None);
        let mut long = vec![0x81, 126, 1, 0];
        long.extend([0; 256]);
        assert_eq!(frame(&long), Some((4, 260)));
        assert_eq!(frame(&long[..200]), None);
    }

    #[test]
    fn messages_are_masked_with_nothing() {
        assert_eq!(message("ab"), [0x81, 0x82, 0, 0, 0, 0, b'a', b'b']);
        assert_eq!(message(&"x".repeat(300))[..4], [0x81, 0xfe, 1, 44]);
    }
}
