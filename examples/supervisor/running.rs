//! One process that runs: one that this supervisor has started, or one that it has adopted.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Child as OsChild;

use fabrica::prelude::*;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::mark::Mark;
use super::proc::{self, Stat};
use super::process::Exit;

/// A process, and the means to wait for its end and to bring it about.
///
/// The kernel's handle of it stands for this process alone, and can be waited for whoever its parent is.
pub struct Running {
    pid: u32,
    start_ticks: u64,
    mark: Mark,
    pidfd: AsyncFd<OwnedFd>,
    /// `None` for an adopted one: its end is told to another parent.
    child: Option<OsChild>,
}

impl Running {
    /// One that was just started.
    ///
    /// # Errors
    /// The kernel has no handle for it. It is ended then.
    pub fn started(mut child: OsChild, mark: Mark) -> io::Result<Self> {
        let pid = child.id();
        // It is a zombie at worst: until it is waited for, the number is its own.
        let handle = Stat::of(pid)
            .ok_or_else(|| io::Error::other("it is not in /proc"))
            .and_then(|stat| Ok((stat.start_ticks, waitable(open(pid)?)?)));
        match handle {
            Ok((start_ticks, pidfd)) => Ok(Self { pid, start_ticks, mark, pidfd, child: Some(child) }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// One that another supervisor has started; `None` if it has ended.
    ///
    /// # Errors
    /// The kernel has no handle for it.
    pub fn adopted(pid: u32, start_ticks: u64, mark: Mark) -> io::Result<Option<Self>> {
        let pidfd = match open(pid) {
            Ok(pidfd) => pidfd,
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => return Ok(None),
            Err(error) => return Err(error),
        };
        // Looked at now that the handle is there: if the number is that of the right process now, it was when the handle
        // was made.
        if Stat::of(pid).is_none_or(|stat| stat.start_ticks != start_ticks || stat.is_zombie) {
            return Ok(None);
        }
        Ok(Some(Self { pid, start_ticks, mark, pidfd: waitable(pidfd)?, child: None }))
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn start_ticks(&self) -> u64 {
        self.start_ticks
    }

    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Waits for its end, and brings it about if it is told to: SIGTERM, and SIGKILL when the time that came with it is
    /// over.
    pub async fn attend(mut self, name: &str, stop: oneshot::Receiver<Duration>) -> Exit {
        tokio::select! {
            biased;
            () = self.ended() => {}
            Ok(grace) = stop => {
                self.signal(Signal::TERM);
                if timeout(grace, self.ended()).await.is_err() {
                    warn!("{name} (pid {}) has not ended {grace:?} after SIGTERM: SIGKILL", self.pid);
                    self.signal(Signal::KILL);
                    self.ended().await;
                }
            }
        }
        let at = Timestamp::now();
        // What it started and left behind goes with it.
        self.signal(Signal::KILL);
        // Only now its number may go to another process. It has ended: this doesn't wait.
        let status = self.child.take().and_then(|mut child| child.wait().ok());
        Exit { code: status.and_then(|status| status.code()), signal: status.and_then(|status| status.signal()), at }
    }

    async fn ended(&self) {
        // It fails only when the runtime ends.
        let _ = self.pidfd.readable().await;
    }

    /// Signals it and what it started, as far as that stayed in its group.
    fn signal(&self, signal: Signal) {
        if self.child.is_none() {
            let (pid, start_ticks) = (self.pid, Some(self.start_ticks));
            return signal_members(&Group { pid, start_ticks, mark: &self.mark }, signal);
        }
        // It was not waited for: the number of the group is its own.
        let Some(group) = raw(self.pid) else { return };
        match kill_process_group(group, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => warn!("process group {} could not be sent {signal:?}: {error}", self.pid),
        }
    }
}

/// Ends what a process started and left behind, after it has ended while no supervisor looked.
pub fn end_leftovers(pid: u32, mark: &Mark) {
    signal_members(&Group { pid, start_ticks: None, mark }, Signal::KILL);
}

/// The group of a process that is no child.
struct Group<'a> {
    pid: u32,
    /// `None` if the process is known to have ended.
    start_ticks: Option<u64>,
    mark: &'a Mark,
}

/// Signals the members of a group, each by a handle of its own. The group as a whole has nothing but a number, and as
/// soon as the process has ended that may be another's.
fn signal_members(group: &Group<'_>, signal: Signal) {
    let mut told = BTreeSet::new();
    // Who is told may have started another meanwhile.
    while proc::pids().filter(|pid| signal_member(group, *pid, signal, &mut told)).count() > 0 {}
}

/// Was it a member that was not told yet?
fn signal_member(group: &Group<'_>, pid: u32, signal: Signal, told: &mut BTreeSet<(u32, u64)>) -> bool {
    let is_in_group = |stat: &Stat| stat.group == group.pid && !stat.is_zombie;
    if !Stat::of(pid).as_ref().is_some_and(is_in_group) {
        return false;
    }
    // Looked at again now that the handle is there, as in `adopted`.
    let Ok(member) = open(pid) else { return false };
    let Some(stat) = Stat::of(pid).filter(is_in_group) else { return false };
    // While the process itself has its number, so has the group. After that the mark tells.
    let has_number = Stat::of(group.pid).is_some_and(|leader| Some(leader.start_ticks) == group.start_ticks);
    let is_ours = has_number || Mark::on(pid).as_ref() == Some(group.mark);
    if !is_ours || !told.insert((pid, stat.start_ticks)) {
        return false;
    }
    match pidfd_send_signal(&member, signal) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => warn!("pid {pid} could not be sent {signal:?}: {error}"),
    }
    true
}

fn open(pid: u32) -> io::Result<OwnedFd> {
    let pid = raw(pid).ok_or_else(|| io::Error::from(Errno::SRCH))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// The safe function is deprecated for the sake of types whose descriptor changes behind the runtime's back, in favour of
/// an unsafe one. An `OwnedFd` is not one of these.
#[allow(deprecated)]
fn waitable(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(pidfd, Interest::READABLE)
}

fn raw(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}
