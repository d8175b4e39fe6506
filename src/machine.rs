//! What this run runs on, and from which commit: read once, for `run.json`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::artifact::manifest::{GitFacts, MachineFacts};

/// The machine.
pub fn machine() -> MachineFacts {
    let proc = |file: &str| std::fs::read_to_string(Path::new("/proc").join(file)).ok();
    let field = |text: String, name: &str| {
        text.lines()
            .find_map(|line| Some(line.strip_prefix(name)?.split_once(':')?.1.trim().to_owned()))
    };
    let release = proc("sys/kernel/osrelease").map(|text| text.trim().to_owned());
    MachineFacts {
        os: match release {
            Some(release) => format!("{} {release}", std::env::consts::OS),
            None => std::env::consts::OS.to_owned(),
        },
        arch: std::env::consts::ARCH.to_owned(),
        cpu: proc("cpuinfo").and_then(|text| field(text, "model name")),
        cpus: cpus(),
        memory_mib: proc("meminfo")
            .and_then(|text| field(text, "MemTotal"))
            .and_then(|size| size.split_whitespace().next()?.parse::<u64>().ok())
            .map(|kib| kib / 1024),
    }
}

/// Raises the limit on open descriptors as far as this process may; what it is then. Every open stream
/// is one, and the usual limit is from a time of fewer.
pub fn raise_descriptors() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current == maximum {
            return current;
        }
        let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        if raised.is_ok() { maximum } else { current }
    }
    #[cfg(not(unix))]
    None
}

/// Lets other threads of this process go first: whoever only writes down what has happened must not
/// hold up those who measure. Where the system does not allow it nothing changes.
pub fn let_others_first() {
    // On Linux, without an id, this is the calling thread alone; elsewhere it would be the process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 10);
}

/// Processors this process may use.
pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Most descriptors this process may have; `None` where there is no limit.
pub fn descriptor_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        rustix::process::getrlimit(rustix::process::Resource::Nofile).current
    }
    #[cfg(not(unix))]
    None
}

/// Keeps this thread, and those it starts from now on, off one processor, and says which; `None`
/// where there is only one or the system does not allow it.
pub fn split_off_a_processor() -> Option<usize> {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let mut ours = sched_getaffinity(None).ok()?;
        if ours.count() < 2 {
            return None;
        }
        let split = (0..CpuSet::MAX_CPU).find(|&cpu| ours.is_set(cpu))?;
        ours.unset(split);
        sched_setaffinity(None, &ours).ok()?;
        Some(split)
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// Calls `start` on a processor: a process that it starts stays there. Without one, just calls it.
pub fn on_processor<R>(cpu: Option<usize>, start: impl FnOnce() -> R) -> R {
    #[cfg(target_os = "linux")]
    if let Some(cpu) = cpu
        && let Ok(before) = rustix::thread::sched_getaffinity(None)
    {
        let mut there = rustix::thread::CpuSet::new();
        there.set(cpu);
        let moved = rustix::thread::sched_setaffinity(None, &there).is_ok();
        let started = start();
        if moved {
            let _ = rustix::thread::sched_setaffinity(None, &before);
        }
        return started;
    }
    let _ = cpu;
    start()
}

/// The commit of the working directory, if it is one of git's and git is there to ask.
pub fn git() -> Option<GitFacts> {
    let ask = |words: &[&str]| {
        let output = Command::new("git")
            .args(words)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let commit = ask(&["rev-parse", "HEAD"])?;
    let branch = ask(&["symbolic-ref", "--short", "HEAD"]);
    let dirty = !ask(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(GitFacts { commit, branch, dirty })
}
