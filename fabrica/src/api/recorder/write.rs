//! One write of one event.

use serde_json::json;
use tracing::debug;

use super::plan::{Write, renewed};
use crate::client::{Client, Patch};
use crate::resource::{RecordedEvent, Resource as _, ResourceVersion};
use crate::{Error, ErrorKind, Result};

/// What became of a write.
pub(super) enum Written {
    Done,
    /// Its namespace takes nothing any more.
    Dropped,
    /// The store can't answer now.
    Again(Write, Error),
    /// It never will be.
    Failed(Write, Error),
}

pub(super) async fn write(client: &Client, mut write: Write) -> Written {
    let written = if write.is_new { create(client, &write.event).await } else { count(client, &write.event).await };
    let error = match written {
        Ok(()) => return Written::Done,
        Err(error) => error,
    };
    if error.is_not_found() && !write.is_new {
        // It expired, or somebody deleted it.
        write.event = renewed(write.event);
        write.event.metadata.resource_version = ResourceVersion::UNSET;
        write.is_new = true;
        return Box::pin(self::write(client, write)).await;
    }
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Unknown => Written::Again(write, error),
        // The namespace is gone, or is going.
        ErrorKind::NotFound => dropped(&write, &error),
        ErrorKind::Invalid(faults) if faults.iter().all(|fault| fault.path == "metadata.namespace") => {
            dropped(&write, &error)
        }
        _ => Written::Failed(write, error),
    }
}

fn dropped(write: &Write, error: &Error) -> Written {
    debug!(event = write.event.name(), "an event was not recorded: {error}");
    Written::Dropped
}

async fn create(client: &Client, event: &RecordedEvent) -> Result<()> {
    match client.create(event.clone()).await {
        // Its uid is nobody else's: an earlier try was done.
        Err(error) if error.is_already_exists() => Ok(()),
        created => created.map(drop),
    }
}

async fn count(client: &Client, event: &RecordedEvent) -> Result<()> {
    let spec = &event.spec;
    let patch = json!({
        "spec": { "count": spec.count, "lastTimestamp": spec.last_timestamp, "message": spec.message },
    });
    client.patch::<RecordedEvent>(event.uid().clone(), Patch::Merge(patch)).await.map(drop)
}
