//! The thread that writes.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use rusqlite::ErrorCode;
use rusqlite::wal::CheckpointMode;
use tracing::warn;

use super::checkpoint::Checkpoints;
use super::database::Database;
use super::files::Lock;
use super::group::Group;
use super::log::{self, Failure, Log};
use super::shared::Shared;
use super::sweep::Sweep;
use super::waiting::{Submission, Taken};
use crate::store::{Op, StoreError};

/// How many pages over its limit a file may grow by deletions, which are what makes room again.
const RESERVE: i64 = 64;

/// All that only this thread has.
pub(super) struct Writer {
    pub(super) database: Database,
    pub(super) shared: Arc<Shared>,
    /// `None` once the store has stopped.
    pub(super) log: Option<Log>,
    pub(super) checkpoints: Checkpoints,
    pub(super) sweep: Sweep,
    /// What everybody hears after a panic.
    panicked: Arc<str>,
    // Released last.
    _lock: Lock,
}

/// Stops the store when a panic goes by.
pub(super) struct Alarm {
    shared: Arc<Shared>,
    panicked: Arc<str>,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.health.refuse(self.panicked.to_string());
        }
    }
}

/// The store answers nothing any more.
pub(super) struct Stopped;

/// Transactions that were not done.
enum NotDone {
    /// They wait for their answer still: certainly nothing was written.
    Refused(Vec<Submission>, rusqlite::Error),
    Stopped,
}

impl From<Stopped> for NotDone {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl Writer {
    pub(super) fn new(database: Database, shared: Arc<Shared>, log: Log, rows: u64, lock: Lock) -> Self {
        let checkpoints = Checkpoints::new(&database);
        let sweep = Sweep::new(rows, database.options.eager);
        let file = database.files.path().display();
        let panicked = format!("{file}: the thread that writes it has panicked, which is a bug; start again").into();
        Self { database, shared, log: Some(log), checkpoints, sweep, panicked, _lock: lock }
    }

    /// To be held while there are submissions: what is in memory may be behind the file once a panic has gone by, and
    /// whoever loses the answer to it must not be served that.
    pub(super) fn alarm(&self) -> Alarm {
        Alarm { shared: self.shared.clone(), panicked: self.panicked.clone() }
    }

    /// Does what comes, until the store is closed. Even a bug leaves nobody waiting for ever.
    pub(super) fn run_to_the_end(self) {
        let shared = self.shared.clone();
        let run = AssertUnwindSafe(|| self.run());
        if let Err(panic) = catch_unwind(run) {
            shared.image.feed().close();
            shared.line.abandon();
            resume_unwind(panic);
        }
    }

    fn run(mut self) {
        let _alarm = self.alarm();
        loop {
            let patience = self.sweep.is_under_way().then_some(Duration::ZERO);
            let went_on = match self.shared.line.take(patience) {
                Taken::Group(submissions) => self.commit(submissions).and_then(|()| self.tidy()),
                Taken::Nothing => self.sweep_some(),
                Taken::Closed => return self.close(),
            };
            if let Err(Stopped) = went_on {
                return self.refuse_all();
            }
        }
    }

    fn tidy(&mut self) -> Result<(), Stopped> {
        if let Some(log) = &self.log {
            self.checkpoints.after_commit(log);
        }
        if self.sweep.is_owed() { self.sweep_some() } else { Ok(()) }
    }

    fn commit(&mut self, submissions: Vec<Submission>) -> Result<(), Stopped> {
        match self.attempt(submissions) {
            Ok(()) => Ok(()),
            Err(NotDone::Refused(submissions, error)) if is_full(&error) => self.without_room(submissions),
            Err(not_done) => self.refuse(not_done),
        }
    }

    /// Makes these transactions durable together, and answers them.
    fn attempt(&mut self, submissions: Vec<Submission>) -> Result<(), NotDone> {
        let _alarm = self.alarm();
        let shared = self.shared.clone();
        let mut group = Group::over(&shared.image);
        for submission in &submissions {
            group.add(&submission.txn);
        }
        match self.write(&group) {
            Ok(()) => {
                self.publish(&group);
                for (submission, answer) in submissions.into_iter().zip(group.answers) {
                    submission.answer(answer);
                }
                Ok(())
            }
            Err(Failure::NotApplied(error)) => Err(NotDone::Refused(submissions, error)),
            Err(Failure::Unclear(error)) => Ok(self.recover(&error, submissions)?),
            Err(Failure::Foreign) => {
                let stopped = self.stop_for_a_foreign_write();
                self.answer_unavailable(submissions);
                Err(stopped.into())
            }
        }
    }

