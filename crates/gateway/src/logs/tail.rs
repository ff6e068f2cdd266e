//! Reads the end of the log by a byte cursor, as `logs.tail` asks for it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// What a reader asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TailRequest {
    /// Where the last answer ended; none means the newest lines.
    pub(crate) cursor: Option<u64>,
    /// At most so many lines.
    pub(crate) limit: usize,
    /// At most so many bytes.
    pub(crate) max_bytes: u64,
}

/// What it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Where to go on.
    pub(crate) cursor: u64,
    /// Size of the file.
    pub(crate) size: u64,
    /// Whole lines only.
    pub(crate) lines: Vec<String>,
    /// Older lines were left out.
    pub(crate) truncated: bool,
    /// The answer does not go on where the cursor stood: the file was turned over, or too much was written since.
    pub(crate) reset: bool,
    /// How many bytes were left out.
    pub(crate) skipped: u64,
}

/// Reads from the cursor (or the end) of `path`. A missing file is an empty one.
pub(crate) fn tail(path: &Path, request: TailRequest) -> io::Result<Tail> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let reset = request.cursor.is_some_and(|cursor| cursor > 0);
            return Ok(Tail { cursor: 0, size: 0, lines: Vec::new(), truncated: false, reset, skipped: 0 });
        }
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    let turned_over = request.cursor.is_some_and(|cursor| cursor > size);
    let wanted = request.cursor.filter(|_| !turned_over);
    let from = wanted.unwrap_or(0).max(size.saturating_sub(request.max_bytes));
    // Who was away too long goes on at the end, and is told how much is missing.
    let skipped = wanted.map_or(0, |cursor| from - cursor);
    // One byte more tells whether the first line is a whole one.
    let before = from.min(1);
    file.seek(SeekFrom::Start(from - before))?;
    let mut bytes = Vec::new();
    file.take(request.max_bytes + before).read_to_end(&mut bytes)?;
    let inside = before == 1 && bytes.first() != Some(&b'\n');
    bytes.drain(..usize::from(before == 1).min(bytes.len()));
    // A line that is still being written is left for the next poll.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let cursor = from + u64::try_from(whole).unwrap_or(0);
    let first_end = || bytes[..whole].iter().position(|byte| *byte == b'\n').map_or(whole, |at| at + 1);
    let start = if inside { first_end() } else { 0 };
    let text = String::from_utf8_lossy(&bytes[start..whole]);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let surplus = lines.len().saturating_sub(request.limit);
    lines.drain(..surplus);
    let truncated = surplus > 0 || skipped > 0 || (wanted.is_none() && from > 0);
    Ok(Tail { cursor, size, lines, truncated, reset: turned_over || skipped > 0, skipped })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(cursor: Option<u64>) -> TailRequest {
        TailRequest { cursor, limit: 3, max_bytes: 1000 }
    }

    #[test]
    fn follows_by_cursor_and_notices_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        assert_eq!(tail(&path, ask(None)).unwrap().lines.len(), 0);
        std::fs::write(&path, "a\nb\nc\nd\nhalf").unwrap();
        let first = tail(&path, ask(None)).unwrap();
        assert_eq!(first.lines, ["b", "c", "d"]);
        assert!(first.truncated && !first.reset);
        assert_eq!((first.cursor, first.size), (8, 12));
        std::fs::write(&path, "a\nb\nc\nd\nhalf-full\n").unwrap();
        let second = tail(&path, ask(Some(first.cursor))).unwrap();
        assert_eq!(second.lines, ["half-full"]);
        std::fs::write(&path, "n\n").unwrap();
        let third = tail(&path, ask(Some(second.cursor))).unwrap();
        assert!(third.reset);
        assert_eq!(third.lines, ["n"]);
    }

    #[test]
    fn too_many_bytes_begin_at_a_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        std::fs::write(&path, "0123456789\nabc\ndef\n").unwrap();
        let end = tail(&path, TailRequest { cursor: Some(0), limit: 10, max_bytes: 12 }).unwrap();
        assert_eq!(end.lines, ["abc", "def"]);
        assert!(end.truncated && end.reset);
        assert_eq!(end.skipped, 7);
        // The newest lines, without a cursor: also then it is said that there are older ones.
        let end = tail(&path, TailRequest { cursor: None, limit: 10, max_bytes: 8 }).unwrap();
        assert_eq!((end.lines.len(), end.truncated, end.reset, end.skipped), (2, true, false, 0));
    }
}
