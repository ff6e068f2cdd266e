//! Secrets from the supervisor: lines on stdin. The first one decides what the start can do; the end means stop.

use std::time::Duration;

use bulkhead_secrets::handoff::{HandoffMessage, read_line};
use bulkhead_secrets::{SecretBundle, SecretError};
use tokio::io::{AsyncRead, BufReader};
use tokio::sync::mpsc;

use crate::error::GatewayError;

/// How long the first line is waited for before the gateway starts without it.
const PATIENCE: Duration = Duration::from_millis(750);

/// What is told when the supervisor says nothing.
const SILENT: &str = "the supervisor has handed over no secrets yet; unlock the keychain";

/// What came on stdin.
#[derive(Debug)]
pub(crate) enum Handed {
    /// A line.
    Line(HandoffMessage),
    /// The end: the supervisor wants this gateway to stop, or is gone.
    End,
    /// A line that makes no sense.
    Broken(SecretError),
}

/// The lines as they come.
pub(crate) struct Handoff {
    lines: mpsc::Receiver<Handed>,
}

impl Handoff {
    /// Reads from `input` on a task of its own.
    pub(crate) fn start(input: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut input = BufReader::new(input);
            loop {
                let handed = match read_line(&mut input).await {
                    Ok(Some(line)) => Handed::Line(line),
                    Ok(None) => Handed::End,
                    Err(error) => Handed::Broken(error),
                };
                let over = !matches!(handed, Handed::Line(_));
                if sender.send(handed).await.is_err() || over {
                    return;
                }
            }
        });
        Self { lines }
    }

    /// The next line.
    pub(crate) async fn next(&mut self) -> Handed {
        self.lines.recv().await.unwrap_or(Handed::End)
    }

    /// The first secrets, or as many as the supervisor has yet.
    pub(crate) async fn first(&mut self) -> Result<First, GatewayError> {
        match tokio::time::timeout(PATIENCE, self.next()).await {
            Err(_) => Ok(First::Secrets(SecretBundle::new(), Some(SILENT.to_owned()))),
            Ok(Handed::End) => Ok(First::Stop),
            Ok(Handed::Broken(error)) => Err(GatewayError::Handoff(error.to_string())),
            Ok(Handed::Line(
                HandoffMessage::Secrets { secrets, waiting, .. }
                | HandoffMessage::Update { secrets, waiting, .. },
            )) => Ok(First::Secrets(secrets, waiting.map(|waiting| waiting.message))),
        }
    }
}

/// How the first line came out.
#[derive(Debug)]
pub(crate) enum First {
    /// Here they are; if some cannot be read yet, why.
    Secrets(SecretBundle, Option<String>),
    /// Stdin ended before anything came.
    Stop,
}
