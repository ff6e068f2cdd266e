//! A SQLite file together with its write-ahead log, as one image in memory. Pure.
//!
//! Opening a database of another program, even read-only, may make or change files beside it; reading its bytes does
//! not. The format is SQLite's own (<https://www.sqlite.org/fileformat2.html#walformat>).

use thiserror::Error;

const DATABASE_MAGIC: &[u8] = b"SQLite format 3\0";
const WAL_MAGIC: u32 = 0x377f_0682;
const WAL_VERSION: u32 = 3_007_000;
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Why bytes are no database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum NoDatabase {
    #[error("a file that is no SQLite database")]
    Header,
    #[error("a database and a write-ahead log with pages of different sizes")]
    PageSize,
}

/// The database with everything committed in the log. A log that was cut off or belongs to an earlier generation ends
/// where its checksums stop fitting, as SQLite itself reads it.
pub(super) fn image(mut database: Vec<u8>, log: &[u8]) -> Result<Vec<u8>, NoDatabase> {
    if !database.starts_with(DATABASE_MAGIC) || database.len() < 100 {
        // A database whose first pages are still in the log only.
        if !database.is_empty() || log.len() < WAL_HEADER {
            return Err(NoDatabase::Header);
        }
    }
    if let Some(log) = Log::open(log) {
        let known = database.get(16..18).map(|size| match u16::from_be_bytes([size[0], size[1]]) {
            1 => 65_536,
            size => usize::from(size),
        });
        if known.is_some_and(|known| known != log.page_size) {
            return Err(NoDatabase::PageSize);
        }
        log.apply(&mut database);
    }
    let Some(versions) = database.get_mut(18..20) else { return Err(NoDatabase::Header) };
    // Read and write version 1: a file with a rollback journal. An image in memory can have no log.
    versions.fill(1);
    Ok(database)
}

struct Log<'l> {
    frames: &'l [u8],
    page_size: usize,
    salt: &'l [u8],
    sum: (u32, u32),
    big_endian: bool,
}

impl<'l> Log<'l> {
    fn open(bytes: &'l [u8]) -> Option<Self> {
        let header = bytes.get(..WAL_HEADER)?;
        let magic = word(header, 0)?;
        let page_size = usize::try_from(word(header, 8)?).ok()?;
        let fits = magic & !1 == WAL_MAGIC
            && word(header, 4)? == WAL_VERSION
            && page_size.is_power_of_two()
            && (512..=65_536).contains(&page_size);
        let big_endian = magic & 1 == 1;
        let sum = checksum((0, 0), &header[..24], big_endian);
        let known = (word(header, 24)?, word(header, 28)?);
        (fits && sum == known).then(|| Self {
            frames: &bytes[WAL_HEADER..],
            page_size,
            salt: &header[16..24],
            sum,
            big_endian,
        })
    }

    fn apply(&self, database: &mut Vec<u8>) {
        let mut sum = self.sum;
        let mut waiting: Vec<(usize, &[u8])> = Vec::new();
        for frame in self.frames.chunks_exact(FRAME_HEADER + self.page_size) {
            let (header, page) = frame.split_at(FRAME_HEADER);
            sum = checksum(sum, &header[..8], self.big_endian);
            sum = checksum(sum, page, self.big_endian);
            let (Some(number), Some(pages)) = (word(header, 0), word(header, 4)) else { return };
            let fits = header[8..16] == *self.salt
                && word(header, 16) == Some(sum.0)
                && word(header, 20) == Some(sum.1)
                && number > 0;
            let (Ok(number), Ok(pages)) = (usize::try_from(number), usize::try_from(pages)) else { return };
            if !fits {
                return;
            }
            waiting.push((number - 1, page));
            if pages > 0 {
                // A page count marks the end of a transaction; what comes without one was never committed.
                database.resize(pages.saturating_mul(self.page_size), 0);
                for (index, page) in waiting.drain(..) {
                    let start = index.saturating_mul(self.page_size);
                    if let Some(place) = database.get_mut(start..start + self.page_size) {
                        place.copy_from_slice(page);
                    }
                }
            }
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn checksum(start: (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let read = |bytes: &[u8]| {
        let four = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    bytes.chunks_exact(8).fold(start, |(one, two), pair| {
        let one = one.wrapping_add(read(&pair[..4])).wrapping_add(two);
        (one, two.wrapping_add(read(&pair[4..])).wrapping_add(one))
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn count(image: &[u8]) -> i64 {
        let mut memory = Connection::open_in_memory().unwrap();
        memory.deserialize_read_exact("main", image, image.len(), true).unwrap();
        memory.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn committed_pages_of_the_log_are_in_the_image_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sqlite");
        let db = Connection::open(&path).unwrap();
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('one');
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
        for _ in 0..500 {
            db.execute("INSERT INTO t VALUES (hex(randomblob(200)))", []).unwrap();
        }
        let read =
            || (std::fs::read(&path).unwrap(), std::fs::read(dir.path().join("x.sqlite-wal")).unwrap());
        let (main, log) = read();
        assert_eq!(count(&image(main.clone(), &log).unwrap()), 501);
        assert_eq!(count(&image(main.clone(), b"").unwrap()), 1, "without its log it is what it was");
        let half = &log[..log.len() / 2 + 7];
        let some = count(&image(main.clone(), half).unwrap());
        assert!(
            (2..500).contains(&some),
            "a log that was cut off ends at its last whole transaction: {some}"
        );
        let mut torn = log.clone();
        let at = log.len() / 2;
        torn[at] ^= 0xff;
        assert!(count(&image(main, &torn).unwrap()) < 501);
    }

    #[test]
    fn other_files_are_told() {
        assert_eq!(image(b"hello".to_vec(), b""), Err(NoDatabase::Header));
        assert_eq!(image(Vec::new(), b""), Err(NoDatabase::Header));
    }
}
