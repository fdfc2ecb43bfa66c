//! What the supervisor asks of the operating system. A test puts a table of its own in the place of Linux.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::mark::{Mark, Marked};
use super::process::ProcessSpec;

/// The processes of the machine. They outlive the supervisor.
pub trait Os: Send + Sync {
    /// Starts a process that bears a mark.
    fn spawn(&self, spec: &ProcessSpec, mark: &Mark, output: File) -> io::Result<Box<dyn OsProcess>>;

    /// The means to look after a process that another supervisor has started; `None` if it has ended.
    fn adopt(&self, pid: u32, start_ticks: u64, mark: &Mark) -> io::Result<Option<Box<dyn OsProcess>>>;

    /// All processes that run and bear a mark.
    fn marked(&self) -> Vec<Marked>;

    /// Does this process run, and not another that got its number?
    fn is_running(&self, pid: u32, start_ticks: u64) -> bool;

    /// Ends what a process started and left behind, after it has ended while no supervisor looked.
    fn end_leftovers(&self, pid: u32, mark: &Mark);
}

/// A process, and the means to wait for its end and to bring it about.
pub trait OsProcess: Send + Sync {
    fn pid(&self) -> u32;

    fn start_ticks(&self) -> u64;

    /// Waits for its end.
    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Signals it and what it started, as far as that stayed in its group.
    fn signal(&self, signal: Signal);

    /// How it ended; `None` if that was told to another parent. From now on its number may go to another process.
    fn status(&mut self) -> Option<ExitStatus>;
}
