//! What became of the processes of a supervisor that was killed.

use std::cmp::Reverse;

use fabrica::prelude::*;

use super::mark::{Mark, Marked};
use super::os::Os;
use super::proc;
use super::process::{Exit, Process};

/// The last process of an object, found again.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It runs.
    Running { pid: u32, start_ticks: u64, mark: Mark },
    /// It has ended: as the status says, or else while nobody looked. Then members of its group may be left.
    Ended { group: Option<u32>, exit: Exit, mark: Mark },
    /// There is none, or it was stopped and is done with.
    Nothing,
}

/// Looks for the process of an object. `marked` are the processes that bore a mark when this supervisor started.
///
/// - What the status names is it, if it is the same process: its number may be another's by now, and then nobody knows
///   how the process ended.
/// - If that has ended, or the status names none: the supervisor may have been killed after a start and before the status
///   was written, or the status may be an old one, from a backup. Then it is the process that bears the mark of a later
///   run.
/// - If only processes are left that such a one has started, it has ended.
///
/// Of a process that has left no trace at all nobody knows that it was ever started.
pub fn find(os: &dyn Os, process: &Process, marked: &[Marked], now: Timestamp) -> Found {
    let status = &process.status;
    let started_at = status.started_at.unwrap_or(now);
    let known = status.program.as_ref().map(|program| Mark::new(process, started_at, program));
    if let (Some(pid), Some(start_ticks), Some(mark)) = (status.pid, status.start_ticks, &known)
        && status.boot_id == proc::boot_id()
        && os.is_running(pid, start_ticks)
    {
        return Found::Running { pid, start_ticks, mark: mark.clone() };
    }
    // One of the run that the status speaks of is no start, but what a process left behind.
    let later =
        || marked.iter().filter(|found| found.mark.is_of(process) && Some(found.mark.started_at) > status.started_at);
    let newest = |found: &&Marked| (found.mark.started_at, Reverse(found.stat.start_ticks));
    if let Some(Marked { pid, stat, mark }) = later().filter(|found| found.leads()).max_by_key(newest)
        && os.is_running(*pid, stat.start_ticks)
    {
        return Found::Running { pid: *pid, start_ticks: stat.start_ticks, mark: mark.clone() };
    }
    let unknown = Exit { code: None, signal: None, at: now };
    if let Some(Marked { stat, mark, .. }) = later().filter(|found| found.is_member()).max_by_key(newest) {
        return Found::Ended { group: Some(stat.group), exit: unknown, mark: mark.clone() };
    }
    let Some(mark) = known else { return Found::Nothing };
    match (status.pid, status.last_exit) {
        (None, Some(exit)) => Found::Ended { group: None, exit, mark },
        (group, _) => Found::Ended { group, exit: unknown, mark },
    }
}
