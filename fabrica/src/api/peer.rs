//! What a connection has under way.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// How much of an answer is handed over at once. The rest stays where it is counted until the peer has taken this.
const PIECE: usize = 64 << 10;

/// What a connection has under way.
pub(super) struct Peer(Mutex<UnderWay>);

struct UnderWay {
    /// For each request: since when its answer waits for the peer to take what it was given; `None` while the server works.
    requests: HashMap<u64, Option<Instant>>,
    next: u64,
    /// When the last request ended.
    idle_since: Instant,
}

impl Peer {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(UnderWay { requests: HashMap::new(), next: 0, idle_since: Instant::now() })))
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Request {
        let mut under_way = self.0.lock();
        let id = under_way.next;
        under_way.next += 1;
        under_way.requests.insert(id, None);
        Request { peer: Arc::clone(self), id }
    }

    /// Is there an answer of which the peer has taken nothing for so long?
    pub(super) fn has_stalled(&self, limit: Duration) -> bool {
        self.0.lock().requests.values().flatten().any(|since| since.elapsed() >= limit)
    }

    /// Was there nothing to do for so long?
    pub(super) fn is_idle(&self, limit: Duration) -> bool {
        let under_way = self.0.lock();
        under_way.requests.is_empty() && under_way.idle_since.elapsed() >= limit
    }
}

/// A request of a connection, until its answer has been handed over or given up.
pub(super) struct Request {
    peer: Arc<Peer>,
    id: u64,
}

impl Request {
    fn waits_for_peer(&self, waits: bool) {
        self.peer.0.lock().requests.insert(self.id, waits.then(Instant::now));
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut under_way = self.peer.0.lock();
        under_way.requests.remove(&self.id);
        under_way.idle_since = Instant::now();
    }
}

/// The body of an answer, in small pieces. It holds the request's place among those under way until it has been taken.
pub(super) struct Answer {
    pub(super) body: Body,
    /// What is left of a larger piece.
    rest: Bytes,
    request: Request,
    /// `None` for a request that is not counted.
    _place: Option<OwnedSemaphorePermit>,
    /// Ends the body early, between two pieces that the handler made.
    end: Option<BoxFuture<'static, ()>>,
    is_over: bool,
}

impl Answer {
    pub(super) fn new(
        body: Body,
        request: Request,
        place: Option<OwnedSemaphorePermit>,
        end: Option<BoxFuture<'static, ()>>,
    ) -> Self {
        Self { body, rest: Bytes::new(), request, _place: place, end, is_over: false }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            if self.is_over {
                return Poll::Ready(None);
            }
            self.request.waits_for_peer(false);
            if let Some(end) = &mut self.end
                && end.as_mut().poll(cx).is_ready()
            {
                self.is_over = true;
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => {
                    self.is_over = true;
                    return Poll::Ready(other);
                }
            }
        }
        let len = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(len);
        self.request.waits_for_peer(true);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && (self.is_over || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if self.end.is_some() {
            return SizeHint::default();
        }
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole
    }
}
