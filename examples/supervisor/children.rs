//! The processes that the supervisor has started: at most one for each object.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use fabrica::prelude::*;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child as OsChild, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::output;
use super::process::{Exit, Process, ProcessSpec};

/// The table of children. The reconcile function reads it and asks it for changes; a task for each child waits for its
/// end, writes it down here, and asks for a reconcile. Nobody polls.
pub struct Children {
    table: Mutex<Table>,
    /// How many of them run.
    running: watch::Sender<usize>,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<Uid, Entry>,
    /// The supervisor ends: nothing is started any more.
    is_closed: bool,
}

struct Entry {
    child: Child,
    /// Tells the child's task to stop it within a time; taken by whoever does first.
    stop: Option<oneshot::Sender<Duration>>,
}

impl Entry {
    fn stop(&mut self, grace: Duration) {
        self.child.was_told_to_stop = true;
        if let Some(stop) = self.stop.take() {
            // Nobody listens if the child has just ended by itself, which is what is asked for.
            let _ = stop.send(grace);
        }
    }
}

/// One process, as it was when it was asked for.
#[derive(Clone, Debug)]
pub struct Child {
    pub pid: u32,
    pub start_ticks: Option<u64>,
    pub started_at: Timestamp,
    /// What it was started with.
    pub spec: ProcessSpec,
    pub was_told_to_stop: bool,
    /// How it ended; `None` while it runs.
    pub exit: Option<Exit>,
}

impl Children {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { table: Mutex::default(), running: watch::Sender::new(0) })
    }

    /// The last child of an object, running or not.
    pub fn find(&self, uid: &Uid) -> Option<Child> {
        self.table.lock().entries.get(uid).map(|entry| entry.child.clone())
    }

    /// Starts the process of an object, unless it runs.
    ///
    /// # Errors
    /// The operating system's: there is no such command, for example. Or the supervisor ends.
    pub fn start(self: &Arc<Self>, process: &Process, handle: &Handle) -> io::Result<Child> {
        // Locked from the question whether it runs until it does, so that nobody else starts it in between.
        let mut table = self.table.lock();
        if table.is_closed {
            return Err(io::Error::other("the supervisor ends"));
        }
        if let Some(Entry { child, .. }) = table.entries.get(process.uid())
            && child.exit.is_none()
        {
            return Ok(child.clone());
        }
        let mut os_child = command(&process.spec).spawn()?;
        let pid = os_child.id().ok_or_else(|| io::Error::other("it ended before it was seen"))?;
        let child = Child {
            pid,
            start_ticks: start_ticks(pid),
            started_at: Timestamp::now(),
            spec: process.spec.clone(),
            was_told_to_stop: false,
            exit: None,
        };
        let output = output::log(process.name(), os_child.stdout.take(), os_child.stderr.take());
        let (stop, stopped) = oneshot::channel();
        let (children, handle) = (Arc::clone(self), handle.clone());
        let (name, uid) = (process.name().to_owned(), process.uid().clone());
        table.entries.insert(uid.clone(), Entry { child: child.clone(), stop: Some(stop) });
        self.running.send_modify(|running| *running += 1);
        tokio::spawn(async move {
            let exit = attend(&name, os_child, pid, stopped, output).await;
            children.ended(&uid, exit);
            if let Err(error) = handle.enqueue::<Process>(uid, "its process ended") {
                warn!("{error}");
            }
        });
        Ok(child)
    }

    /// Asks the process of an object to end: SIGTERM now, SIGKILL if that has not helped within `grace`. Its end comes
    /// as a reconcile. Asking twice is as good as once.
    pub fn stop(&self, uid: &Uid, grace: Duration) {
        if let Some(entry) = self.table.lock().entries.get_mut(uid) {
            entry.stop(grace);
        }
    }

    /// Takes over what a running process needs no new start for.
    pub fn update(&self, process: &Process) {
        if let Some(entry) = self.table.lock().entries.get_mut(process.uid()) {
            entry.child.spec = process.spec.clone();
        }
    }

    /// Forgets a child that has ended.
    pub fn forget(&self, uid: &Uid) {
        let mut table = self.table.lock();
        if table.entries.get(uid).is_some_and(|entry| entry.child.exit.is_some()) {
            table.entries.remove(uid);
        }
    }

    /// Ends all of them, each within its own grace, and lets nothing be started any more.
    pub async fn stop_all(&self) {
        {
            let mut table = self.table.lock();
            table.is_closed = true;
            for entry in table.entries.values_mut() {
                entry.stop(entry.child.spec.grace());
            }
        }
        info!("Stopping {} processes", *self.running.borrow());
        // It fails only if the sender is dropped, and that is in `self`.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
        info!("All processes have ended");
    }

    fn ended(&self, uid: &Uid, exit: Exit) {
        if let Some(entry) = self.table.lock().entries.get_mut(uid) {
            entry.child.exit = Some(exit);
        }
        self.running.send_modify(|running| *running -= 1);
    }
}

/// What to run: in a process group of its own, so that a signal reaches what it starts as well, and so that Ctrl-C in
/// the supervisor's terminal doesn't.
fn command(spec: &ProcessSpec) -> Command {
    let mut command = Command::new(&spec.command);
    command.args(&spec.args).envs(&spec.env).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(directory) = &spec.working_dir {
        command.current_dir(directory);
    }
    command
}

/// Waits for the end of a child, and brings it about if it is told to.
///
/// Only this task reaps the child, and only this task signals it: its number can't have passed to another process.
async fn attend(
    name: &str,
    mut child: OsChild,
    pid: u32,
    stop: oneshot::Receiver<Duration>,
    output: JoinHandle<()>,
) -> Exit {
    let ended = tokio::select! {
        biased;
        ended = child.wait() => ended,
        Ok(grace) = stop => {
            signal_group(pid, Signal::TERM);
            if let Ok(ended) = timeout(grace, child.wait()).await {
                ended
            } else {
                warn!("{name} (pid {pid}) has not ended {grace:?} after SIGTERM: SIGKILL");
                signal_group(pid, Signal::KILL);
                child.wait().await
            }
        }
    };
    let at = Timestamp::now();
    // What it started and left behind goes with it. The group keeps its number for as long as it has a member.
    signal_group(pid, Signal::KILL);
    // Its last words come before its end. One that left the group may hold the output open for good.
    let _ = timeout(Duration::from_secs(1), output).await;
    let ended = ended.ok();
    Exit { code: ended.and_then(|ended| ended.code()), signal: ended.and_then(|ended: ExitStatus| ended.signal()), at }
}

fn signal_group(pid: u32, signal: Signal) {
    let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    match kill_process_group(group, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => warn!("process group {pid} could not be sent {signal:?}: {error}"),
    }
}

/// When the kernel started a process: the 22nd field of its `stat`, where `/proc` has one. The second field, the
/// program's name in parentheses, may hold anything.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}
