//! `DELETE` of one object.

use axum::http::StatusCode;
use axum::response::Response;

use super::{Call, present};
use crate::ErrorKind;
use crate::api::delete_options::Deletion;
use crate::api::reply;
use crate::api::status::{self, Status};
use crate::client::{CachedObject, DeleteOptions, Deleted};
use crate::resource::{Namespace, ObjectKey, Resource};

/// Deletes an object. The answer is the object while it waits for its finalizers.
pub(in crate::api) async fn delete(call: &Call<'_>, name: &str, deletion: &Deletion) -> Result<Response, Status> {
    let key = call.find(name)?;
    Ok(match call.delete_one(&key, name, deletion).await? {
        Deleted::Waiting(object) => present::one(call, StatusCode::OK, &object),
        Deleted::Gone(last) => reply::json(StatusCode::OK, &status::success(call.served, name, last.uid())),
    })
}

impl Call<'_> {
    /// Deletes an object, and says what became of it.
    ///
    /// # Errors
    /// 404, 409 if it is not as the options want it, 403 if it may not be deleted.
    pub(super) async fn delete_one(&self, key: &ObjectKey, name: &str, deletion: &Deletion) -> Result<Deleted, Status> {
        if self.type_()?.is_same_type(Namespace::TYPE) && name == Namespace::DEFAULT {
            return Err(Status::forbidden(self.served, name, "this namespace may not be deleted"));
        }
        let client = if deletion.dry_run { self.api.client.dry_run() } else { self.api.client.clone() };
        client.delete_key(key, &deletion.options).await.map_err(|error| {
            let current = self.api.client.cached(key).filter(|_| *error.kind() == ErrorKind::Conflict);
            match current.and_then(|current| unmet(&deletion.options, &current)) {
                Some(why) => Status::conflict(self.served, name, &why),
                None => self.failed(&error, name),
            }
        })
    }
}

/// Which precondition an object doesn't meet.
fn unmet(options: &DeleteOptions, current: &CachedObject) -> Option<String> {
    let DeleteOptions { uid, resource_version, .. } = options;
    let (is, version) = (current.uid(), current.modified());
    if let Some(uid) = uid.as_ref().filter(|uid| *uid != is) {
        return Some(format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {is}"));
    }
    let wanted = resource_version.filter(|wanted| wanted.get() != version.get())?;
    Some(format!(
        "Precondition failed: ResourceVersion in precondition: {wanted}, ResourceVersion in object meta: {version}"
    ))
}
