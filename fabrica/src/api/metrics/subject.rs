//! What a request is about, in words that no client can make up.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Uri};

use crate::api::catalog::Catalog;
use crate::api::query::Query;
use crate::api::target::Target;

/// What stands for everything that is not served.
const UNKNOWN: &str = "unknown";
/// Where paths begin that are about no resource; one that begins another stands after it.
const PATHS: &[&str] =
    &["/apis", "/api", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"];
const SUBRESOURCES: &[&str] = &["finalize", "scale", "status"];

/// The labels of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) verb: &'static str,
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    /// Empty for a request that is about none.
    pub(super) resource: &'static str,
    /// That of a resource; of a request that is about none, where its path begins.
    pub(super) subresource: &'static str,
}

impl Subject {
    pub(super) fn of(catalog: &Catalog, method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let Some(target) = Target::parse(uri.path()) else {
            return Self { verb: plain_verb(method), subresource: path(uri.path()), ..Self::default() };
        };
        let watches = || Query::parse(uri.query()).is_ok_and(|query| query.watch);
        let verb = match (*method == Method::GET || *method == Method::HEAD, target.name.is_some()) {
            (true, true) => "GET",
            (true, false) => {
                if watches() {
                    "WATCH"
                } else {
                    "LIST"
                }
            }
            (false, named) if *method == Method::DELETE => {
                if named {
                    "DELETE"
                } else {
                    "DELETECOLLECTION"
                }
            }
            _ if *method == Method::PATCH && is_apply(headers) => "APPLY",
            _ => plain_verb(method),
        };
        let Some(served) = catalog.find(&target.group, &target.version, &target.plural) else {
            return Self { verb, resource: UNKNOWN, ..Self::default() };
        };
        let subresource = target.subresource.as_deref().map_or("", |sub| known(SUBRESOURCES, |known| known == sub));
        Self { verb, group: served.group, version: served.version, resource: served.plural, subresource }
    }

    /// Does it last until somebody ends it?
    pub(super) fn is_long_running(&self) -> bool {
        self.verb == "WATCH"
    }

    /// Can it change something?
    pub(super) fn is_mutating(&self) -> bool {
        !matches!(self.verb, "GET" | "HEAD" | "LIST" | "WATCH")
    }

    const fn default() -> Self {
        Self { verb: "", group: "", version: "", resource: "", subresource: "" }
    }
}

fn plain_verb(method: &Method) -> &'static str {
    known(&["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"], |verb| method == verb)
}

fn path(path: &str) -> &'static str {
    let begins = |start: &str| path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    known(PATHS, begins)
}

fn known(all: &[&'static str], is_it: impl Fn(&str) -> bool) -> &'static str {
    all.iter().copied().find(|known| is_it(known)).unwrap_or(UNKNOWN)
}

fn is_apply(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.trim_start().starts_with("application/apply-patch")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Namespace, Resource as _};

    fn labels(method: &str, uri: &str, media: &str) -> [&'static str; 5] {
        let catalog = Catalog::new(&[Namespace::TYPE]);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, media.parse().unwrap());
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let Subject { verb, group, version, resource, subresource } =
            Subject::of(&catalog, &method, &uri.parse().unwrap(), &headers);
        [verb, group, version, resource, subresource]
    }

    #[test]
    fn a_request_is_named_as_kubernetes_names_it() {
        let json = "application/json";
        for (method, uri, media, expected) in [
            ("GET", "/api/v1/namespaces", json, ["LIST", "", "v1", "namespaces", ""]),
            ("GET", "/api/v1/namespaces?watch=1", json, ["WATCH", "", "v1", "namespaces", ""]),
            ("GET", "/api/v1/namespaces/a", json, ["GET", "", "v1", "namespaces", ""]),
            ("PATCH", "/api/v1/namespaces/a/status", json, ["PATCH", "", "v1", "namespaces", "status"]),
            ("PATCH", "/api/v1/namespaces/a", "application/apply-patch+yaml", ["APPLY", "", "v1", "namespaces", ""]),
            ("DELETE", "/api/v1/namespaces", json, ["DELETECOLLECTION", "", "v1", "namespaces", ""]),
            ("DELETE", "/api/v1/namespaces/a", json, ["DELETE", "", "v1", "namespaces", ""]),
            ("POST", "/api/v1/namespaces", json, ["POST", "", "v1", "namespaces", ""]),
            ("GET", "/apis/example.io/v1", json, ["GET", "", "", "", "/apis"]),
            ("GET", "/healthz", json, ["GET", "", "", "", "/healthz"]),
            ("GET", "/readyz/store", json, ["GET", "", "", "", "/readyz"]),
        ] {
            assert_eq!(labels(method, uri, media), expected, "{method} {uri}");
        }
    }

    #[test]
    fn what_a_client_makes_up_is_unknown() {
        for (method, uri, expected) in [
            ("GET", "/apis/made.up/v9/things/x", ["GET", "", "", "unknown", ""]),
            ("GET", "/api/v1/namespaces/a/made-up", ["LIST", "", "", "unknown", ""]),
            ("GET", "/api/v1/namespaces/a/namespaces/b/made-up", ["GET", "", "v1", "namespaces", "unknown"]),
            ("BREW", "/healthzz", ["unknown", "", "", "", "unknown"]),
        ] {
            assert_eq!(labels(method, uri, "text/html"), expected, "{method} {uri}");
        }
    }
}
