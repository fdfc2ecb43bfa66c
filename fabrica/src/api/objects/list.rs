//! `GET` of all objects of a resource.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Call;
use crate::api::catalog::Backing;
use crate::api::reply;
use crate::api::status::Status;
use crate::client::ListOptions;

/// The objects that are selected.
pub(in crate::api) async fn list(call: &Call<'_>) -> Result<Response, Status> {
    let namespace = Some(call.target.namespace.to_string()).filter(|namespace| !namespace.is_empty());
    let (items, version): (Vec<Value>, _) = match call.served.backing {
        Backing::Nothing => (Vec::new(), call.api.client.seen().get()),
        Backing::Kind(type_) => {
            let options = ListOptions { namespace, ..ListOptions::default() };
            let list = call.api.client.list_objects(type_, options).map_err(|error| call.failed(&error, ""))?;
            let items = list.items.iter().filter_map(|object| object.to_value().ok()).collect();
            (items, list.resource_version.get())
        }
    };
    let list = json!({
        "kind": format!("{}List", call.served.kind),
        "apiVersion": call.served.api_version(),
        "metadata": { "resourceVersion": version.to_string() },
        "items": items,
    });
    Ok(reply::json(StatusCode::OK, &list))
}
