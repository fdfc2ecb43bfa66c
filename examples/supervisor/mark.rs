//! What a supervisor that was killed leaves on its processes, so that the next one knows them again.
//!
//! The status says which process is whose. But it is written after the start, and a supervisor may be killed between the
//! two. So each process also bears a mark in its environment, from the first moment on. What it starts inherits the mark.

use std::fmt;
use std::str::FromStr;

use fabrica::prelude::*;

use super::proc::{self, Stat};
use super::process::Process;

/// The variable that holds it.
pub const VARIABLE: &str = "SUPERVISOR_PROCESS";

/// One run of the process of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub uid: Uid,
    /// When the object was created. Somebody else's object may have the same uid.
    created: Option<Timestamp>,
    /// When the run was started, which no other run of the object was.
    pub started_at: Timestamp,
    /// What was started; see `ProcessSpec::program`.
    pub program: String,
}

impl Mark {
    pub fn new(process: &Process, started_at: Timestamp, program: &str) -> Self {
        let (uid, created) = (process.uid().clone(), process.metadata.creation_timestamp);
        Self { uid, created, started_at, program: program.to_owned() }
    }

    /// Is it on a process of this object?
    pub fn is_of(&self, process: &Process) -> bool {
        (&self.uid, self.created) == (process.uid(), process.metadata.creation_timestamp)
    }

    /// The mark that a process bears.
    pub fn on(pid: u32) -> Option<Self> {
        proc::variable(pid, VARIABLE)?.parse().ok()
    }
}

/// No part of it holds a space.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, created, started_at, program } = self;
        let created = created.map_or("-".to_owned(), |created| created.to_string());
        write!(f, "{uid} {created} {started_at} {program}")
    }
}

impl FromStr for Mark {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split(' ').collect();
        let [uid, created, started_at, program] = parts[..] else {
            return Err(Error::terminal(format!("`{text}` is no mark")));
        };
        let created = if created == "-" { None } else { Some(created.parse()?) };
        Ok(Self { uid: uid.into(), created, started_at: started_at.parse()?, program: program.to_owned() })
    }
}

/// A process that bears a mark.
#[derive(Clone, Debug)]
pub struct Marked {
    pub pid: u32,
    pub stat: Stat,
    pub mark: Mark,
}

impl Marked {
    /// Was it started by a supervisor, and not by a process that was? It leads a group, but no session.
    pub fn leads(&self) -> bool {
        self.stat.group == self.pid && self.stat.session != self.pid
    }

    /// Was it started by another that leads its group?
    pub fn is_member(&self) -> bool {
        self.stat.group != self.pid
    }
}
