//! `DELETE` of all objects that are selected.

use axum::response::Response;
use futures_util::{StreamExt as _, stream};

use super::Call;
use super::present::{self, Page};
use super::version::At;
use crate::api::delete_options::Deletion;
use crate::api::status::Status;
use crate::client::{CachedObject, Deleted};
use crate::resource::{Namespace, ObjectKey, Resource, ResourceType};

/// How many deletions are under way at once: they share what a commit costs.
const AT_ONCE: usize = 16;

/// Deletes the objects that are selected, and answers with them. Each is deleted on its own: the first that can't be is
/// told of after the others are.
pub(in crate::api) async fn delete_collection(call: &Call<'_>, deletion: &Deletion) -> Result<Response, Status> {
    let type_ = call.type_()?;
    if type_.is_same_type(Namespace::TYPE) {
        return Err(Status::method_not_allowed());
    }
    let at = At::of(call.query, call.served.plural)?;
    let mut snapshot = call.snapshot(type_, at).await?;
    let objects = std::mem::take(&mut snapshot.items);
    let deletions = stream::iter(objects).map(|object| delete(call, type_, object, deletion));
    let answers: Vec<_> = deletions.buffered(AT_ONCE).collect().await;
    let mut deleted = Vec::with_capacity(answers.len());
    let mut failed = None;
    for answer in answers {
        match answer {
            Ok(object) => deleted.push(object),
            // Somebody else was faster.
            Err(status) if status.is_not_found() => {}
            Err(status) => drop(failed.get_or_insert(status)),
        }
    }
    match failed {
        Some(status) => Err(status),
        None => Ok(present::many(call, &Page::of(call, &snapshot), deleted)),
    }
}

/// Deletes one object, and says what it was.
async fn delete(
    call: &Call<'_>,
    type_: &'static ResourceType,
    object: CachedObject,
    deletion: &Deletion,
) -> Result<CachedObject, Status> {
    let key = ObjectKey { kind: type_.group_kind(), uid: object.uid().clone() };
    let name = object.metadata(&key.uid).name;
    let (Deleted::Gone(object) | Deleted::Waiting(object)) = call.delete_one(&key, &name, deletion).await?;
    Ok(object)
}