    /// Puts the group on the disk. One that changes nothing needs none.
    fn write(&self, group: &Group<'_>) -> Result<(), Failure> {
        if group.batches.is_empty() {
            return Ok(());
        }
        // What can't be written is not done.
        let log = self.log.as_ref().ok_or(rusqlite::Error::InvalidQuery)?;
        log.write(|conn| log::append(conn, &group.batches))?;
        if self.shared.doubt_next.swap(false, Ordering::AcqRel) {
            return Err(Failure::Unclear(rusqlite::Error::InvalidQuery));
        }
        Ok(())
    }

    fn publish(&mut self, group: &Group<'_>) {
        if group.batches.is_empty() {
            return;
        }
        self.shared.counts.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.counts.transactions.fetch_add(group.batches.len() as u64, Ordering::Relaxed);
        for batch in &group.batches {
            self.sweep.note(&batch.changes);
            self.shared.image.publish(batch.clone());
        }
        self.sweep.begin_if_worthwhile(&self.shared.image);
        self.count_rows();
    }

    pub(super) fn count_rows(&self) {
        self.shared.counts.rows.store(self.sweep.rows(), Ordering::Relaxed);
        self.shared.counts.sweeps.store(self.sweep.passes(), Ordering::Relaxed);
    }

    /// Tries again what found no room: one by one, so that what fits gets in.
    fn without_room(&mut self, submissions: Vec<Submission>) -> Result<(), Stopped> {
        for submission in submissions {
            let only_deletes = submission.txn.ops.iter().all(|op| matches!(op, Op::Delete(_)));
            let mut done = self.attempt(vec![submission]);
            if let Err(NotDone::Refused(submission, error)) = done {
                let made = is_full(&error) && self.make_room()?;
                done = if only_deletes {
                    self.limit(RESERVE);
                    let done = self.attempt(submission);
                    self.limit(0);
                    done
                } else if made {
                    self.attempt(submission)
                } else {
                    Err(NotDone::Refused(submission, error))
                };
            }
            if let Err(not_done) = done {
                self.refuse(not_done)?;
            }
        }
        Ok(())
    }

    fn refuse(&mut self, not_done: NotDone) -> Result<(), Stopped> {
        match not_done {
            NotDone::Refused(submissions, error) => {
                let reason = self.reason(&error);
                for submission in submissions {
                    submission.answer(Err(StoreError::Unavailable(reason.clone())));
                }
                Ok(())
            }
            NotDone::Stopped => Err(Stopped),
        }
    }

    fn limit(&self, more: i64) {
        if let Some(log) = &self.log
            && let Err(error) = self.database.limit(log.conn(), more)
        {
            warn!("the limit of {} can't be set: {error}", self.database.files.path().display());
        }
    }

    /// What an error of SQLite means to a caller.
    pub(super) fn reason(&self, error: &rusqlite::Error) -> String {
        let file = self.database.files.path().display();
        if !is_full(error) {
            return format!("{file}: {error}");
        }
        match self.database.options.max_bytes {
            Some(limit) => format!("{file}: its disk is full, or it has reached its limit of {limit} bytes"),
            None => format!("{file}: its disk is full"),
        }
    }

    /// Answers whoever calls, until the store is closed.
    fn refuse_all(mut self) {
        self.checkpoints.stop();
        self.log = None;
        loop {
            match self.shared.line.take(None) {
                Taken::Group(submissions) => self.answer_unavailable(submissions),
                Taken::Nothing => {}
                Taken::Closed => return,
            }
        }
    }

    /// Answers with why the store as a whole can't.
    pub(super) fn answer_unavailable(&self, submissions: Vec<Submission>) {
        let error = self.shared.health.check().err();
        let error = error.unwrap_or_else(|| StoreError::Unavailable("the store is closed".into()));
        for submission in submissions {
            submission.answer(Err(error.clone()));
        }
    }

    fn close(mut self) {
        self.checkpoints.stop();
        // Whoever reads keeps the log where it is, which is no reason to wait for them.
        if let Some(log) = &self.log
            && let Err(error) =
                log.conn().busy_timeout(Duration::ZERO).and_then(|()| log.checkpoint(CheckpointMode::TRUNCATE))
        {
            // Nothing is lost: the log is read when the file is opened again.
            warn!("the log of {} stays beside it: {error}", self.database.files.path().display());
        }
    }
}

pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}
