//! What every request must pass before anything looks at it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Method, Request, Response};
use axum::response::IntoResponse as _;
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;
use tracing::{debug, error};

use super::Config;
use super::hosts::Hosts;
use super::peer::{self, Answer};
use super::query;
use super::status::Status;

/// What every request must pass before anything looks at it.
pub(super) struct Gate {
    router: Router,
    hosts: Hosts,
    max_url_bytes: usize,
    max_headers: usize,
    requests: Arc<Semaphore>,
    watches: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Gate {
    pub(super) fn new(router: Router, config: &Config, stopping: watch::Receiver<bool>) -> Self {
        Self {
            router,
            hosts: Hosts::new(config),
            max_url_bytes: config.max_url_bytes,
            max_headers: config.max_headers,
            requests: Arc::new(Semaphore::new(config.max_requests)),
            watches: Arc::new(Semaphore::new(config.max_watches)),
            stopping,
        }
    }

    /// Answers a request. The place that it takes among those under way is free when the peer has the answer.
    pub(super) async fn answer(&self, request: Request<Body>, under_way: peer::Request) -> Response<Body> {
        let start = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let is_watch = is_watch(&request);
        let (mut response, place) = match self.admit(&request, is_watch) {
            Ok(place) => (self.handle(request).await, place),
            Err(status) => (status.into_response(), None),
        };
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        debug!("{method} {path:?}: {} after {:?}", response.status().as_u16(), start.elapsed());
        let end = is_watch.then(|| stopped(self.stopping.clone()).boxed());
        response.map(|body| Body::new(Answer::new(body, under_way, place, end)))
    }

    fn admit(&self, request: &Request<Body>, is_watch: bool) -> Result<Option<OwnedSemaphorePermit>, Status> {
        let url_bytes = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
        if url_bytes > self.max_url_bytes {
            return Err(Status::url_too_long(self.max_url_bytes));
        }
        if request.headers().len() > self.max_headers {
            return Err(Status::too_many_headers(self.max_headers));
        }
        self.hosts.check(request)?;
        if is_health(request.uri().path()) {
            return Ok(None);
        }
        let places = if is_watch { &self.watches } else { &self.requests };
        Arc::clone(places).try_acquire_owned().map(Some).map_err(|_| Status::too_many_requests(is_watch))
    }

    async fn handle(&self, request: Request<Body>) -> Response<Body> {
        match AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(panic) => {
                error!("a request panicked: {}", message_of(&*panic));
                Status::internal("the server failed at this request; its log says why").into_response()
            }
        }
    }
}

/// Resolves when the server stops, or is gone.
pub(super) async fn stopped(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Whoever asks whether the server is well must be answered also when there is much to do.
fn is_health(path: &str) -> bool {
    ["/readyz", "/livez", "/healthz"].iter().any(|check| path.starts_with(check))
}

fn is_watch(request: &Request<Body>) -> bool {
    request.method() == Method::GET && query::is_watch(request.uri().query())
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use tokio::sync::Notify;

    use super::super::peer::Peer;
    use super::*;

    fn gate(router: Router, change: impl FnOnce(&mut Config)) -> (Arc<Gate>, watch::Sender<bool>) {
        let mut config = Config::new("127.0.0.1:0".parse().unwrap());
        change(&mut config);
        let (stop, stopping) = watch::channel(false);
        (Arc::new(Gate::new(router, &config, stopping)), stop)
    }

    async fn ask(gate: &Gate, path: &str) -> Response<Body> {
        let request = Request::builder().uri(path).header("host", "localhost").body(Body::empty()).unwrap();
        gate.answer(request, Peer::new().begin()).await
    }

    fn endless() -> Body {
        Body::new(http_body_util::StreamBody::new(futures_util::stream::pending::<
            Result<hyper::body::Frame<bytes::Bytes>, std::convert::Infallible>,
        >()))
    }

    #[allow(clippy::unused_async)]
    async fn panics() -> &'static str {
        panic!("as planned")
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_the_next_request_too() {
        let router = Router::new().route("/bad", get(panics)).route("/good", get(async || "well"));
        let (gate, _stop) = gate(router, |_| ());
        let failed = ask(&gate, "/bad").await;
        assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(failed.headers()["x-content-type-options"], "nosniff");
        assert_eq!(failed.headers()["cache-control"], "no-cache, private");
        let body = failed.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("InternalError"));
        assert_eq!(ask(&gate, "/good").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn one_request_too_many_is_told_to_come_again_and_health_is_always_answered() {
        let wait = Arc::new(Notify::new());
        let waits = Arc::clone(&wait);
        let router = Router::new()
            .route("/slow", get(async move || waits.notified().await))
            .route("/readyz", get(async || "ok"));
        let (gate, _stop) = gate(router, |config| config.max_requests = 1);
        let mut slow = Box::pin(ask(&gate, "/slow"));
        assert!((&mut slow).now_or_never().is_none());
        let refused = ask(&gate, "/slow").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_eq!(ask(&gate, "/readyz").await.status(), StatusCode::OK);
        wait.notify_one();
        let answer = slow.await;
        // The place is free when the answer has been taken, not before.
        assert_eq!(ask(&gate, "/slow").await.status(), StatusCode::TOO_MANY_REQUESTS);
        drop(answer);
        wait.notify_one();
        assert_eq!(ask(&gate, "/slow").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn watches_are_counted_for_themselves_and_end_when_the_server_stops() {
        let (gate, stop) = gate(Router::new().route("/things", get(async || endless())), |config| {
            (config.max_watches, config.max_requests) = (1, 1);
        });
        let watch = ask(&gate, "/things?watch=true").await;
        assert_eq!(watch.status(), StatusCode::OK);
        assert_eq!(ask(&gate, "/things?watch=1").await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(ask(&gate, "/things").await.status(), StatusCode::OK);
        stop.send(true).unwrap();
        assert_eq!(watch.into_body().collect().await.unwrap().to_bytes().len(), 0);
        assert_eq!(ask(&gate, "/things?watch=1").await.status(), StatusCode::OK);
    }
}
