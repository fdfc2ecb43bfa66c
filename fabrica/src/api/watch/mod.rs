//! Watches: what exists, and every change after that, for as long as the reader stays.

mod frame;
mod start;
mod stream;

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::Response;

use frame::Frames;
use start::Start;
use stream::{Limits, Source, Watching};

use super::objects::Call;
use super::status::Status;

/// How long a watch lasts that doesn't say so itself: a time between this and twice as much, so that not all of them end
/// at once. As in Kubernetes.
const DURATION: Duration = Duration::from_secs(1800);
/// The longest time that a watch lasts, whatever it asks for: the clock takes no time without end.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// Watches the objects that are selected.
pub(in crate::api) async fn watch(call: &Call<'_>) -> Result<Response, Status> {
    let start = Start::of(call)?;
    let frames = Frames::new(call, call.form);
    let limits = Limits {
        duration: call.query.timeout.filter(|timeout| !timeout.is_zero()).unwrap_or_else(some_duration).min(LONGEST),
        bookmarks: call.query.bookmarks,
    };
    let source = match call.served.type_() {
        Some(type_) => start.open(call, type_).await?,
        None => Source::Nothing { says_when_done: start.says_when_done() },
    };
    let body = Body::from_stream(Watching::new(call.api, source, frames, limits).into_stream());
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    Ok(response)
}

fn some_duration() -> Duration {
    let part = uuid::Uuid::now_v7().as_u64_pair().1 % 1000;
    DURATION + DURATION.mul_f64(f64::from(u32::try_from(part).unwrap_or_default()) / 1000.0)
}
