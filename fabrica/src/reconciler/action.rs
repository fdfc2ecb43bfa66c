//! What a run answers.

use std::error::Error as StdError;
use std::time::Duration;

use crate::{Error, Result};

/// What is to happen after a reconcile that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing, until something changes.
    AwaitChange,
    /// Run again at once, behind those that wait.
    Requeue,
    /// Run again after a while, if nothing changes before. It replaces what the last run answered.
    RequeueAfter(Duration),
}

/// What is to happen after a `finalize` that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finalize {
    /// Nothing is left to clean up: the object may go.
    Done,
    /// Not yet; wait for a change.
    AwaitChange,
    /// Not yet; look again after a while.
    RequeueAfter(Duration),
}

/// What a reconciler may return: `Result<Action>` with any error.
#[diagnostic::on_unimplemented(
    message = "a reconciler returns `Result<Action>`, not `{Self}`",
    label = "not `Result<Action>`",
    note = "the error may be `fabrica::Error`, `anyhow::Error`, `Box<dyn Error + Send + Sync>` or any standard error"
)]
pub trait IntoOutcome {
    /// The answer, with the one public error.
    ///
    /// # Errors
    /// The reconciler's own.
    fn into_outcome(self) -> Result<Action>;
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> IntoOutcome for Result<Action, E> {
    fn into_outcome(self) -> Result<Action> {
        self.map_err(|error| Error::from_boxed(error.into()))
    }
}

/// What a `finalize` may return: `Result<Finalize>`, or `Result<()>` for "done", with any error.
#[diagnostic::on_unimplemented(
    message = "a finalize returns `Result<Finalize>` or `Result<()>`, not `{Self}`",
    label = "neither `Result<Finalize>` nor `Result<()>`",
    note = "the error may be `fabrica::Error`, `anyhow::Error`, `Box<dyn Error + Send + Sync>` or any standard error"
)]
pub trait IntoFinalize {
    /// The answer, with the one public error.
    ///
    /// # Errors
    /// The finalize's own.
    fn into_finalize(self) -> Result<Finalize>;
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> IntoFinalize for Result<Finalize, E> {
    fn into_finalize(self) -> Result<Finalize> {
        self.map_err(|error| Error::from_boxed(error.into()))
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> IntoFinalize for Result<(), E> {
    fn into_finalize(self) -> Result<Finalize> {
        self.map(|()| Finalize::Done).map_err(|error| Error::from_boxed(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn the_kind_of_an_error_survives_the_outcome() {
        let failed: Result<Action> = Err(Error::terminal("no such serial number"));
        assert_eq!(failed.into_outcome().unwrap_err().kind(), &ErrorKind::Terminal);
        let failed: Result<Action, std::io::Error> = Err(std::io::Error::other("cable"));
        assert_eq!(failed.into_outcome().unwrap_err().kind(), &ErrorKind::Other);
    }

    #[test]
    fn a_finalize_without_an_answer_is_done() {
        assert_eq!(Ok::<(), Error>(()).into_finalize().unwrap(), Finalize::Done);
    }
}
