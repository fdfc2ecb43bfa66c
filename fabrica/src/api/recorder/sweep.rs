//! Old events go, and of an object that has too many the oldest.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use super::plan::MOST_OF_ONE;
use crate::Result;
use crate::client::Client;
use crate::resource::{ObjectKey, RecordedEvent, Resource as _, Timestamp};

/// What is to go. Costs a look at every event, and nothing if there is none.
pub(super) fn outdated(client: &Client, ttl: Duration) -> Vec<Arc<RecordedEvent>> {
    let now = Timestamp::now();
    let (mut outdated, kept): (Vec<_>, Vec<_>) =
        client.cache::<RecordedEvent>().all().into_iter().partition(|event| is_outdated(event, ttl, now));
    let mut of_object = HashMap::<_, Vec<_>>::new();
    for event in &kept {
        let about = &event.spec.involved_object;
        if about.uid.is_none() && about.name.is_none() {
            continue;
        }
        of_object.entry((&about.kind, &about.uid, &about.namespace, &about.name)).or_default().push(event);
    }
    for (_, mut events) in of_object {
        if let Some(too_many) = events.len().checked_sub(MOST_OF_ONE).filter(|too_many| *too_many > 0) {
            events.sort_by_key(|event| event.last_seen());
            outdated.extend(events.into_iter().take(too_many).cloned());
        }
    }
    outdated
}

fn is_outdated(event: &RecordedEvent, ttl: Duration, now: Timestamp) -> bool {
    let seen = event.last_seen().filter(|seen| *seen <= now.plus(ttl));
    // One that claims to be of a far future would never go.
    let seen = seen.or(event.metadata.creation_timestamp);
    seen.is_none_or(|seen| now.since(seen) >= ttl)
}

/// Deletes what did not change since. How many there were.
///
/// # Errors
/// What the store answers; the next sweep finds what is left.
pub(super) async fn delete(client: &Client, events: &[Arc<RecordedEvent>]) -> Result<usize> {
    let versions = events
        .iter()
        .map(|event| (ObjectKey::of::<RecordedEvent>(event.uid().clone()), event.metadata.resource_version));
    client.delete_versions(versions.collect()).await
}
