//! Which request goes where.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::sync::watch::Receiver;

use super::catalog::Catalog;
use super::delete_options::Deletion;
use super::metrics::{self, Requests};
use super::objects::{self, Call};
use super::query::Query;
use super::recorder::Counters;
use super::status::Status;
use super::target::Target;
use super::{Config, body, discovery, health, negotiate, openapi, reply, watch};
use crate::client::{Client, Part};
use crate::controller::{Controller, StatsReader};

/// How many changes of each kind watches and pages find in memory; older ones are read from the store.
const HISTORY: usize = 2048;

/// What every request may need.
pub(super) struct Api {
    pub(super) client: Client,
    pub(super) catalog: Catalog,
    pub(super) config: Config,
    pub(super) requests: Requests,
    pub(super) stats: StatsReader,
    pub(super) recorder: Arc<Counters>,
    pub(super) documents: openapi::Documents,
    /// Becomes true when the server stops.
    pub(super) stopping: Receiver<bool>,
    /// Is the controller at work?
    pub(super) started: Arc<AtomicBool>,
}

impl Api {
    pub(super) fn new(
        controller: &Controller,
        config: Config,
        recorder: Arc<Counters>,
        stopping: Receiver<bool>,
    ) -> Self {
        let client = controller.client().clone();
        client.keep_history(HISTORY);
        Self {
            catalog: Catalog::new(client.kinds()),
            client,
            config,
            documents: openapi::Documents::default(),
            requests: Requests::default(),
            stats: controller.stats_reader(),
            recorder,
            stopping,
            started: controller.started(),
        }
    }
}

pub(super) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/version", get(health::version))
        .route("/version/", get(health::version))
        .merge(health::router())
        .route("/openapi/v2", get(openapi::v2))
        .route("/openapi/v3", get(openapi::index))
        .route("/openapi/v3/{*path}", get(openapi::version))
        .route("/metrics", get(metrics::metrics))
        .route("/api", get(discovery::core))
        .route("/apis", get(discovery::groups))
        .route("/api/", any(by_path))
        .route("/api/{*rest}", any(by_path))
        .route("/apis/", any(by_path))
        .route("/apis/{*rest}", any(by_path))
        .fallback(async || reply::no_such_path())
        .layer(from_fn_with_state(Arc::clone(&api), metrics::count))
        .with_state(api)
}

/// What stands under `/api` and `/apis`.
async fn by_path(State(api): State<Arc<Api>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match segments.as_slice() {
        ["api" | "apis"] | ["api" | "apis", _] | ["apis", _, _] if !is_read => {
            Status::method_not_allowed().into_response()
        }
        // The core group stands under `/api` only.
        ["apis", "", ..] => reply::no_such_path(),
        ["api"] => discovery::core(State(api), request.headers().clone()).await,
        ["apis"] => discovery::groups(State(api), request.headers().clone()).await,
        ["apis", group] => discovery::group(&api, group, request.headers()),
        ["api", version] => discovery::version(&api, "", version, request.headers()),
        ["apis", group, version] => discovery::version(&api, group, version, request.headers()),
        _ => match resource(&api, &path, request).await {
            Ok(response) => response,
            Err(status) => status.into_response(),
        },
    }
}

async fn resource(api: &Arc<Api>, path: &str, request: Request) -> Result<Response, Status> {
    let Some(target) = Target::parse(path) else { return Ok(reply::no_such_path()) };
    let Some(served) = api.catalog.find(&target.group, &target.version, &target.plural) else {
        return Ok(reply::no_such_path());
    };
    // What lives in no namespace has no path in one.
    if !served.namespaced && !target.namespace.is_empty() {
        return Ok(reply::no_such_path());
    }
    let name = target.name.as_deref();
    let part = match target.subresource.as_deref() {
        None => Part::Main,
        Some("status") if served.has_status() => Part::Status,
        Some(_) => return Ok(reply::no_such_path()),
    };
    let (parts, body) = request.into_parts();
    let method = if parts.method == Method::HEAD { Method::GET } else { parts.method };
    // Only a list is about all namespaces.
    if served.namespaced && target.namespace.is_empty() && (name.is_some() || method != Method::GET) {
        return Ok(reply::no_such_path());
    }
    let query = Query::parse(parts.uri.query())?;
    let form = negotiate::form(&parts.headers)?;
    let call = Call { api, served, target: &target, query: &query, headers: &parts.headers, form };
    if method != Method::GET {
        call.type_()?;
    }
    let read = body::read(body, &api.config);
    match (&method, name, part) {
        (&Method::GET, None, _) if query.watch => watch::watch(&call).await,
        (&Method::GET, None, _) => objects::list(&call).await,
        (&Method::GET, Some(name), _) => objects::get(&call, name).await,
        (&Method::POST, None, _) => objects::create(&call, body::object(&parts.headers, &read.await?)?).await,
        (&Method::PUT, Some(name), _) => {
            objects::update(&call, name, part, body::object(&parts.headers, &read.await?)?).await
        }
        (&Method::PATCH, Some(name), _) => objects::patch(&call, name, part, &read.await?).await,
        (&Method::DELETE, _, Part::Main) => {
            let body = read.await?;
            let options = if body.is_empty() { None } else { Some(body::object(&parts.headers, &body)?.value) };
            let deletion = Deletion::read(options, &query)?;
            match name {
                Some(name) => objects::delete(&call, name, &deletion).await,
                None => objects::delete_collection(&call, &deletion).await,
            }
        }
        _ => Err(Status::method_not_allowed()),
    }
}
