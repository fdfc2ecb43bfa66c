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

/// A document without a hash in its address may be another one after the program's next start.
const ASK_AGAIN: &str = "no-cache, private";
/// An address with a hash names these bytes and no others.
const FOR_EVER: &str = "public, immutable, max-age=31536000";

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
    let Some(document) = api.documents.v3(&api.catalog).versions.get(&path) else { return reply::no_such_path() };
    if let Err(refusal) = takes_json(&headers) {
        return refusal;
    }
    let query = query.unwrap_or_default();
    let wanted = form_urlencoded::parse(query.as_bytes()).find(|(key, hash)| key == "hash" && !hash.is_empty());
    match wanted {
        None => document.reply(&headers, ASK_AGAIN),
        Some((_, hash)) if hash == document.hash() => document.reply(&headers, FOR_EVER),
        Some(_) => moved(&address(&path, document)),
    }
}

/// `/openapi/v2`.
pub(super) async fn v2(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    match takes_json(&headers) {
        Ok(()) => api.documents.v2(&api.catalog).reply(&headers, ASK_AGAIN),
        Err(refusal) => refusal,
    }
}

#[allow(clippy::result_large_err)] // the refusal is an answer
fn takes_json(headers: &HeaderMap) -> Result<(), Response> {
    negotiate::choose(headers, |range| range.takes_json().then_some(())).map_err(IntoResponse::into_response)
}

fn moved(address: &str) -> Response {
    let mut response = reply::text(StatusCode::MOVED_PERMANENTLY, address.to_owned());
    // A group is a DNS name, a version a word, a hash hexadecimal.
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(LOCATION, address);
    }
    response
}
