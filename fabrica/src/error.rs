//! The one public error.

use std::error::Error as StdError;
use std::fmt;

/// What a fallible call of Fabrica returns; the error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Anything that can go wrong, with a [kind](Error::kind) that a caller can match.
///
/// Every standard error turns into one by `?`, so a reconciler may use any library. Like `anyhow::Error`, and for the
/// same reason, it does not implement [`std::error::Error`] itself; it converts into `Box<dyn std::error::Error + Send + Sync>`.
///
/// ```
/// use fabrica::{Error, ErrorKind, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     Ok(text.parse()?)
/// }
/// let error = port("http").unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Other));
/// assert!(!error.is_terminal());
/// assert!(Error::terminal("the serial number is wrong").is_terminal());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of thing went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such object, kind or namespace.
    NotFound,
    /// An object of that uid or name exists already.
    AlreadyExists,
    /// The object changed since it was read: read it again and repeat.
    Conflict,
    /// The input is wrong; every fault with its path.
    Invalid(Vec<Fault>),
    /// The store can't answer now; nothing was written.
    Unavailable,
    /// A write may or may not have been applied: read before trying again.
    Unknown,
    /// More bytes or more changes than the store takes at once.
    TooLarge,
    /// What was asked for is older than what is kept: list again.
    Expired,
    /// It took longer than it was allowed to.
    Timeout,
    /// User code panicked.
    Panicked,
    /// A retry can't help: only a change can.
    Terminal,
    /// The program can't start; the message lists every problem.
    Startup,
    /// A user's own error.
    Other,
}

/// One thing wrong with an input: where, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The path of the field, as in `spec.desired` or `metadata.labels[app]`.
    pub path: String,
    /// What is wrong with it and what would be right.
    pub message: String,
    /// What kind of fault it is.
    pub reason: FaultReason,
}

/// What kind of fault something is, for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultReason {
    /// The value is wrong.
    #[default]
    Invalid,
    /// There is none, but there must be.
    Required,
    /// It is none of the values that there are.
    NotSupported,
    /// It is of another type.
    TypeInvalid,
    /// It is there twice.
    Duplicate,
    /// It is longer than allowed.
    TooLong,
    /// It may not be given, or not be changed.
    Forbidden,
    /// The field is not known.
    UnknownField,
}

impl Fault {
    /// A fault at a path, for the reason [`FaultReason::Invalid`].
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), reason: FaultReason::Invalid }
    }

    /// The same fault, for another reason.
    #[must_use]
    pub fn because(self, reason: FaultReason) -> Self {
        Self { reason, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl Error {
    /// An error of a kind. The message names the thing and says what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// An error that a retry can't mend: the object waits for a change instead of a backoff.
    pub fn terminal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let error = Self::from_boxed(error.into());
        Self(Box::new(Inner { kind: ErrorKind::Terminal, ..*error.0 }))
    }

    /// An input error: `what` names the object; each fault has its path.
    #[must_use]
    pub fn invalid(what: impl fmt::Display, faults: Vec<Fault>) -> Self {
        let list = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self::new(ErrorKind::Invalid(faults), format!("{what} is invalid: {list}"))
    }

    /// An error made of any other.
    ///
    /// One that was an [`Error`] before is the same again: its kind is kept.
    #[must_use]
    pub fn from_boxed(error: Box<dyn StdError + Send + Sync>) -> Self {
        match error.downcast::<AsStd>() {
            Ok(same) => same.0,
            Err(error) => {
                let message = error.to_string();
                Self(Box::new(Inner { kind: ErrorKind::Other, message, source: Some(error) }))
            }
        }
    }

    /// The same error with what was being done in front of its message.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.0.message = format!("{doing}: {}", self.0.message);
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The faults of an [`ErrorKind::Invalid`]; of any other, none.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        if let ErrorKind::Invalid(faults) = &self.0.kind { faults } else { &[] }
    }

    /// Is this [`ErrorKind::Terminal`]?
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.0.kind == ErrorKind::Terminal
    }

    /// Is this [`ErrorKind::NotFound`]?
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Is this [`ErrorKind::AlreadyExists`]?
    #[must_use]
    pub fn is_already_exists(&self) -> bool {
        self.0.kind == ErrorKind::AlreadyExists
    }

    /// Is this [`ErrorKind::Conflict`]?
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.0.kind == ErrorKind::Conflict
    }

    /// The error beneath, if a library's error caused this one.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// What `main` prints when it returns the error: the message, then every cause that adds something.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut cause = self.source().and_then(StdError::source);
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::from_boxed(Box::new(error))
    }
}

/// An [`Error`] where a standard error is asked for.
struct AsStd(Error);

impl fmt::Display for AsStd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AsStd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for AsStd {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source().and_then(StdError::source)
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(AsStd(error))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(AsStd(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_survives_the_way_through_a_standard_error() {
        let boxed: Box<dyn StdError + Send + Sync> = Error::new(ErrorKind::Conflict, "Device x changed").into();
        assert_eq!(Error::from_boxed(boxed).kind(), &ErrorKind::Conflict);
    }

    #[test]
    fn an_invalid_error_lists_every_fault() {
        let error = Error::invalid("Device x", vec![Fault::new("spec.a", "is missing"), Fault::new("", "is odd")]);
        assert_eq!(error.to_string(), "Device x is invalid: spec.a: is missing; is odd");
        assert_eq!(error.faults().len(), 2);
    }

    #[test]
    fn a_terminal_error_keeps_its_message_and_its_cause() {
        let error = Error::terminal(std::io::Error::other("gone"));
        assert!(error.is_terminal());
        assert_eq!(error.to_string(), "gone");
        assert!(error.source().is_some());
    }
}
