//! The two sinks of the log (rotating file, stderr), both behind the redactor.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use tracing_subscriber::fmt::MakeWriter;

use super::redact::Redactor;

/// A file is turned over at this size; three old ones are kept.
const FILE_LIMIT: usize = 8 * 1024 * 1024;
const OLD_FILES: usize = 3;

type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

/// Makes writers that take one event, redact it as a whole and pass it on.
#[derive(Clone)]
pub(crate) struct RedactedSink {
    sink: Sink,
    redactor: Redactor,
}

impl RedactedSink {
    /// The rotating `gateway.jsonl`, readable by its owner only.
    pub(crate) fn file(path: &Path, redactor: Redactor) -> Self {
        #[cfg(unix)]
        let options = {
            use std::os::unix::fs::OpenOptionsExt as _;
            let mut options = std::fs::OpenOptions::new();
            options.read(true).create(true).append(true).mode(0o600);
            Some(options)
        };
        #[cfg(not(unix))]
        let options = None;
        let file = FileRotate::new(
            path,
            AppendCount::new(OLD_FILES),
            ContentLimit::BytesSurpassed(FILE_LIMIT),
            Compression::None,
            options,
        );
        Self { sink: Arc::new(Mutex::new(Box::new(file))), redactor }
    }

    /// Standard error.
    pub(crate) fn stderr(redactor: Redactor) -> Self {
        Self { sink: Arc::new(Mutex::new(Box::new(io::stderr()))), redactor }
    }
}

impl<'a> MakeWriter<'a> for RedactedSink {
    type Writer = RedactedWriter;

    fn make_writer(&'a self) -> Self::Writer {
        RedactedWriter { sink: Arc::clone(&self.sink), redactor: self.redactor.clone(), line: Vec::new() }
    }
}

/// Collects one event; it leaves redacted when the writer is dropped.
pub(crate) struct RedactedWriter {
    sink: Sink,
    redactor: Redactor,
    line: Vec<u8>,
}

impl Write for RedactedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for RedactedWriter {
    fn drop(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let text = self.redactor.redact(&String::from_utf8_lossy(&self.line));
        let mut sink = self.sink.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A full disk must never stop the gateway: a lost log line is the smaller harm.
        let _ = sink.write_all(text.as_bytes());
        let _ = sink.flush();
    }
}
