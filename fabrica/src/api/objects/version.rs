//! Waiting for a version that a client has heard of.

use std::time::Duration;

use super::Call;
use crate::api::status::Status;
use crate::store::Revision;

/// How long a version of the future is waited for, as in Kubernetes.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits until everything up to a revision is seen.
///
/// # Errors
/// 504 if that is not soon.
pub(in crate::api) async fn reach(call: &Call<'_>, revision: Revision) -> Result<(), Status> {
    let client = &call.api.client;
    match tokio::time::timeout(PATIENCE, client.wait_seen(revision)).await {
        Ok(()) => Ok(()),
        Err(_) => Err(Status::version_too_large(revision, client.seen())),
    }
}
