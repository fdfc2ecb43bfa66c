//! A machine of a test: its processes live in a table that survives the supervisor, and on the clock of the test.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;

use fabrica::prelude::*;
use parking_lot::Mutex;
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::mark::{Mark, Marked};
use super::os::{Os, OsProcess};
use super::proc::Stat;
use super::process::ProcessSpec;

/// How long a process takes to end after SIGTERM.
const TO_END: Duration = Duration::from_secs(1);

/// The machine. A process runs for ever; one with the command `crash` ends by itself with code 1 after a second, twice.
#[derive(Clone)]
pub struct FakeOs {
    table: Arc<Mutex<BTreeMap<u32, Living>>>,
    /// Which supervisor runs: what an earlier one was doing, it does no more.
    supervisor: watch::Sender<u32>,
}

struct Living {
    mark: Mark,
    command: String,
    ends: Option<(Instant, ExitStatus)>,
}

impl Living {
    fn status(&self) -> Option<ExitStatus> {
        self.ends.filter(|(at, _)| *at <= Instant::now()).map(|(_, status)| status)
    }
}

impl Default for FakeOs {
    fn default() -> Self {
        Self { table: Arc::default(), supervisor: watch::Sender::new(0) }
    }
}

impl FakeOs {
    /// A new supervisor on this machine; the one before has ended.
    pub fn supervised(&self) -> Arc<dyn Os> {
        self.supervisor.send_modify(|number| *number += 1);
        Arc::new(Supervised { os: self.clone(), number: *self.supervisor.borrow() })
    }

    /// The marks of all processes that run.
    pub fn running(&self) -> Vec<Mark> {
        self.table
            .lock()
            .values()
            .filter(|living| living.status().is_none())
            .map(|living| living.mark.clone())
            .collect()
    }
}

struct Supervised {
    os: FakeOs,
    number: u32,
}

impl Supervised {
    fn process(&self, pid: u32, is_child: bool) -> Box<dyn OsProcess> {
        Box::new(FakeProcess { os: self.os.clone(), supervisor: self.number, pid, is_child })
    }
}

impl Os for Supervised {
    fn spawn(&self, spec: &ProcessSpec, mark: &Mark, _: File) -> io::Result<Box<dyn OsProcess>> {
        let mut table = self.os.table.lock();
        let twin = table.values().find(|other| other.mark.uid == mark.uid && other.status().is_none());
        assert!(twin.is_none(), "a second process of {mark} is started");
        let pid = u32::try_from(table.len()).map_err(io::Error::other)? + 1;
        let crashes = table.values().filter(|other| other.command == "crash").count();
        let ends = (spec.command == "crash" && crashes < 2)
            .then(|| (Instant::now() + Duration::from_secs(1), ExitStatus::from_raw(1 << 8)));
        table.insert(pid, Living { mark: mark.clone(), command: spec.command.clone(), ends });
        Ok(self.process(pid, true))
    }

    fn adopt(&self, pid: u32, start_ticks: u64, _: &Mark) -> io::Result<Option<Box<dyn OsProcess>>> {
        Ok(self.is_running(pid, start_ticks).then(|| self.process(pid, false)))
    }

    fn marked(&self) -> Vec<Marked> {
        let table = self.os.table.lock();
        let running = table.iter().filter(|(_, living)| living.status().is_none());
        let stat = |pid| Stat { is_zombie: false, group: pid, session: 0, start_ticks: pid.into() };
        running.map(|(pid, living)| Marked { pid: *pid, stat: stat(*pid), mark: living.mark.clone() }).collect()
    }

    fn is_running(&self, pid: u32, start_ticks: u64) -> bool {
        start_ticks == u64::from(pid) && self.os.table.lock().get(&pid).is_some_and(|living| living.status().is_none())
    }

    fn end_leftovers(&self, _: u32, _: &Mark) {}
}

struct FakeProcess {
    os: FakeOs,
    supervisor: u32,
    pid: u32,
    is_child: bool,
}

impl FakeProcess {
    fn is_looked_after(&self) -> bool {
        *self.os.supervisor.borrow() == self.supervisor
    }
}

impl OsProcess for FakeProcess {
    fn pid(&self) -> u32 {
        self.pid
    }

    fn start_ticks(&self) -> u64 {
        self.pid.into()
    }

    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let ends = self.os.table.lock().get(&self.pid).and_then(|living| living.ends);
            if let Some((at, _)) = ends {
                sleep_until(at).await;
            }
            if ends.is_none() || !self.is_looked_after() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn signal(&self, signal: Signal) {
        if !self.is_looked_after() {
            return;
        }
        if let Some(living) = self.os.table.lock().get_mut(&self.pid)
            && living.status().is_none()
        {
            let takes = if signal == Signal::KILL { Duration::ZERO } else { TO_END };
            living.ends = Some((Instant::now() + takes, ExitStatus::from_raw(signal.as_raw())));
        }
    }

    fn status(&mut self) -> Option<ExitStatus> {
        self.os.table.lock().get(&self.pid).and_then(Living::status).filter(|_| self.is_child)
    }
}
