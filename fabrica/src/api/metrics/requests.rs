//! What is counted of requests.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::subject::Subject;
use super::text::{Form, Label, Text};
use crate::api::app::Api;
use crate::queue::Histogram;

/// Those of Kubernetes' API server.
const BOUNDS: &[Duration] = &[
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(600),
    Duration::from_millis(800),
    Duration::from_secs(1),
    Duration::from_millis(1250),
    Duration::from_millis(1500),
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(4),
    Duration::from_secs(5),
    Duration::from_secs(6),
    Duration::from_secs(8),
    Duration::from_secs(10),
    Duration::from_secs(15),
    Duration::from_secs(20),
    Duration::from_secs(30),
    Duration::from_secs(45),
    Duration::from_mins(1),
];

/// Counts the requests of a server, by what they are about.
#[derive(Debug, Default)]
pub(in crate::api) struct Requests(RwLock<BTreeMap<Subject, Arc<Series>>>);

/// The requests about one thing.
#[derive(Debug)]
struct Series {
    under_way: AtomicUsize,
    by_code: Mutex<BTreeMap<u16, u64>>,
    duration: Histogram,
}

/// A request under way; it has ended when this is dropped.
#[derive(Debug)]
struct UnderWay {
    series: Arc<Series>,
    start: Instant,
    answered: Option<StatusCode>,
}

/// The middleware that counts every request. One ends when the last of its answer was taken; so does a watch.
pub(in crate::api) async fn count(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let subject = Subject::of(&api.catalog, request.method(), request.uri(), request.headers());
    let mut under_way = api.requests.begin(subject);
    let response = next.run(request).await;
    under_way.answered = Some(response.status());
    response.map(|body| Body::new(Counted { body, _under_way: under_way }))
}

impl Requests {
    fn begin(&self, subject: Subject) -> UnderWay {
        let known = self.0.read().get(&subject).cloned();
        let series = known.unwrap_or_else(|| Arc::clone(self.0.write().entry(subject).or_default()));
        series.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay { series, start: Instant::now(), answered: None }
    }

    pub(super) fn describe(&self, text: &mut Text) {
        let all = self.0.read();
        let help = "Counter of apiserver requests broken out for each verb, group, version, resource, subresource and \
            HTTP response code.";
        let mut total = text.family("apiserver_request_total", Form::Counter, help);
        for (subject, series) in &*all {
            for (code, count) in &*series.by_code.lock() {
                let [verb, group, version, resource, subresource] = labels(subject);
                total.sample(&[verb, group, version, resource, subresource, ("code", &code.to_string())], count);
            }
        }
        let help = "Response latency distribution in seconds for each verb, group, version, resource and subresource.";
        let mut duration = text.family("apiserver_request_duration_seconds", Form::Histogram, help);
        for (subject, series) in &*all {
            let seen = series.duration.snapshot();
            if seen.count() > 0 {
                duration.histogram(&labels(subject), &seen);
            }
        }
        let under_way = |series: &Series| series.under_way.load(Ordering::Relaxed);
        let help = "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource and \
            subresource.";
        let mut long = text.family("apiserver_longrunning_requests", Form::Gauge, help);
        for (subject, series) in all.iter().filter(|(subject, _)| subject.is_long_running()) {
            long.sample(&labels(subject), under_way(series));
        }
        let help = "Number of requests under way, long-running ones left out, by request kind.";
        let mut inflight = text.family("apiserver_current_inflight_requests", Form::Gauge, help);
        for (kind, mutating) in [("mutating", true), ("readOnly", false)] {
            let is_it = |subject: &Subject| !subject.is_long_running() && subject.is_mutating() == mutating;
            let number: usize =
                all.iter().filter(|(subject, _)| is_it(subject)).map(|(_, series)| under_way(series)).sum();
            inflight.sample(&[("request_kind", kind)], number);
        }
    }
}

fn labels(subject: &Subject) -> [Label<'static>; 5] {
    [
        ("verb", subject.verb),
        ("group", subject.group),
        ("version", subject.version),
        ("resource", subject.resource),
        ("subresource", subject.subresource),
    ]
}

impl Default for Series {
    fn default() -> Self {
        let (under_way, by_code) = Default::default();
        Self { under_way, by_code, duration: Histogram::new(BOUNDS) }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.series.under_way.fetch_sub(1, Ordering::Relaxed);
        // Without an answer its client went away before there was one.
        if let Some(code) = self.answered {
            *self.series.by_code.lock().entry(code.as_u16()).or_default() += 1;
            self.series.duration.observe(self.start.elapsed());
        }
    }
}

/// The body of an answer, and the request that ends with it.
struct Counted {
    body: Body,
    _under_way: UnderWay,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::catalog::Catalog;
    use axum::http::{HeaderMap, Method};

    fn subject(method: &Method, uri: &str) -> Subject {
        Subject::of(&Catalog::new(&[]), method, &uri.parse().unwrap(), &HeaderMap::new())
    }

    fn described(requests: &Requests) -> String {
        let mut text = Text::default();
        requests.describe(&mut text);
        text.into_string()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_counts_when_it_has_ended_and_is_under_way_until_then() {
        let requests = Requests::default();
        let mut list = requests.begin(subject(&Method::GET, "/api/v1/services"));
        let watch = requests.begin(subject(&Method::GET, "/api/v1/services?watch=true"));
        let create = requests.begin(subject(&Method::POST, "/api/v1/services"));
        let text = described(&requests);
        for line in [
            "apiserver_current_inflight_requests{request_kind=\"mutating\"} 1\n",
            "apiserver_current_inflight_requests{request_kind=\"readOnly\"} 1\n",
            "apiserver_longrunning_requests{verb=\"WATCH\",group=\"\",version=\"v1\",resource=\"services\",subresource=\"\"} 1\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert!(!text.contains("apiserver_request_total"), "{text}");
        tokio::time::advance(Duration::from_secs(2)).await;
        list.answered = Some(StatusCode::OK);
        drop((list, watch, create));
        let text = described(&requests);
        let labels = "verb=\"LIST\",group=\"\",version=\"v1\",resource=\"services\",subresource=\"\"";
        for line in [
            format!("apiserver_request_total{{{labels},code=\"200\"}} 1\n"),
            format!("apiserver_request_duration_seconds_bucket{{{labels},le=\"1.5\"}} 0\n"),
            format!("apiserver_request_duration_seconds_bucket{{{labels},le=\"2\"}} 1\n"),
            format!("apiserver_request_duration_seconds_sum{{{labels}}} 2\n"),
            "apiserver_current_inflight_requests{request_kind=\"readOnly\"} 0\n".to_owned(),
        ] {
            assert!(text.contains(&line), "{line} is not in {text}");
        }
        assert!(!text.contains("POST"), "its client went away: {text}");
    }
}
