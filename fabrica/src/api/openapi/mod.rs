//! What the API looks like, as an `OpenAPI` document for each group and version.

mod events;
mod kinds;
mod meta;
mod names;
mod operations;
mod parameters;
mod v2;
mod v3;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::extract::{Path, RawQuery, State};
use axum::http::header::{HeaderValue, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::app::Api;
use super::catalog::Catalog;
use super::etag::Document;
use super::negotiate;
use super::reply;
use super::status::Status;

/// A document without a hash in its address may be another one after the program's next start.
const ASK_AGAIN: &str = "no-cache, private";
/// An address with a hash names these bytes and no others.
const FOR_EVER: &str = "public, immutable, max-age=31536000";

/// The older document in Protocol Buffers, as it is asked for, and as it is answered: a media type has no `@`.
const V2_PROTOBUF: [&str; 2] = [
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
];

/// The documents, written when they are first asked for: most programs are never asked.
#[derive(Debug, Default)]
pub(super) struct Documents {
    v3: OnceLock<V3>,
    v2: OnceLock<Document>,
}

#[derive(Debug)]
struct V3 {
    index: Document,
    /// By path, as in `apis/example.io/v1`.
    versions: BTreeMap<String, Document>,
}

impl Documents {
    fn v3(&self, catalog: &Catalog) -> &V3 {
        self.v3.get_or_init(|| V3::new(catalog))
    }

    fn v2(&self, catalog: &Catalog) -> &Document {
        self.v2.get_or_init(|| {
            let versions = self.v3(catalog).versions.values();
            Document::new(&v2::document(versions.filter_map(|document| serde_json::from_slice(document.json()).ok())))
        })
    }
}

impl V3 {
    fn new(catalog: &Catalog) -> Self {
        let mut versions = BTreeMap::new();
        for (group, group_versions) in catalog.groups() {
            for version in group_versions {
                let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
                versions.insert(path, Document::new(&v3::document(catalog, group, version)));
            }
        }
        let address = |(path, document): (&String, &Document)| {
            (path.clone(), json!({ "serverRelativeURL": address(path, document) }))
        };
        let paths: Map<String, Value> = versions.iter().map(address).collect();
        Self { index: Document::new(&json!({ "paths": paths })), versions }
    }

    /// The document at a path; one that is wanted with another hash than it has is found where its own is named.
    fn version(&self, path: &str, query: Option<&str>, headers: &HeaderMap) -> Response {
        let Some(document) = self.versions.get(path) else { return reply::no_such_path() };
        if let Err(refusal) = takes_json(headers) {
            return refusal.into_response();
        }
        let mut query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        match query.find(|(key, hash)| key == "hash" && !hash.is_empty()) {
            None => document.reply(headers, ASK_AGAIN),
            Some((_, hash)) if hash == document.hash() => document.reply(headers, FOR_EVER),
            Some(_) => moved(&address(path, document)),
        }
    }
}

/// Where a document of these bytes, and of no others, is found.
fn address(path: &str, document: &Document) -> String {
    format!("/openapi/v3/{path}?hash={}", document.hash())
}

/// `/openapi/v3`.
pub(super) async fn index(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    api.documents.v3(&api.catalog).index.reply(&headers, ASK_AGAIN)
}

/// `/openapi/v3/api/v1`, `/openapi/v3/apis/<group>/<version>`.
pub(super) async fn version(
    State(api): State<Arc<Api>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    api.documents.v3(&api.catalog).version(path.trim_end_matches('/'), query.as_deref(), &headers)
}

/// `/openapi/v2`.
pub(super) async fn v2(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let is_json = negotiate::choose(&headers, |range| match range {
        range if range.takes_json() => Some(true),
        range if V2_PROTOBUF.iter().any(|media_type| range.is(media_type)) => Some(false),
        _ => None,
    });
    match is_json {
        Ok(true) => api.documents.v2(&api.catalog).reply(&headers, ASK_AGAIN),
        Ok(false) => reply::with_type(StatusCode::OK, V2_PROTOBUF[1], v2::head()),
        Err(refusal) => refusal.into_response(),
    }
}

fn takes_json(headers: &HeaderMap) -> Result<(), Status> {
    negotiate::choose(headers, |range| range.takes_json().then_some(()))
}

fn moved(address: &str) -> Response {
    let mut response = reply::text(StatusCode::MOVED_PERMANENTLY, address.to_owned());
    // A group is a DNS name, a version a word, a hash hexadecimal.
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(LOCATION, address);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ACCEPT, CACHE_CONTROL, ETAG, IF_NONE_MATCH};

    use super::*;
    use crate::resource::sample::Device;
    use crate::resource::{Namespace, Resource as _};

    const PATH: &str = "apis/example.io/v1";

    fn catalog() -> Catalog {
        Catalog::new(&[Namespace::TYPE, Device::TYPE])
    }

    #[test]
    fn a_document_is_kept_for_ever_only_by_its_hash() {
        let v3 = V3::new(&catalog());
        let index: Value = serde_json::from_slice(v3.index.json()).unwrap();
        let address = index["paths"][PATH]["serverRelativeURL"].as_str().unwrap();
        let query = address.strip_prefix(&format!("/openapi/v3/{PATH}?")).unwrap();
        let none = HeaderMap::new();
        let cache = |response: &Response| response.headers()[CACHE_CONTROL].to_str().unwrap().to_owned();
        let by_hash = v3.version(PATH, Some(query), &none);
        assert_eq!((by_hash.status().as_u16(), cache(&by_hash).as_str()), (200, FOR_EVER));
        let plain = v3.version(PATH, None, &none);
        assert_eq!((plain.status().as_u16(), cache(&plain).as_str()), (200, ASK_AGAIN));
        let old = v3.version(PATH, Some("hash=old"), &none);
        assert_eq!((old.status().as_u16(), &old.headers()[LOCATION]), (301, &address.parse().unwrap()));
        let known = HeaderMap::from_iter([(IF_NONE_MATCH, by_hash.headers()[ETAG].clone())]);
        assert_eq!(v3.version(PATH, Some(query), &known).status(), 304);
        assert_eq!(v3.version("apis/other.io/v1", None, &none).status(), 404);
    }

    #[test]
    fn only_json_is_spoken() {
        let v3 = V3::new(&catalog());
        for (accept, code) in [
            ("application/com.github.proto-openapi.spec.v3@v1.0+protobuf", 406),
            ("application/com.github.proto-openapi.spec.v3@v1.0+protobuf, application/json", 200),
            ("*/*", 200),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(v3.version(PATH, None, &headers).status(), code, "{accept}");
        }
    }

    #[test]
    fn documents_are_the_same_after_every_start() {
        let hashes =
            || V3::new(&catalog()).versions.values().map(|document| document.hash().to_owned()).collect::<Vec<_>>();
        assert_eq!(hashes(), hashes());
        assert_ne!(V3::new(&Catalog::new(&[])).index.hash(), V3::new(&catalog()).index.hash());
    }

    #[test]
    fn the_older_document_has_everything_too() {
        let documents = Documents::default();
        let document: Value = serde_json::from_slice(documents.v2(&catalog()).json()).unwrap();
        assert!(document["paths"]["/apis/example.io/v1/devices/{name}"]["patch"].is_object());
        assert!(document["definitions"]["io.k8s.api.core.v1.Namespace"].is_object());
        assert!(!document.to_string().contains("#/components/"));
    }
}
