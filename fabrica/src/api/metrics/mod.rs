//! `/metrics`: what can be counted, in the text format of Prometheus.
//!
//! Names and meanings are those of Kubernetes' API server, of client-go's work queue and of controller-runtime, so that
//! dashboards and alerts that are made for them work here. No label takes a value that a client makes up: what is not
//! served counts as `unknown`.

mod controllers;
mod process;
mod requests;
mod subject;
mod text;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;

pub(super) use requests::{Requests, count};

use super::app::Api;
use super::catalog::{Backing, Catalog};
use super::recorder::RecorderCounts;
use super::reply;
use crate::client::Client;
use text::{Form, Text};

/// The format that everything that reads metrics understands.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics`.
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let mut text = Text::default();
    api.requests.describe(&mut text);
    storage(&api.client, &api.catalog, &mut text);
    controllers::describe(&api.stats.read(), &mut text);
    recorded(&api.recorder.read(), &mut text);
    process::describe(&mut text);
    let mut response = reply::text(StatusCode::OK, text.into_string());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT_FORMAT));
    response
}

fn recorded(counts: &RecorderCounts, text: &mut Text) {
    let help = "What became of the events about objects: those written, dropped because of too many about one object, lost \
        because of too many in all, not taken by the store, and expired.";
    let mut events = text.family("fabrica_recorded_events_total", Form::Counter, help);
    let RecorderCounts { written, dropped, lost, failed, expired } = *counts;
    for (outcome, count) in
        [("written", written), ("dropped", dropped), ("lost", lost), ("failed", failed), ("expired", expired)]
    {
        events.sample(&[("outcome", outcome)], count);
    }
}

fn storage(client: &Client, catalog: &Catalog, text: &mut Text) {
    let help = "Number of stored objects split by kind.";
    let mut objects = text.family("apiserver_storage_objects", Form::Gauge, help);
    for served in catalog.all() {
        if let Backing::Kind(type_) = served.backing {
            objects.sample(&[("resource", &served.resource())], client.count(type_.group_kind()));
        }
    }
    let help = "The newest revision of the store that was seen.";
    text.family("fabrica_store_revision", Form::Gauge, help).sample(&[], client.seen().get());
}
