//! Which request goes where.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::sync::watch;

use super::catalog::Catalog;
use super::objects::{self, Call};
use super::query::Query;
use super::status::Status;
use super::target::Target;
use super::{Config, discovery, health, reply};
use crate::client::Client;
use crate::controller::Controller;

/// What every request may need.
pub(super) struct Api {
    pub(super) client: Client,
    pub(super) catalog: Catalog,
    pub(super) config: Config,
    /// Becomes true when the server stops.
    pub(super) stopping: watch::Receiver<bool>,
    /// Is the controller at work?
    pub(super) started: Arc<AtomicBool>,
}

impl Api {
    pub(super) fn new(controller: &Controller, config: Config, stopping: watch::Receiver<bool>) -> Self {
        let client = controller.client().clone();
        Self { catalog: Catalog::new(client.kinds()), client, config, stopping, started: controller.started() }
    }
}

pub(super) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/version", get(health::version))
        .route("/version/", get(health::version))
        .merge(health::router())
        .route("/api", get(discovery::core))
        .route("/apis", get(discovery::groups))
        .route("/api/", any(by_path))
        .route("/api/{*rest}", any(by_path))
        .route("/apis/", any(by_path))
        .route("/apis/{*rest}", any(by_path))
        .fallback(async || reply::no_such_path())
        .with_state(api)
}

/// What stands under `/api` and `/apis`.
async fn by_path(State(api): State<Arc<Api>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["api"] => discovery::core(State(api), request.headers().clone()).await,
        ["apis"] => discovery::groups(State(api), request.headers().clone()).await,
        ["apis", group] => discovery::group(&api, group),
        ["api", version] => discovery::version(&api, "", version),
        ["apis", group, version] => discovery::version(&api, group, version),
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
    let query = Query::parse(request.uri().query())?;
    let (parts, body) = request.into_parts();
    let call = Call { api, served, target: &target, query: &query, headers: &parts.headers };
    match (&parts.method, &target.name, target.subresource.as_deref()) {
        (&Method::GET, None, None) => objects::list(&call).await,
        (&Method::GET, Some(name), None) => objects::get(&call, name),
        (&Method::GET, Some(name), Some("status")) if served.has_status() => objects::get(&call, name),
        (_, Some(_), Some(sub)) if sub != "status" || !served.has_status() => Ok(reply::no_such_path()),
        _ => {
            drop(body);
            Err(Status::method_not_allowed())
        }
    }
}
