//! In which form an answer is wanted.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use super::status::Status;

/// In which form an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The objects themselves.
    Object,
    /// A table of them, for people, in this version of `meta.k8s.io`.
    Table(&'static str),
    /// Their metadata only, in this version of `meta.k8s.io`.
    Metadata(&'static str),
}

/// The greatest length of an `Accept` header that is looked at.
const LENGTH_MAX: usize = 8 << 10;

/// The first form in the order of the header that there is. Without a header: the objects themselves.
///
/// # Errors
/// 406 if the header names none that there is.
pub(super) fn form(headers: &HeaderMap) -> Result<Form, Status> {
    let mut is_given = false;
    for value in headers.get_all(ACCEPT) {
        let Some(value) = value.to_str().ok().filter(|value| value.len() <= LENGTH_MAX) else { continue };
        for range in value.split(',') {
            is_given |= !range.trim().is_empty();
            if let Some(form) = of_range(range) {
                return Ok(form);
            }
        }
    }
    if is_given { Err(Status::not_acceptable()) } else { Ok(Form::Object) }
}

fn of_range(range: &str) -> Option<Form> {
    let mut parts = range.split(';').map(str::trim);
    if !matches!(parts.next()?, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let (mut wanted, mut group, mut version) = (None, "", "");
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key.trim() {
            "as" => wanted = Some(value.trim()),
            "g" => group = value.trim(),
            "v" => version = value.trim(),
            _ => {}
        }
    }
    let Some(wanted) = wanted else { return Some(Form::Object) };
    let version = match version {
        "v1" => "v1",
        "v1beta1" => "v1beta1",
        _ => return None,
    };
    match (wanted, group) {
        ("Table", "meta.k8s.io") => Some(Form::Table(version)),
        ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io") => Some(Form::Metadata(version)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &str) -> Option<Form> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        form(&headers).ok()
    }

    #[test]
    fn the_first_form_that_there_is_is_taken() {
        assert_eq!(form(&HeaderMap::new()).ok(), Some(Form::Object));
        assert_eq!(of("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"), Some(Form::Table("v1")));
        assert_eq!(of("application/json;as=Table;v=v9;g=meta.k8s.io, application/json"), Some(Form::Object));
        assert_eq!(of("application/vnd.kubernetes.protobuf,application/json"), Some(Form::Object));
        assert_eq!(of("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"), Some(Form::Metadata("v1")));
        assert_eq!(of("*/*"), Some(Form::Object));
        assert_eq!(of("application/vnd.kubernetes.protobuf"), None);
        assert_eq!(of("text/html"), None);
    }
}
