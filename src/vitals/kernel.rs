//! What the kernel tells of a process: one function a question, `None` where it does not say.

use std::time::Duration;

/// How long a thread ran, and how long it could have run and had no processor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ThreadTime {
    pub(super) running: Duration,
    pub(super) waiting: Duration,
}

/// The times of a thread of this process, since it began.
pub(super) fn thread_time(thread: i32) -> Option<ThreadTime> {
    schedstat(&read(&format!("/proc/self/task/{thread}/schedstat"))?)
}

/// Processor time of another process so far, all its threads together.
pub fn process_time(pid: u32) -> Option<Duration> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let times = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        Some(schedstat(&text)?.running)
    });
    Some(times.sum())
}

/// Nanoseconds run, nanoseconds waited, slices.
fn schedstat(text: &str) -> Option<ThreadTime> {
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    let mut next = || Some(Duration::from_nanos(numbers.next()?.ok()?));
    Some(ThreadTime { running: next()?, waiting: next()? })
}

/// How long the quota of the control group kept the process from running, since the group began.
pub(super) fn throttled() -> Option<Duration> {
    let groups = read("/proc/self/cgroup")?;
    places(&groups).iter().find_map(|place| throttled_in(&read(place)?))
}

/// Where the file may lie: the unified hierarchy, then the processor's own. Inside a container the
/// group's path is often that of the host, and its files lie at the root.
fn places(groups: &str) -> Vec<String> {
    let mut places = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let root = match controllers {
            "" => "/sys/fs/cgroup".to_owned(),
            _ if controllers.split(',').any(|one| one == "cpu") => {
                format!("/sys/fs/cgroup/{controllers}")
            }
            _ => continue,
        };
        places.push(format!("{root}{}/cpu.stat", path.trim_end_matches('/')));
        places.push(format!("{root}/cpu.stat"));
    }
    places
}

fn throttled_in(text: &str) -> Option<Duration> {
    let number = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok())
    };
    number("throttled_usec ")
        .map(Duration::from_micros)
        .or_else(|| number("throttled_time ").map(Duration::from_nanos))
}

/// Open descriptors of this process.
pub(super) fn descriptors() -> Option<u64> {
    // Since Linux 6.2 the size of the directory is their number; before it is 0.
    let counted = std::fs::metadata("/proc/self/fd").ok()?.len();
    if counted > 0 {
        return Some(counted);
    }
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as u64)
}

/// Local ports there are for outgoing connections to one address.
pub(super) fn port_range() -> Option<u64> {
    let text = read("/proc/sys/net/ipv4/ip_local_port_range")?;
    let mut ends = text.split_whitespace().map(str::parse::<u64>);
    let (low, high) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some((high + 1).saturating_sub(low))
}

/// Connections that have ended and keep their port for a while (`TIME_WAIT`).
pub(super) fn lingering() -> Option<u64> {
    let text = read("/proc/net/sockstat")?;
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace();
    words.find(|word| *word == "tw")?;
    words.next()?.parse().ok()
}

/// TCP segments sent again and sent in all, on the whole machine, since it started.
pub(super) fn segments() -> Option<(u64, u64)> {
    tcp(&read("/proc/net/snmp")?)
}

fn tcp(text: &str) -> Option<(u64, u64)> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |name: &str| {
        let at = names.split_whitespace().position(|one| one == name)?;
        values.split_whitespace().nth(at)?.parse().ok()
    };
    Some((value("RetransSegs")?, value("OutSegs")?))
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        let time = schedstat("1500000000 250000000 77\n").unwrap();
        assert_eq!((time.running.as_millis(), time.waiting.as_millis()), (1500, 250));
        assert_eq!(schedstat("0"), None);
        let v2 = "usage_usec 5\nnr_periods 10\nnr_throttled 2\nthrottled_usec 1500\n";
        assert_eq!(throttled_in(v2), Some(Duration::from_micros(1500)));
        let v1 = "nr_periods 10\nnr_throttled 2\nthrottled_time 1500000\n";
        assert_eq!(throttled_in(v1), Some(Duration::from_micros(1500)));
        assert_eq!(throttled_in("nr_periods 0\n"), None, "a group without a quota");
        let snmp = "Ip: A\nIp: 1\nTcp: OutSegs RetransSegs InErrs\nTcp: 6361 12 0\n";
        assert_eq!(tcp(snmp), Some((12, 6361)));
        assert_eq!(
            places("2:cpuacct,cpu:/a\n1:memory:/b\n0::/c\n"),
            [
                "/sys/fs/cgroup/cpuacct,cpu/a/cpu.stat",
                "/sys/fs/cgroup/cpuacct,cpu/cpu.stat",
                "/sys/fs/cgroup/c/cpu.stat",
                "/sys/fs/cgroup/cpu.stat"
            ]
        );
    }
}
