//! What a store's errors mean for who asked.

use std::fmt;

use crate::resource::ObjectKey;
use crate::store::StoreError;
use crate::{Error, ErrorKind};

/// A write of an object that the store did not do.
pub(super) fn writing(object: impl fmt::Display, error: &StoreError) -> Error {
    let kind = kind(error);
    let message = match kind {
        ErrorKind::Conflict => format!("{object} was changed by somebody else meanwhile: read it again and repeat"),
        ErrorKind::Unknown => {
            format!("{object}: it is not known whether the write was done: read the object before trying again")
        }
        ErrorKind::TooLarge => format!("{object} is too large for the store: {error}"),
        _ => format!("{object} was not written: {error}"),
    };
    Error::new(kind, message)
}

/// A read that the store did not answer.
pub(super) fn reading(what: impl fmt::Display, error: &StoreError) -> Error {
    Error::new(kind(error), format!("{what}: {error}"))
}

fn kind(error: &StoreError) -> ErrorKind {
    match error {
        StoreError::Conflict { .. } | StoreError::Fenced { .. } => ErrorKind::Conflict,
        StoreError::Unknown => ErrorKind::Unknown,
        StoreError::TooLarge { .. } | StoreError::TooManyOps { .. } => ErrorKind::TooLarge,
        StoreError::Expired { .. } => ErrorKind::Expired,
        StoreError::Unavailable(_) | StoreError::FutureRevision { .. } => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// There is no such object.
pub(super) fn not_found(key: &ObjectKey) -> Error {
    let ObjectKey { kind, uid } = key;
    let message =
        format!("{} {uid} was not found: no {kind} has that uid; create it, or look it up by name", kind.kind);
    Error::new(ErrorKind::NotFound, message)
}

/// The object is not the version that the caller had read.
pub(super) fn conflict(object: impl fmt::Display) -> Error {
    writing(object, &StoreError::Conflict { index: 0, current: None })
}

/// The client was closed while somebody waited for an object.
pub(super) fn closed(object: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the wait for {object} ended: the client is closed"))
}
