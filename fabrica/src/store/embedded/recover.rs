//! What happens when the writer can't trust its connection or its file any more.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::wal::CheckpointMode;
use tracing::{error, info, warn};

use super::checkpoint::Checkpoints;
use super::database;
use super::load;
use super::log::{Failure, Log};
use super::waiting::{Submission, Taken};
use super::writer::{Stopped, Writer};
use crate::store::StoreError;

/// How long to wait before the file is opened once more.
const PAUSE: Duration = Duration::from_millis(500);

/// Why the file was not opened again.
enum Closed {
    /// It may go better later.
    ForNow(String),
    /// What it holds is not what was acknowledged.
    ForGood(String),
}

impl Writer {
    /// Finds out what became of a commit whose outcome is unclear. Whoever waits for it hears that after the first
    /// attempt; if that fails nothing is served until one succeeds.
    pub(super) fn recover(&mut self, unclear: &rusqlite::Error, doubtful: Vec<Submission>) -> Result<(), Stopped> {
        let _alarm = self.alarm();
        let file = self.database.files.path().display().to_string();
        warn!("{file}: a write ended with \"{unclear}\": it may be done or not, which is being made certain");
        // Until they are answered the commit is still under way for everybody else, and what was before is served.
        let mut outcome = self.make_certain();
        if let Err(Closed::ForNow(reason) | Closed::ForGood(reason)) = &outcome {
            self.shared.health.refuse(reason.clone());
        }
        for submission in doubtful {
            submission.answer(Err(StoreError::Unknown));
        }
        let mut told = false;
        loop {
            match outcome {
                Ok(()) => {
                    self.shared.health.serve();
                    info!("{file} is certain again, at revision {}", self.shared.image.revision());
                    return Ok(());
                }
                Err(Closed::ForGood(reason)) => return Err(self.stop(reason)),
                Err(Closed::ForNow(reason)) if !told => {
                    warn!("{reason}; it is tried again every {PAUSE:?}");
                    told = true;
                }
                Err(Closed::ForNow(_)) => {}
            }
            self.pause()?;
            outcome = self.make_certain();
        }
    }

    /// Brings the file to where a loss of power changes nothing of what can be read in it, and reads what is new.
    ///
    /// A flush that failed may have left any part of the commit on the disk, and the system may show all of it and
    /// flush none of it ever again. But the connection has taken the commit back, so its next one is written over it,
    /// from its first frame on: once that is on the disk, the doubtful one is nowhere.
    fn make_certain(&mut self) -> Result<(), Closed> {
        let Some(log) = self.log.take().filter(Log::is_idle) else { return self.reopen() };
        let written = log.write(database::count_doubt);
        let caught_up = match written {
            Ok(()) => self.catch_up(&log),
            Err(Failure::NotApplied(error) | Failure::Unclear(error)) => Err(Closed::ForNow(self.reason(&error))),
            Err(Failure::Foreign) => Err(Closed::ForGood(self.foreign())),
        };
        self.log = Some(log);
        caught_up
    }

    /// For a connection that can't even take the commit back. The log is moved to the database file, which writes and
    /// flushes all of it once more.
    fn reopen(&mut self) -> Result<(), Closed> {
        self.checkpoints.stop();
        self.log = None;
        let log = Log::open(&self.database).map_err(|error| Closed::ForNow(error.to_string()))?;
        let path = self.database.files.path();
        match log.checkpoint(CheckpointMode::TRUNCATE) {
            Ok(true) => {}
            Ok(false) => return Err(Closed::ForNow(format!("{}: somebody reads its log", path.display()))),
            Err(error) => return Err(Closed::ForNow(self.reason(&error))),
        }
        self.catch_up(&log)?;
        self.log = Some(log);
        self.checkpoints = Checkpoints::new(&self.database);
        Ok(())
    }

    /// Publishes what the file has and the memory has not.
    fn catch_up(&mut self, log: &Log) -> Result<(), Closed> {
        let path = self.database.files.path();
        let image = &self.shared.image;
        let unreadable = |error| Closed::ForNow(load::unreadable(path, error).to_string());
        let newest = load::newest(log.conn()).map_err(unreadable)?;
        if newest < image.revision() {
            return Err(Closed::ForGood(format!(
                "{}: what was acknowledged up to revision {} is gone: it ends at {newest}; restore a backup",
                path.display(),
                image.revision()
            )));
        }
        let batches = load::batches_after(log.conn(), image.revision(), |key| image.entry(key)).map_err(unreadable)?;
        for batch in batches {
            self.shared.counts.transactions.fetch_add(1, Ordering::Relaxed);
            self.sweep.note(&batch.changes);
            image.publish(batch);
        }
        self.count_rows();
        Ok(())
    }

    /// Waits a little, in which callers are refused.
    fn pause(&self) -> Result<(), Stopped> {
        match self.shared.line.take(Some(PAUSE)) {
            Taken::Group(submissions) => {
                self.answer_unavailable(submissions);
                std::thread::sleep(PAUSE / 10);
                Ok(())
            }
            Taken::Nothing => Ok(()),
            Taken::Closed => Err(Stopped),
        }
    }

    /// Somebody wrote to the file who does not know the rules, so nothing that is in memory can be trusted.
    pub(super) fn stop_for_a_foreign_write(&mut self) -> Stopped {
        self.stop(self.foreign())
    }

    fn foreign(&self) -> String {
        format!(
            "{}: another program has written to it, so this one has stopped using it; \
             only read it while Fabrica runs, and start again",
            self.database.files.path().display()
        )
    }

    /// Ends it for everybody.
    fn stop(&mut self, reason: String) -> Stopped {
        error!("{reason}");
        self.shared.health.refuse(reason);
        self.shared.image.feed().close();
        Stopped
    }
}
