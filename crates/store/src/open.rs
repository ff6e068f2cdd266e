//! Opening the file, and the handle that everything else hangs on.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::oneshot;

use crate::thread::Jobs;
use crate::{
    Approvals, AuditLog, CanvasDocuments, CronJobs, Devices, Inbox, Kv, Nodes, Outbox, Pairings, Prompts,
    Questions, RescueLog, Runs, Sessions, Setups, StoreError, Tasks, UsageLog,
    migrations::{self, bring_up_to_date},
};

/// Tells the time in milliseconds since 1970 (UTC).
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct StoreOptions {
    /// Where every timestamp comes from.
    pub clock: Clock,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { clock: Arc::new(|| jiff::Timestamp::now().as_millisecond()) }
    }
}

/// Handle on one profile's database. Clones share the thread and the connection.
#[derive(Clone)]
pub struct Store {
    pub(crate) jobs: Jobs,
    clock: Clock,
    path: Option<Arc<Path>>,
    gone: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the file, creating it (readable by its owner only) or bringing it up to date first.
    /// Blocks for about a millisecond; longer only when a migration is due.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::open_with(path, StoreOptions::default())
    }

    /// As [`Store::open`], with a clock of the caller's.
    pub fn open_with(path: impl Into<PathBuf>, options: StoreOptions) -> Result<Self, StoreError> {
        let path = path.into();
        let file = path.clone();
        let (jobs, gone) = Jobs::start(move || open_file(&file))?;
        Ok(Self::assemble(jobs, gone, options, Some(Arc::from(path))))
    }

    /// A store that lives in memory only.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        Self::open_in_memory_with(StoreOptions::default())
    }

    /// As [`Store::open_in_memory`], with a clock of the caller's.
    pub fn open_in_memory_with(options: StoreOptions) -> Result<Self, StoreError> {
        let (jobs, gone) = Jobs::start(|| {
            let mut connection = Connection::open_in_memory().map_err(StoreError::query("open in memory"))?;
            prepare(&mut connection).map_err(StoreError::query("set its pragmas"))?;
            bring_up_to_date(&mut connection, Path::new(":memory:"))?;
            Ok(connection)
        })?;
        Ok(Self::assemble(jobs, gone, options, None))
    }

    fn assemble(
        jobs: Jobs,
        gone: oneshot::Receiver<()>,
        options: StoreOptions,
        path: Option<Arc<Path>>,
    ) -> Self {
        Self { jobs, clock: options.clock, path, gone: Arc::new(Mutex::new(Some(gone))) }
    }

    /// The file, unless the store lives in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The store's time, in milliseconds since 1970 (UTC).
    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Conversations and their messages.
    pub fn sessions(&self) -> Sessions {
        Sessions { store: self.clone() }
    }

    /// Agent runs and the tool calls inside them.
    pub fn runs(&self) -> Runs {
        Runs { store: self.clone() }
    }

    /// What runs took, by tokens and price.
    pub fn usage(&self) -> UsageLog {
        UsageLog { store: self.clone() }
    }

    /// Jobs that run by themselves, and their runs.
    pub fn cron(&self) -> CronJobs {
        CronJobs { store: self.clone() }
    }

    /// What arrived on channels.
    pub fn inbox(&self) -> Inbox {
        Inbox { store: self.clone() }
    }

    /// What must still go out on channels.
    pub fn outbox(&self) -> Outbox {
        Outbox { store: self.clone() }
    }

    /// Paired devices.
    pub fn devices(&self) -> Devices {
        Devices { store: self.clone() }
    }

    /// Setup codes, each for one device.
    pub fn setups(&self) -> Setups {
        Setups { store: self.clone() }
    }

    /// Devices that came as nodes: what they offer, what they may do, what waits for them.
    pub fn nodes(&self) -> Nodes {
        Nodes { store: self.clone() }
    }

    /// Who may talk to the agent on a channel.
    pub fn pairings(&self) -> Pairings {
        Pairings { store: self.clone() }
    }

    /// What was done, by whom.
    pub fn audit(&self) -> AuditLog {
        AuditLog { store: self.clone() }
    }

    /// What the watch over another gateway remembers.
    pub fn rescue(&self) -> RescueLog {
        RescueLog { store: self.clone() }
    }

    /// Commands that wait for a person's yes.
    pub fn approvals(&self) -> Approvals {
        Approvals { store: self.clone() }
    }

    /// Questions that agents ask.
    pub fn questions(&self) -> Questions {
        Questions { store: self.clone() }
    }

    /// Where approvals and questions are shown on channels.
    pub fn prompts(&self) -> Prompts {
        Prompts { store: self.clone() }
    }

    /// Documents of the canvas.
    pub fn canvas(&self) -> CanvasDocuments {
        CanvasDocuments { store: self.clone() }
    }

    /// Work that goes on beside conversations.
    pub fn tasks(&self) -> Tasks {
        Tasks { store: self.clone() }
    }

    /// Small values by name.
    pub fn kv(&self) -> Kv {
        Kv { store: self.clone() }
    }

    /// Why the file took nothing when something was written last; follows every change of that.
    pub fn trouble(&self) -> tokio::sync::watch::Receiver<Option<String>> {
        self.jobs.trouble()
    }

    /// Writes one small row, to see whether the file takes anything (again).
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        self.kv().set("store/check", &serde_json::Value::from(self.now())).await?;
        self.jobs.trouble_is_over();
        Ok(())
    }

    /// Reads the whole file and reports what does not fit together; empty means healthy.
    pub async fn integrity_check(&self) -> Result<Vec<String>, StoreError> {
        self.jobs
            .call(|connection| {
                let mut statement = connection.prepare("PRAGMA integrity_check(100)")?;
                let mut findings = statement
                    .query_map([], |row| row.get::<_, String>(0))?
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(StoreError::query("check its integrity"))?;
                findings.retain(|line| line != "ok");
                let mut foreign = connection.prepare("PRAGMA foreign_key_check")?;
                let orphans = foreign.query_map([], |row| row.get::<_, String>(0))?;
                for table in orphans {
                    findings.push(format!("a row of table {} points to nothing", table?));
                }
                Ok(findings)
            })
            .await
    }

    /// Writes a compact copy of the whole database to `target`, which must not exist.
    pub async fn copy_to(&self, target: impl Into<PathBuf>) -> Result<(), StoreError> {
        let target = target.into();
        self.jobs.call(move |connection| migrations::copy_to(connection, &target)).await
    }

    /// Gives memory that SQLite holds but does not need back to the allocator.
    pub async fn shrink(&self) -> Result<(), StoreError> {
        self.jobs.call(|connection| Ok(connection.execute_batch("PRAGMA shrink_memory")?)).await
    }

    /// Waits for every queued job and closes the file. Other clones get [`StoreError::Closed`] only after they are
    /// dropped too: the thread lives as long as the last clone.
    pub async fn close(self) {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(self);
        if let Some(gone) = gone {
            let _ = gone.await;
        }
    }
}

fn open_file(path: &Path) -> Result<Connection, StoreError> {
    let failed = |reason: String| StoreError::Open { path: path.to_path_buf(), reason };
    create_private(path).map_err(|error| failed(error.to_string()))?;
    let mut connection = Connection::open(path).map_err(|error| failed(error.to_string()))?;
    prepare(&mut connection).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path: path.to_path_buf(), reason: error.to_string() }
        }
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        _ => failed(error.to_string()),
    })?;
    bring_up_to_date(&mut connection, path)?;
    Ok(connection)
}

/// Creates the file before SQLite does, so that it and its `-wal` and `-shm` are readable by their owner only.
fn create_private(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::Error::other("found a folder, expected a file"));
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    // Another process (the CLI) may write too: a transaction takes the lock when it begins, so it never has to give up
    // half-way because its snapshot grew old.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -512;
         PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0;
         PRAGMA journal_size_limit = 4194304;
         PRAGMA trusted_schema = OFF;",
    )
}
