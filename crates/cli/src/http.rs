//! The smallest HTTP client: one request to this machine, blocking, bounded in time and size.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

/// The largest answer.
const LIMIT: u64 = 1024 * 1024;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// Nobody listens.
    Refused,
    /// It listens, but does not answer in time.
    Silent,
    /// What it answers is no HTTP.
    NotHttp,
    /// Something else.
    Broken(io::Error),
}

impl From<io::Error> for NoAnswer {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Silent,
            _ => Self::Broken(error),
        }
    }
}

/// Sends one request to a port of this machine.
pub fn request(
    method: &str,
    port: u16,
    path: &str,
    bearer: Option<&SecretString>,
    patience: Duration,
) -> Result<Answer, NoAnswer> {
    let deadline = Instant::now() + patience;
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), patience)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(patience))?;
    let mut head = Zeroizing::new(format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nAccept: application/json\r\nContent-Length: 0\r\n"
    ));
    if let Some(token) = bearer {
        head.push_str("Authorization: Bearer ");
        head.push_str(token.expose_secret());
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(NoAnswer::Silent);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk)? {
            0 => break,
            read => bytes.extend_from_slice(&chunk[..read]),
        }
        if bytes.len() as u64 > LIMIT || is_whole(&bytes) {
            break;
        }
    }
    parse(&bytes).ok_or(NoAnswer::NotHttp)
}

/// A GET without a secret.
pub fn get(port: u16, path: &str, patience: Duration) -> Result<Answer, NoAnswer> {
    request("GET", port, path, None, patience)
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]))
}

fn content_length(head: &str) -> Option<usize> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })
}

fn is_whole(bytes: &[u8]) -> bool {
    split(bytes).is_some_and(|(head, body)| content_length(head).is_some_and(|length| body.len() >= length))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let (head, body) = split(bytes)?;
    let status = head.strip_prefix("HTTP/1.")?.split_whitespace().nth(1)?.parse().ok()?;
    let body = match content_length(head) {
        Some(length) => body.get(..length)?,
        None => body,
    };
    Some(Answer { status, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_answer() {
        let answer = parse(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}",
        )
        .unwrap();
        assert_eq!((answer.status, answer.json().unwrap()["ok"].clone()), (200, Value::Bool(true)));
        assert_eq!(parse(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), None);
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"));
    }

    #[test]
    fn a_free_port_refuses() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(matches!(get(port, "/healthz", Duration::from_secs(1)), Err(NoAnswer::Refused)));
    }
}
