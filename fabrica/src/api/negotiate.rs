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

/// A form that a client names in its `Accept` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range<'a> {
    media_type: &'a str,
    /// The kind that JSON is to be turned into, with its group and version; each is empty if not given.
    pub(super) kind: &'a str,
    pub(super) group: &'a str,
    pub(super) version: &'a str,
}

impl<'a> Range<'a> {
    fn parse(range: &'a str) -> Self {
        let mut parts = range.split(';').map(str::trim);
        let mut parsed = Self { media_type: parts.next().unwrap_or_default(), kind: "", group: "", version: "" };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim() {
                "as" => parsed.kind = value.trim(),
                "g" => parsed.group = value.trim(),
                "v" => parsed.version = value.trim(),
                _ => {}
            }
        }
        parsed
    }

    /// Is it this media type?
    pub(super) fn is(&self, media_type: &str) -> bool {
        self.media_type == media_type
    }

    /// Does JSON satisfy it?
    pub(super) fn takes_json(&self) -> bool {
        matches!(self.media_type, "application/json" | "application/*" | "*/*")
    }
}

/// The forms that an `Accept` header names, in its order.
pub(super) fn ranges(headers: &HeaderMap) -> impl Iterator<Item = Range<'_>> {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let values = values.filter(|value| value.len() <= LENGTH_MAX);
    values.flat_map(|value| value.split(',')).filter(|range| !range.trim().is_empty()).map(Range::parse)
}

/// What `choose` finds for the first range that it finds anything for, or else its choice for a client that takes
/// anything, if the client says nothing.
///
/// # Errors
/// 406 if the header names nothing that there is.
pub(super) fn choose<T>(headers: &HeaderMap, choose: impl Fn(&Range<'_>) -> Option<T>) -> Result<T, Status> {
    let mut ranges = ranges(headers).peekable();
    let chosen = match ranges.peek() {
        Some(_) => ranges.find_map(|range| choose(&range)),
        None => choose(&Range::parse("*/*")),
    };
    chosen.ok_or_else(Status::not_acceptable)
}

/// The first form in the order of the header that there is. Without a header: the objects themselves.
///
/// # Errors
/// 406 if the header names none that there is.
pub(super) fn form(headers: &HeaderMap) -> Result<Form, Status> {
    choose(headers, of_range)
}

fn of_range(range: &Range<'_>) -> Option<Form> {
    if !range.takes_json() {
        return None;
    }
    let version = match range.version {
        "v1" => "v1",
        "v1beta1" => "v1beta1",
        _ if range.kind.is_empty() => "",
        _ => return None,
    };
    match (range.kind, range.group) {
        ("", _) => Some(Form::Object),
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
