//! The processes of the supervisor: at most one for each object.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use fabrica::prelude::*;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use super::linux::Linux;
use super::mark::{Mark, Marked};
use super::os::{Os, OsProcess};
use super::output::{Output, Outputs};
use super::process::{Exit, Process, ProcessState};
use super::recover::{self, Found};
use super::running;

/// The table of children. The reconcile function reads it and asks it for changes; a task for each child waits for its
/// end, writes it down here, and asks for a reconcile. Nobody polls.
pub struct Children {
    os: Arc<dyn Os>,
    table: Mutex<Table>,
    /// How many of them run.
    running: watch::Sender<usize>,
    outputs: Mutex<Option<Arc<Outputs>>>,
    /// What ran already when the first object was looked at, and bore a mark.
    marked: OnceLock<Vec<Marked>>,
}

#[derive(Default)]
struct Table {
    entries: BTreeMap<Uid, Entry>,
    /// The supervisor ends: nothing is started any more.
    is_closed: bool,
}

struct Entry {
    child: Child,
    grace: Duration,
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
    pub start_ticks: u64,
    pub started_at: Timestamp,
    /// What it was started with.
    pub program: String,
    pub was_told_to_stop: bool,
    /// How it ended; `None` while it runs.
    pub exit: Option<Exit>,
}

impl Children {
    pub fn new() -> Arc<Self> {
        Self::on(Arc::new(Linux))
    }

    /// Those of another operating system.
    pub fn on(os: Arc<dyn Os>) -> Arc<Self> {
        let (table, running) = (Mutex::default(), watch::Sender::new(0));
        Arc::new(Self { os, table, running, outputs: Mutex::default(), marked: OnceLock::new() })
    }

    /// The last child of an object, running or not.
    ///
    /// It may be the child of a supervisor that was killed. Then it is adopted: from now on it is looked after as if this
    /// supervisor had started it, but for how it ends, which nobody learns who is not the parent.
    ///
    /// # Errors
    /// The operating system's: an adopted one can't be waited for, or its output not be read.
    pub fn find(
        self: &Arc<Self>,
        process: &Process,
        data: Option<&Path>,
        handle: &Handle,
    ) -> io::Result<Option<Child>> {
        let mut table = self.table.lock();
        if let Some(entry) = table.entries.get(process.uid()) {
            return Ok(Some(entry.child.clone()));
        }
        // Before anything is started: whoever bears a mark now is the child of an earlier supervisor.
        let marked = self.marked.get_or_init(|| self.os.marked());
        // The status may speak of an earlier run.
        let was_told_to_stop = |mark: &Mark| {
            process.status.state == ProcessState::Stopping && process.status.started_at == Some(mark.started_at)
        };
        match recover::find(&*self.os, process, marked, Timestamp::now()) {
            Found::Running { pid, start_ticks, mark } => {
                let output = self.outputs(data)?.follow(process.name(), process.uid())?;
                let Some(running) = self.os.adopt(pid, start_ticks, &mark)? else {
                    // It has ended just now, which the next look finds.
                    return Err(io::Error::other(format!("pid {pid} has ended while it was adopted")));
                };
                info!("{} is adopted: pid {pid} runs since {}", process.name(), mark.started_at);
                let was_told_to_stop = was_told_to_stop(&mark);
                Ok(Some(self.attend(&mut table, process, (running, mark), was_told_to_stop, output, handle)))
            }
            Found::Ended { group, exit, mark } => {
                if let Some(group) = group {
                    self.os.end_leftovers(group, &mark);
                    self.outputs(data)?.follow(process.name(), process.uid())?.rest();
                }
                let was_told_to_stop = was_told_to_stop(&mark);
                let child = Child {
                    pid: group.unwrap_or_default(),
                    start_ticks: process.status.start_ticks.unwrap_or_default(),
                    started_at: mark.started_at,
                    program: mark.program,
                    was_told_to_stop,
                    exit: Some(exit),
                };
                let entry = Entry { child: child.clone(), grace: process.spec.grace(), stop: None };
                table.entries.insert(process.uid().clone(), entry);
                Ok(Some(child))
            }
            Found::Nothing => Ok(None),
        }
    }

