//! The machine that this program runs on, as people know it.

/// What kind of machine this is, and how busy it is now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Host {
    /// Its name on the network.
    pub name: String,
    /// Version of the kernel (Linux, macOS) or of the system (Windows); empty where the system does not say.
    pub release: String,
    /// How many processors this program sees.
    pub processors: usize,
    /// What the processor is called.
    pub processor: Option<String>,
    /// Load over 1, 5 and 15 minutes; `None` on systems that know no such thing.
    pub load: Option<[f64; 3]>,
    /// Bytes of memory in all.
    pub memory_total: u64,
    /// Bytes that programs may still take.
    pub memory_available: u64,
}

impl Host {
    /// Looks now. Reads a few small files of the system, so it may block for a moment.
    pub fn look() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { processors, ..read() }
    }
}

#[cfg(target_os = "linux")]
fn read() -> Host {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let memory = text("/proc/meminfo");
    Host {
        name: text("/proc/sys/kernel/hostname").trim().to_owned(),
        release: text("/proc/sys/kernel/osrelease").trim().to_owned(),
        processors: 1,
        processor: processor(&text("/proc/cpuinfo")),
        load: load(&text("/proc/loadavg")),
        memory_total: kilobytes(&memory, "MemTotal:"),
        memory_available: kilobytes(&memory, "MemAvailable:"),
    }
}

#[cfg(not(target_os = "linux"))]
fn read() -> Host {
    use sysinfo::System;
    let mut system = System::new();
    system.refresh_memory();
    let load = System::load_average();
    Host {
        name: System::host_name().unwrap_or_default(),
        release: System::kernel_version().unwrap_or_default(),
        processors: 1,
        processor: None,
        load: (!cfg!(windows)).then_some([load.one, load.five, load.fifteen]),
        memory_total: system.total_memory(),
        memory_available: system.available_memory(),
    }
}

#[cfg(any(target_os = "linux", test))]
fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(any(target_os = "linux", test))]
fn load(loadavg: &str) -> Option<[f64; 3]> {
    let mut parts = loadavg.split_ascii_whitespace().map(|part| part.parse::<f64>().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

#[cfg(any(target_os = "linux", test))]
fn kilobytes(meminfo: &str, name: &str) -> u64 {
    let number = |line: &str| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok();
    let line = meminfo.lines().find(|line| line.starts_with(name));
    line.and_then(number).unwrap_or(0).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_own_words_are_read() {
        assert_eq!(processor("processor: 0\nmodel name\t: AMD EPYC\n").as_deref(), Some("AMD EPYC"));
        assert_eq!(load("1.52 0.10 0.01 1/2 3\n"), Some([1.52, 0.10, 0.01]));
        assert_eq!(load("what"), None);
        assert_eq!(kilobytes("MemFree: 1 kB\nMemAvailable:  2048 kB\n", "MemAvailable:"), 2048 * 1024);
        assert_eq!(kilobytes("", "MemTotal:"), 0);
    }

    #[test]
    fn this_machine_has_memory_and_a_processor() {
        let host = Host::look();
        assert!(host.processors > 0 && host.memory_total >= host.memory_available && host.memory_total > 0);
    }
}
