//! When the write-ahead log is moved to the database file.
//!
//! A thread of its own does nearly all of it, while the writer goes on writing. What came meanwhile the writer moves
//! itself: it is little, and then the next commit begins the log anew, over what is on the disk already. A log that is
//! overwritten costs a commit half of what one that grows does.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;
use tracing::warn;

use super::database::Database;
use super::log::Log;

/// The log is moved when it has this many frames of 4 KiB.
const SOFT: usize = 2048;

/// The writer waits for the thread when the log has this many.
const HARD: usize = 16 * SOFT;

/// How large the log's file stays when it begins anew: it is larger only after a reader has kept it from that.
pub(super) const MOST_BYTES: i64 = 128 << 20;

pub(super) struct Checkpoints {
    file: String,
    /// The number of frames that a log may have.
    soft: usize,
    worker: Option<Worker>,
    running: bool,
    /// The number of frames at which the next one is due.
    due: usize,
    complained: bool,
}

struct Worker {
    request: SyncSender<()>,
    done: Receiver<Result<(), String>>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    pub(super) fn new(database: &Database) -> Self {
        // A VFS of a test has one connection only.
        let worker = if database.options.vfs.is_none() { Worker::start(database.clone()) } else { None };
        let file = database.files.path().display().to_string();
        let soft = if database.options.eager { SOFT / 64 } else { SOFT };
        Self { file, soft, worker, running: false, due: soft, complained: false }
    }

    /// Looks at the log after a commit.
    pub(super) fn after_commit(&mut self, log: &Log) {
        let frames = log.frames();
        if !self.running {
            if frames >= self.due {
                self.begin(log);
            }
            return;
        }
        let Some(worker) = &self.worker else { return };
        let done = if frames >= HARD {
            worker.done.recv().map_err(|_| TryRecvError::Disconnected)
        } else {
            worker.done.try_recv()
        };
        match done {
            Err(TryRecvError::Empty) => {}
            Ok(Ok(())) => self.finish(log),
            Ok(Err(reason)) => self.failed(log, &reason),
            Err(TryRecvError::Disconnected) => {
                self.worker = None;
                self.finish(log);
            }
        }
    }

    fn begin(&mut self, log: &Log) {
        match &self.worker {
            Some(worker) if worker.request.try_send(()).is_ok() => self.running = true,
            _ => self.finish(log),
        }
    }

    fn finish(&mut self, log: &Log) {
        self.running = false;
        match log.checkpoint(CheckpointMode::PASSIVE) {
            Ok(all) => {
                self.complained = false;
                // A reader that is still there needs the log as it is: it is asked again when there is more.
                self.due = if all { self.soft } else { log.frames() + self.soft };
            }
            Err(error) => self.failed(log, &error.to_string()),
        }
    }

    fn failed(&mut self, log: &Log, reason: &str) {
        self.running = false;
        self.due = log.frames() + self.soft;
        if !std::mem::replace(&mut self.complained, true) {
            warn!("the log of {} can't be moved into it, and grows: {reason}", self.file);
        }
    }

    /// Ends the thread.
    pub(super) fn stop(&mut self) {
        let Some(Worker { request, done, thread }) = self.worker.take() else { return };
        drop((request, done));
        if thread.join().is_err() {
            warn!("the thread that moved the log of {} ended in a panic", self.file);
        }
    }
}

impl Worker {
    fn start(database: Database) -> Option<Self> {
        let (request, requests) = sync_channel(1);
        let (report, done) = sync_channel(1);
        let work = move || {
            let mut conn = None;
            while requests.recv().is_ok() {
                let outcome = move_all(&mut conn, &database);
                if report.send(outcome).is_err() {
                    break;
                }
            }
        };
        // Without it the writer does the work.
        let thread = thread::Builder::new().name("fabrica-checkpoint".into()).spawn(work).ok()?;
        Some(Self { request, done, thread })
    }
}

fn move_all(conn: &mut Option<Connection>, database: &Database) -> Result<(), String> {
    let open = match conn.take() {
        Some(open) => open,
        None => database.connect().map_err(|error| error.to_string())?,
    };
    let moved = open.wal_checkpoint_v2(Some("main"), CheckpointMode::PASSIVE);
    *conn = Some(open);
    moved.map(drop).map_err(|error| error.to_string())
}