    /// Starts the process of an object, unless it runs.
    ///
    /// # Errors
    /// The operating system's: there is no such command, for example. Or the supervisor ends.
    pub fn start(self: &Arc<Self>, process: &Process, data: Option<&Path>, handle: &Handle) -> io::Result<Child> {
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
        let outputs = self.outputs(data)?;
        let file = outputs.create(process.uid())?;
        let output = outputs.follow(process.name(), process.uid())?;
        let mark = Mark::new(process, Timestamp::now(), &process.spec.program());
        let running = self.os.spawn(&process.spec, &mark, file)?;
        Ok(self.attend(&mut table, process, (running, mark), false, output, handle))
    }

    /// Puts a process that runs into the table, with the task that waits for its end.
    fn attend(
        self: &Arc<Self>,
        table: &mut Table,
        process: &Process,
        (running, mark): (Box<dyn OsProcess>, Mark),
        was_told_to_stop: bool,
        output: Output,
        handle: &Handle,
    ) -> Child {
        let child = Child {
            pid: running.pid(),
            start_ticks: running.start_ticks(),
            started_at: mark.started_at,
            program: mark.program,
            was_told_to_stop,
            exit: None,
        };
        let (stop, stopped) = oneshot::channel();
        let (children, handle) = (Arc::clone(self), handle.clone());
        let (name, uid) = (process.name().to_owned(), process.uid().clone());
        let entry = Entry { child: child.clone(), grace: process.spec.grace(), stop: Some(stop) };
        table.entries.insert(uid.clone(), entry);
        self.running.send_modify(|running| *running += 1);
        tokio::spawn(async move {
            let exit = output.until(running::attend(running, &name, stopped)).await;
            children.ended(&uid, exit);
            if let Err(error) = handle.enqueue::<Process>(uid, "its process ended") {
                warn!("{error}");
            }
        });
        child
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
            entry.grace = process.spec.grace();
        }
    }

    /// Forgets a child that has ended.
    pub fn forget(&self, uid: &Uid) {
        let mut table = self.table.lock();
        if table.entries.get(uid).is_some_and(|entry| entry.child.exit.is_some()) {
            table.entries.remove(uid);
        }
    }

    /// Forgets a child that has ended, and that there ever was one.
    pub fn remove(&self, uid: &Uid) {
        self.forget(uid);
        if let Some(outputs) = &*self.outputs.lock() {
            outputs.remove(uid);
        }
    }

    /// Ends all of them, each within its own grace, and lets nothing be started any more. Says how each of them ended
    /// that ever ran.
    pub async fn stop_all(&self) -> Vec<(Uid, Child)> {
        {
            let mut table = self.table.lock();
            table.is_closed = true;
            for entry in table.entries.values_mut().filter(|entry| entry.child.exit.is_none()) {
                entry.stop(entry.grace);
            }
        }
        info!("Stopping {} processes", *self.running.borrow());
        // It fails only if the sender is dropped, and that is in `self`.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
        info!("All processes have ended");
        let table = self.table.lock();
        table.entries.iter().map(|(uid, entry)| (uid.clone(), entry.child.clone())).collect()
    }

    fn ended(&self, uid: &Uid, exit: Exit) {
        if let Some(entry) = self.table.lock().entries.get_mut(uid) {
            entry.child.exit = Some(exit);
        }
        self.running.send_modify(|running| *running -= 1);
    }

    fn outputs(&self, data: Option<&Path>) -> io::Result<Arc<Outputs>> {
        let mut outputs = self.outputs.lock();
        if let Some(outputs) = &*outputs {
            return Ok(Arc::clone(outputs));
        }
        Ok(Arc::clone(outputs.insert(Arc::new(Outputs::open(data)?))))
    }
}
