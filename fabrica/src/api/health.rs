//! Who answers, and whether it is well.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::app::Api;
use super::reply;

/// The version of the Kubernetes API that is spoken.
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

/// `/healthz`, `/livez`: does the server answer?
pub(super) async fn live() -> Response {
    reply::text(StatusCode::OK, "ok")
}

/// `/readyz`.
pub(super) async fn ready(State(_): State<Arc<Api>>) -> Response {
    reply::text(StatusCode::OK, "ok")
}
