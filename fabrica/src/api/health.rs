//! Who answers, and whether it is well.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::app::Api;
use super::reply;
use crate::Result;

/// The version of the Kubernetes API that is spoken: the one whose behaviour was compared. `kubectl version` warns of a
/// difference of more than one minor version, which no single answer avoids for all that work; no other command looks at it.
const MAJOR: &str = "1";
const MINOR: &str = "36";

/// `/version`.
pub(super) async fn version() -> Response {
    reply::json(
        StatusCode::OK,
        &json!({
            "major": MAJOR,
            "minor": MINOR,
            "gitVersion": format!("v{MAJOR}.{MINOR}.0+fabrica-{}", env!("CARGO_PKG_VERSION")),
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "rustc",
            "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        }),
    )
}

pub(super) fn router() -> Router<Arc<Api>> {
    Router::new()
        .route("/healthz", get(healthy))
        .route("/healthz/{check}", get(one_healthy))
        .route("/livez", get(live))
        .route("/livez/{check}", get(one_live))
        .route("/readyz", get(ready))
        .route("/readyz/{check}", get(one_ready))
}

/// Something that must be well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// The server answers.
    Ping,
    /// The store answers.
    Store,
    /// The cache shows what the store has.
    Cache,
    /// The controller is at work.
    Controller,
    /// The server does not stop.
    Shutdown,
}

impl Check {
    const LIVE: &[Self] = &[Self::Ping];
    const HEALTHY: &[Self] = &[Self::Ping, Self::Store, Self::Cache, Self::Controller];
    const READY: &[Self] = &[Self::Ping, Self::Store, Self::Cache, Self::Controller, Self::Shutdown];

    fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Store => "store",
            Self::Cache => "cache",
            Self::Controller => "controller",
            Self::Shutdown => "shutdown",
        }
    }

    async fn is_well(self, api: &Api) -> bool {
        match self {
            Self::Ping => true,
            Self::Store => in_time(api.client.store_revision()).await,
            Self::Cache => in_time(api.client.catch_up("the store")).await,
            Self::Controller => api.started.load(Ordering::Acquire),
            Self::Shutdown => !*api.stopping.borrow(),
        }
    }
}

/// How long the store may take to answer.
const STORE_DEADLINE: Duration = Duration::from_secs(1);

async fn in_time<T>(answer: impl Future<Output = Result<T>>) -> bool {
    matches!(tokio::time::timeout(STORE_DEADLINE, answer).await, Ok(Ok(_)))
}

/// `/livez`: does the server answer?
async fn live(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Response {
    all("livez", Check::LIVE, &api, query).await
}

/// `/healthz`, the elder of `/readyz`: is everything at work, if perhaps for the last time?
async fn healthy(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Response {
    all("healthz", Check::HEALTHY, &api, query).await
}

/// `/readyz`: is everything at work, and stays so?
async fn ready(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Response {
    all("readyz", Check::READY, &api, query).await
}

async fn one_live(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Response {
    one(Check::LIVE, &name, &api).await
}

async fn one_healthy(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Response {
    one(Check::HEALTHY, &name, &api).await
}

async fn one_ready(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Response {
    one(Check::READY, &name, &api).await
}

async fn one(checks: &[Check], name: &str, api: &Api) -> Response {
    match checks.iter().find(|check| check.name() == name) {
        None => reply::no_such_path(),
        Some(check) if check.is_well(api).await => reply::text(StatusCode::OK, "ok"),
        Some(_) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, format!("internal server error: {name} failed\n")),
    }
}

/// The list is printed if it was asked for, or if something is not well.
async fn all(path: &str, checks: &[Check], api: &Api, query: Option<String>) -> Response {
    let query = query.unwrap_or_default();
    let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let is_verbose = parameters.iter().any(|(key, _)| key == "verbose");
    let excluded = |check: &Check| parameters.iter().any(|(key, name)| key == "exclude" && name == check.name());
    let (mut list, mut is_well) = (Vec::new(), true);
    for check in checks {
        let name = check.name();
        if excluded(check) {
            list.push(format!("[+]{name} excluded: ok\n"));
        } else if check.is_well(api).await {
            list.push(format!("[+]{name} ok\n"));
        } else {
            list.push(format!("[-]{name} failed\n"));
            is_well = false;
        }
    }
    for (_, name) in parameters.iter().filter(|(key, _)| key == "exclude") {
        if !checks.iter().any(|check| check.name() == name) {
            list.push(format!("warn: some health checks cannot be excluded: no matches for {name:?}\n"));
        }
    }
    let list = list.concat();
    match (is_well, is_verbose) {
        (true, false) => reply::text(StatusCode::OK, "ok"),
        (true, true) => reply::text(StatusCode::OK, format!("{list}{path} check passed\n")),
        (false, _) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{list}{path} check failed\n")),
    }
}
