//! The processes of Linux.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::pin::Pin;
use std::process::{Child, Command, ExitStatus, Stdio};

use fabrica::prelude::*;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::mark::{self, Mark, Marked};
use super::os::{Os, OsProcess};
use super::proc::{self, Stat};
use super::process::ProcessSpec;

/// The machine that the supervisor runs on.
pub struct Linux;

impl Os for Linux {
    fn spawn(&self, spec: &ProcessSpec, mark: &Mark, output: File) -> io::Result<Box<dyn OsProcess>> {
        Ok(Box::new(LinuxProcess::started(command(spec, mark, output)?.spawn()?, mark.clone())?))
    }

    fn adopt(&self, pid: u32, start_ticks: u64, mark: &Mark) -> io::Result<Option<Box<dyn OsProcess>>> {
        let adopted = LinuxProcess::adopted(pid, start_ticks, mark.clone())?;
        Ok(adopted.map(|process| Box::new(process) as _))
    }

    fn marked(&self) -> Vec<Marked> {
        let marked = |pid| Some(Marked { pid, mark: Mark::on(pid)?, stat: Stat::of(pid)? });
        proc::pids().filter_map(marked).filter(|marked| !marked.stat.is_zombie).collect()
    }

    fn is_running(&self, pid: u32, start_ticks: u64) -> bool {
        Stat::of(pid).is_some_and(|stat| stat.start_ticks == start_ticks && !stat.is_zombie)
    }

    fn end_leftovers(&self, pid: u32, mark: &Mark) {
        signal_members(&Group { pid, start_ticks: None, mark }, Signal::KILL);
    }
}

/// What to run: in a process group of its own, so that a signal reaches what it starts as well, and so that Ctrl-C in
/// the supervisor's terminal doesn't.
fn command(spec: &ProcessSpec, mark: &Mark, output: File) -> io::Result<Command> {
    let mut command = Command::new(&spec.command);
    command.args(&spec.args).envs(&spec.env).env(mark::VARIABLE, mark.to_string()).process_group(0);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    if let Some(directory) = &spec.working_dir {
        command.current_dir(directory);
    }
    Ok(command)
}

/// The kernel's handle of it stands for this process alone, and can be waited for whoever its parent is.
struct LinuxProcess {
    pid: u32,
    start_ticks: u64,
    mark: Mark,
    pidfd: AsyncFd<OwnedFd>,
    /// `None` for an adopted one: its end is told to another parent.
    child: Option<Child>,
}

impl LinuxProcess {
    /// One that was just started.
    ///
    /// # Errors
    /// The kernel has no handle for it. It is ended then.
    fn started(mut child: Child, mark: Mark) -> io::Result<Self> {
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
    fn adopted(pid: u32, start_ticks: u64, mark: Mark) -> io::Result<Option<Self>> {
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
}

impl OsProcess for LinuxProcess {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn start_ticks(&self) -> u64 {
        self.start_ticks
    }

    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            // It fails only when the runtime ends.
            let _ = self.pidfd.readable().await;
        })
    }

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

    fn status(&mut self) -> Option<ExitStatus> {
        // It has ended: this doesn't wait.
        self.child.take().and_then(|mut child| child.wait().ok())
    }
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
