//! What there is: groups, versions, and the resources of each.

mod aggregated;
mod legacy;

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::app::Api;
use super::etag::Document;
use super::negotiate::{self, Range};
use super::reply;

/// How long a client may keep what it read: it asks again, and is told when nothing is new.
const CACHE: &str = "no-cache, private";

/// `/api`.
pub(super) async fn core(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    root(&headers, |form| match form {
        Form::Aggregated(version) => aggregated::core(&api.catalog, version),
        Form::Parts => legacy::core(),
    })
}

/// `/apis`.
pub(super) async fn groups(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    root(&headers, |form| match form {
        Form::Aggregated(version) => aggregated::groups(&api.catalog, version),
        Form::Parts => legacy::groups(&api.catalog),
    })
}

/// `/apis/<group>`.
pub(super) fn group(api: &Api, group: &str, headers: &HeaderMap) -> Response {
    plain(headers, legacy::group(&api.catalog, group))
}

/// `/api/v1`, `/apis/<group>/<version>`.
pub(super) fn version(api: &Api, group: &str, version: &str, headers: &HeaderMap) -> Response {
    plain(headers, legacy::version(&api.catalog, group, version))
}

/// How what stands at a root is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The names of groups only: their resources stand elsewhere.
    Parts,
    /// One document with all resources.
    Aggregated(aggregated::Version),
}

/// What stands at a root, in the form that is wanted.
fn root(headers: &HeaderMap, document: impl FnOnce(Form) -> serde_json::Value) -> Response {
    let form = match negotiate::choose(headers, form) {
        Ok(form) => form,
        Err(status) => return status.into_response(),
    };
    let mut response = Document::new(&document(form)).reply(headers, CACHE);
    if let Form::Aggregated(version) = form
        && response.headers().contains_key(CONTENT_TYPE)
    {
        let media_type = HeaderValue::from_static(version.media_type());
        response.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    response
}

fn plain(headers: &HeaderMap, document: Option<serde_json::Value>) -> Response {
    let Some(document) = document else { return reply::no_such_path() };
    match negotiate::choose(headers, |range| (range.takes_json() && range.kind.is_empty()).then_some(())) {
        Ok(()) => Document::new(&document).reply(headers, CACHE),
        Err(status) => status.into_response(),
    }
}

fn form(range: &Range<'_>) -> Option<Form> {
    if !range.takes_json() {
        return None;
    }
    match (range.kind, range.group) {
        ("", _) => Some(Form::Parts),
        ("APIGroupDiscoveryList", "apidiscovery.k8s.io") => {
            aggregated::Version::parse(range.version).map(Form::Aggregated)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ACCEPT, ETAG, IF_NONE_MATCH};
    use serde_json::json;

    use super::*;

    fn ask(accept: &str) -> (u16, String) {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        let response = root(&headers, |form| json!(form == Form::Parts));
        let media_type = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        (response.status().as_u16(), media_type)
    }

    #[test]
    fn the_first_form_that_is_known_is_answered_and_named() {
        let v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let v2beta1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
        let v9 = "application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList";
        for (accept, media_type) in [
            (format!("{v2},{v2beta1},application/json"), v2),
            (format!("{v9}, {v2beta1}, application/json"), v2beta1),
            (format!("{v9},application/json"), "application/json"),
            ("application/json".to_owned(), "application/json"),
            ("*/*".to_owned(), "application/json"),
            ("application/vnd.kubernetes.protobuf, */*".to_owned(), "application/json"),
        ] {
            assert_eq!(ask(&accept), (200, media_type.to_owned()), "{accept}");
        }
        assert_eq!(ask(v9).0, 406);
        assert_eq!(ask("text/html").0, 406);
    }

    #[test]
    fn the_two_forms_have_different_tags() {
        let v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let mut headers = HeaderMap::from_iter([(ACCEPT, v2.parse().unwrap())]);
        let document = |form| json!(form == Form::Parts);
        let tag = root(&headers, document).headers()[ETAG].clone();
        headers.insert(IF_NONE_MATCH, tag);
        assert_eq!(root(&headers, document).status(), 304);
        headers.remove(ACCEPT);
        assert_eq!(root(&headers, document).status(), 200);
    }
}
