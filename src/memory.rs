//! The available memory, so that a simulation that needs more is refused before it runs.

use std::fs::read_to_string;
use std::path::Path;

/// Returns how many more bytes the program may take: the smallest of what the machine has available, the user's limit of
/// address space and the limit of a container leave. `None` if the system does not report it.
pub(crate) fn available() -> Option<u64> {
    let machine = read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| machine(&text));
    [machine, address_space(), container()]
        .into_iter()
        .flatten()
        .min()
}

/// Reads `MemAvailable` and the free swap space, which the file has in kibibytes.
fn machine(text: &str) -> Option<u64> {
    let kibibytes = |name: &str| -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    let swap = kibibytes("SwapFree:").unwrap_or(0);
    Some((kibibytes("MemAvailable:")? + swap).saturating_mul(1024))
}

/// Returns how much the limit of `ulimit -v` leaves.
fn address_space() -> Option<u64> {
    let limit = limit_of_address_space(&read_to_string("/proc/self/limits").ok()?)?;
    let used = read_to_string("/proc/self/status").ok()?;
    let used = used.lines().find(|line| line.starts_with("VmSize:"))?;
    let used: u64 = used.split_whitespace().nth(1)?.parse().ok()?;
    Some(limit.saturating_sub(used.saturating_mul(1024)))
}

fn limit_of_address_space(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Returns how much the limit of a control group leaves, of version 1 or 2.
fn container() -> Option<u64> {
    let number = |path: &str| -> Option<u64> {
        read_to_string(Path::new("/sys/fs/cgroup").join(path))
            .ok()?
            .trim()
            .parse()
            .ok()
    };
    let of_version = |limit: &str, used: &str| {
        let limit = number(limit)?;
        Some(limit.saturating_sub(number(used).unwrap_or(0)))
    };
    of_version("memory.max", "memory.current").or_else(|| {
        of_version(
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
        )
    })
}

/// Writes a number of bytes for people.
pub(crate) fn told(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    match mebibytes < 1024.0 {
        true => format!("{mebibytes:.0} MiB"),
        false => format!("{:.1} GiB", mebibytes / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_is_read() {
        let text = "MemTotal: 24 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\nSwapFree: 1024 kB\n";
        assert_eq!(machine(text), Some(3 << 20));
        assert_eq!(machine("MemTotal: 24 kB"), None);
        let limits = "Limit   Soft Limit   Hard Limit  Units\n\
                      Max resident set          unlimited            unlimited            bytes\n\
                      Max address space         409600000            unlimited            bytes\n";
        assert_eq!(limit_of_address_space(limits), Some(409_600_000));
        let unlimited = limits.replace("409600000", "unlimited");
        assert_eq!(limit_of_address_space(&unlimited), None);
        if cfg!(target_os = "linux") {
            assert!(available().is_some_and(|bytes| bytes > 1 << 20));
        }
    }

    #[test]
    fn bytes_are_told_in_mebibytes_and_gibibytes() {
        assert_eq!(told(400 << 20), "400 MiB");
        assert_eq!(told(5 << 29), "2.5 GiB");
    }
}
