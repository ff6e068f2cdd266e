//! Somebody outside who looks all the time: who holds the locks of a profile, and who serves its port.

use crate::outside::Profile;
use bulkhead_tests::World;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Between two looks at the locks; short beside the life of any gateway.
const PAUSE: Duration = Duration::from_millis(1);
/// Every so many looks the sockets are looked at, too, which costs more.
const SOCKETS: u64 = 20;

/// What was seen.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub looks: u64,
    /// How many processes held the gateway's lock, one after another.
    pub gateways: usize,
    /// How many served the port.
    pub servers: usize,
    pub violations: Vec<String>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { looks, gateways, servers, violations } = self;
        write!(
            f,
            "{looks} looks, {gateways} lock holders, {servers} servers, {} violations",
            violations.len()
        )
    }
}

pub struct Watch {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    pub fn begin(world: &World, profile: &Profile) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
        let (stopped, shared) = (stop.clone(), seen.clone());
        let state = world.path(".bulkhead");
        let mut look = Look::new(&state, profile.port);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let found = look.again();
                let mut seen = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                (seen.looks, seen.gateways, seen.servers) =
                    (look.looks, look.gateways.len(), look.servers.len());
                seen.violations.extend(found);
                drop(seen);
                std::thread::sleep(PAUSE);
            }
        });
        Self { stop, seen, thread: Some(thread) }
    }

    pub fn violations(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).violations.clone()
    }

    pub fn end(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok(), "the watch itself broke");
        }
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

struct Look {
    /// Each lock with every file that ever lay at its path: a second file would be a second lock.
    locks: BTreeMap<PathBuf, BTreeSet<String>>,
    port: u16,
    looks: u64,
    gateways: BTreeSet<u32>,
    servers: BTreeSet<u32>,
    /// Locks that had two holders at the look before.
    doubted: BTreeMap<PathBuf, BTreeSet<u32>>,
}

impl Look {
    fn new(state: &Path, port: u16) -> Self {
        let locks = ["gateway.lock", "supervisor.lock"].map(|name| (state.join(name), BTreeSet::new()));
        Self {
            locks: BTreeMap::from(locks),
            port,
            looks: 0,
            gateways: BTreeSet::new(),
            servers: BTreeSet::new(),
            doubted: BTreeMap::new(),
        }
    }

    fn again(&mut self) -> Vec<String> {
        self.looks += 1;
        let mut found = Vec::new();
        let serving = if self.looks.is_multiple_of(SOCKETS) { servers(self.port) } else { BTreeSet::new() };
        let table = std::fs::read_to_string("/proc/locks").unwrap_or_default();
        let mut holding = BTreeSet::new();
        for (path, files) in &mut self.locks {
            files.extend(file(path));
            let held = held(&table, files);
            // The table is read in pieces: only who is there twice was there at one time.
            let before = self.doubted.remove(path).unwrap_or_default();
            let both: Vec<&u32> = held.intersection(&before).collect();
            if both.len() > 1 {
                found.push(format!("{} is held by {both:?}", path.display()));
            }
            if path.ends_with("gateway.lock") {
                self.gateways.extend(&held);
                holding.clone_from(&held);
            }
            if held.len() > 1 {
                self.doubted.insert(path.clone(), held);
            }
        }
        if serving.len() > 1 {
            found.push(format!("port {} is served by {serving:?}", self.port));
        }
        // Whoever served before the look at the locks and serves after it has to hold one.
        let without: BTreeSet<u32> = serving.difference(&holding).copied().collect();
        if !without.is_empty() && servers(self.port).intersection(&without).next().is_some() {
            found.push(format!("{without:?} serve without the lock, which is held by {holding:?}"));
        }
        self.servers.extend(serving);
        found
    }
}

/// Who holds a lock now.
pub fn holders(path: &Path) -> BTreeSet<u32> {
    let table = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    held(&table, &file(path).into_iter().collect())
}

/// A file as `/proc/locks` names it.
fn file(path: &Path) -> Option<String> {
    let data = std::fs::metadata(path).ok()?;
    let (major, minor) = (rustix::fs::major(data.dev()), rustix::fs::minor(data.dev()));
    Some(format!("{major:02x}:{minor:02x}:{}", data.ino()))
}

/// Lines such as `1: FLOCK  ADVISORY  WRITE 4242 fe:00:131 0 EOF`; who waits has an arrow before the kind, and who only
/// tries a lock has one to read.
fn held(table: &str, files: &BTreeSet<String>) -> BTreeSet<u32> {
    let holder = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [_, "FLOCK", _, "WRITE", pid, file, ..] if files.contains(file) => pid.parse().ok(),
            _ => None,
        }
    };
    table.lines().filter_map(holder).collect()
}

/// Processes that listen on a port.
fn servers(port: u16) -> BTreeSet<u32> {
    let mut sockets = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in std::fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ([_, local, _, "0A", ..], Some(inode)) = (&words[..], words.get(9)) else { continue };
            if local.rsplit(':').next() == Some(&format!("{port:04X}")) {
                sockets.insert(format!("socket:[{inode}]"));
            }
        }
    }
    if sockets.is_empty() {
        return BTreeSet::new();
    }
    let listens = |pid: &u32| {
        let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        files
            .filter_map(Result::ok)
            .filter_map(|file| std::fs::read_link(file.path()).ok())
            .any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
    };
    let entries = std::fs::read_dir("/proc").expect("proc").filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // Only our own program: of a hundred others nobody needs to be asked.
    let ours = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("bulkhead"))
    };
    pids.filter(ours).filter(listens).collect()
}

#[test]
fn two_holders_would_be_seen_and_who_waits_or_only_looks_is_none() {
    let table = "1: FLOCK  ADVISORY  WRITE 41 fe:00:7 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 42 fe:00:7 0 EOF\n\
                 2: FLOCK  ADVISORY  WRITE 43 fe:00:8 0 EOF\n3: FLOCK  ADVISORY  READ 44 fe:00:7 0 EOF\n\
                 4: FLOCK  ADVISORY  WRITE 45 fe:00:9 0 EOF\n5: POSIX  ADVISORY  WRITE 46 fe:00:7 0 EOF\n";
    let files = ["fe:00:7", "fe:00:8"].map(str::to_owned);
    assert_eq!(held(table, &files.into()), BTreeSet::from([41, 43]));
}
