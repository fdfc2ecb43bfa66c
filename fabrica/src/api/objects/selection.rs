//! Which objects a request selects.

use super::Call;
use crate::Error;
use crate::api::catalog::Backing;
use crate::api::status::Status;
use crate::resource::{FieldPath, FieldSelector, LabelSelector};

impl Call<'_> {
    /// The namespace that the path names; `None` is all.
    pub(in crate::api) fn namespace(&self) -> Option<String> {
        Some(self.target.namespace.to_string()).filter(|namespace| !namespace.is_empty())
    }

    /// The selectors of the query.
    ///
    /// # Errors
    /// 400 for one that is none.
    pub(in crate::api) fn selectors(&self) -> Result<(LabelSelector, FieldSelector), Status> {
        let labels = LabelSelector::parse(&self.query.label_selector)
            .map_err(|error| Status::bad_request(format!("unable to parse requirement: {error}")))?;
        let fields = FieldSelector::parse(&self.query.field_selector)
            .map_err(|error| Status::bad_request(format!("unable to parse field selector: {error}")))?;
        let Backing::Events(form) = self.served.backing else { return Ok((labels, fields)) };
        // An event's fields stand elsewhere in what is stored.
        let stored = |path: &FieldPath| FieldPath::parse(&form.selected(&path.to_string())?).ok();
        match fields.with_paths(stored) {
            Ok(fields) => Ok((labels, fields)),
            Err(path) => Err(Status::bad_request(format!("field label not supported: {path}"))),
        }
    }

    /// What an error of a selection means.
    pub(in crate::api) fn not_selected(&self, error: &Error) -> Status {
        let fields: Vec<&str> = error.faults().iter().map(|fault| fault.path.as_str()).collect();
        if fields.is_empty() {
            return self.failed(error, "");
        }
        Status::bad_request(format!("field label not supported: {}", fields.join(", ")))
    }
}
