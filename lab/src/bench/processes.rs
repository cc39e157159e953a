//! Who uses the CPU: the load generator (this process), the server, PostgreSQL or Redis; and how much memory the server has.

use std::collections::HashMap;

use anyhow::Context;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::stack::StackProcesses;

/// CPU time of one process so far, in milliseconds, and its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    parent: Option<u32>,
    cpu_ms: u64,
}

/// The processes of a run.
pub struct Processes {
    system: System,
    stack: StackProcesses,
    generator: u32,
}

/// The CPU time of every process at one moment.
pub struct Moment(HashMap<u32, Usage>);

/// CPU time used between two moments, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTimes {
    /// The load generator.
    pub generator_ms: u64,
    /// Rowlock's server.
    pub server_ms: u64,
    /// All of PostgreSQL's processes.
    pub postgres_ms: u64,
    pub redis_ms: u64,
}

impl Processes {
    /// Watches this process and those of the stack.
    pub fn new(stack: StackProcesses) -> Self {
        // The library would keep files of every process open, of which the connections need all there are.
        sysinfo::set_open_files_limit(0);
        Self { system: System::new(), stack, generator: std::process::id() }
    }

    /// What everybody has used so far.
    pub fn now(&mut self) -> Moment {
        // Looking at every thread of the machine would be a part of what a short load uses.
        let what = ProcessRefreshKind::nothing().without_tasks().with_cpu();
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        let usage =
            |process: &sysinfo::Process| Usage { parent: process.parent().map(Pid::as_u32), cpu_ms: process.accumulated_cpu_time() };
        Moment(self.system.processes().iter().map(|(pid, process)| (pid.as_u32(), usage(process))).collect())
    }

    /// What everybody has used since `before`.
    pub fn since(&mut self, before: &Moment) -> CpuTimes {
        let after = self.now();
        used(&before.0, &after.0, self.generator, self.stack)
    }

    /// The server's resident memory, in megabytes of 1,000,000 bytes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn server_memory_mb(&mut self) -> anyhow::Result<f64> {
        let pid = Pid::from_u32(self.stack.server.context("the server has ended")?);
        let what = ProcessRefreshKind::nothing().without_tasks().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
        let process = self.system.process(pid).context("the server has ended")?;
        Ok(process.memory() as f64 / 1e6)
    }
}

impl CpuTimes {
    pub fn all_ms(self) -> u64 {
        self.generator_ms + self.server_ms + self.postgres_ms + self.redis_ms
    }

    /// The generator's share of all of it.
    pub fn generator_share(self) -> f64 {
        self.generator_ms as f64 / (self.all_ms() as f64).max(1.0)
    }
}

/// Sessions of PostgreSQL are children of its first process; one that began in between has used all it has.
fn used(before: &HashMap<u32, Usage>, after: &HashMap<u32, Usage>, generator: u32, stack: StackProcesses) -> CpuTimes {
    let mut times = CpuTimes::default();
    for (pid, usage) in after {
        let ms = usage.cpu_ms.saturating_sub(before.get(pid).map_or(0, |usage| usage.cpu_ms));
        if *pid == generator {
            times.generator_ms += ms;
        } else if Some(*pid) == stack.server {
            times.server_ms += ms;
        } else if Some(*pid) == stack.redis {
            times.redis_ms += ms;
        } else if stack.postgres.is_some() && (Some(*pid) == stack.postgres || usage.parent == stack.postgres) {
            times.postgres_ms += ms;
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_is_counted_once_and_for_the_right_side() {
        let stack = StackProcesses { server: Some(2), postgres: Some(3), redis: Some(5) };
        let at = |usages: &[(u32, u32, u64)]| -> HashMap<u32, Usage> {
            usages.iter().map(|&(pid, parent, cpu_ms)| (pid, Usage { parent: Some(parent), cpu_ms })).collect()
        };
        let before = at(&[(1, 0, 100), (2, 1, 10), (3, 1, 5), (4, 3, 50), (5, 1, 7), (6, 9, 1000)]);
        let after = at(&[(1, 0, 130), (2, 1, 50), (3, 1, 6), (4, 3, 59), (5, 1, 17), (6, 9, 3000), (7, 3, 10)]);
        let times = used(&before, &after, 1, stack);
        assert_eq!(times, CpuTimes { generator_ms: 30, server_ms: 40, postgres_ms: 20, redis_ms: 10 });
        assert!((times.generator_share() - 0.3).abs() < 1e-9);
    }

    #[test]
    fn the_cpu_time_of_this_process_grows_with_its_work() {
        let mut processes = Processes::new(StackProcesses { server: Some(std::process::id()), postgres: None, redis: None });
        let before = processes.now();
        while processes.since(&before).generator_ms == 0 {
            std::hint::black_box((0..1_000_000_u64).sum::<u64>());
        }
        assert!(processes.server_memory_mb().expect("it runs") > 1.0);
    }
}
