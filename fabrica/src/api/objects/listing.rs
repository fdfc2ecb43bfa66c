//! The bodies of lists.

use std::convert::Infallible;
use std::vec::IntoIter;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use crate::api::catalog::Served;
use crate::api::reply;
use crate::client::CachedObject;

/// About how much of a list is written out at once.
const PIECE: usize = 64 << 10;

/// What is beyond that most often: a part of the last object.
const ROOM: usize = 8 << 10;

/// Of so few objects it is not known before that they fill a piece.
const SMALL: usize = 32;

/// A list that is written out piece by piece, as its reader takes it. It holds its objects as they were, and never the whole
/// document.
pub(super) struct Listing {
    served: Served,
    /// What stands before the objects, until it is written.
    head: String,
    objects: IntoIter<CachedObject>,
    is_over: bool,
}

impl Listing {
    /// `head` is the document up to its first object.
    pub(super) fn new(served: Served, head: String, objects: Vec<CachedObject>) -> Self {
        Self { served, head, objects: objects.into_iter(), is_over: false }
    }

    /// The answer. It has a length if it is one piece.
    pub(super) fn into_response(mut self) -> Response {
        let first = self.next().unwrap_or_default();
        if self.is_over {
            return reply::raw_json(StatusCode::OK, first);
        }
        let pieces = std::iter::once(first).chain(self).map(Ok::<_, Infallible>);
        reply::raw_json(StatusCode::OK, Body::from_stream(stream::iter(pieces)))
    }
}

impl Iterator for Listing {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let mut json = Vec::with_capacity(if self.objects.len() > SMALL { PIECE + ROOM } else { 0 });
        let mut is_first = !self.head.is_empty();
        json.extend_from_slice(std::mem::take(&mut self.head).as_bytes());
        for object in self.objects.by_ref() {
            if !std::mem::take(&mut is_first) {
                json.push(b',');
            }
            json.extend_from_slice(&self.served.shown(object.json()));
            if json.len() >= PIECE {
                break;
            }
        }
        if self.objects.len() == 0 {
            json.extend_from_slice(b"]}");
            self.is_over = true;
        }
        Some(json.into())
    }
}
