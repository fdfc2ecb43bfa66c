//! The stream of a watch.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use tokio::time::{Instant, sleep_until};

use super::frame::{Frames, Kind};
use crate::Result;
use crate::api::app::Api;
use crate::client::{CachedObject, Follow, Followed, HistoryChange, Selection};
use crate::store::Revision;

/// How often a reader that wants bookmarks gets one.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// About how much is handed to the connection at once.
const CHUNK: usize = 64 << 10;

/// How long a watch lasts, and what comes while nothing happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) duration: Duration,
    pub(super) bookmarks: bool,
}

/// What a watch reads from.
pub(super) enum Source {
    /// A resource without objects: nothing ever happens.
    Nothing { says_when_done: bool },
    Kind {
        /// What exists, and was not shown yet.
        existing: std::vec::IntoIter<CachedObject>,
        /// Does a bookmark follow what exists?
        says_when_done: bool,
        follow: Box<Follow>,
        selection: Selection,
    },
}

/// A watch under way. It holds a place in the history and no queue: a reader that doesn't read costs no more.
pub(super) struct Watching {
    api: Arc<Api>,
    source: Source,
    frames: Frames,
    ends: Instant,
    next_bookmark: Option<Instant>,
    ended: bool,
}

/// What happens next.
enum Next {
    Followed(Option<Followed>),
    Bookmark,
    End,
}

impl Watching {
    pub(super) fn new(api: &Arc<Api>, source: Source, frames: Frames, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            api: Arc::clone(api),
            source,
            frames,
            ends: now + limits.duration,
            next_bookmark: limits.bookmarks.then(|| now + BOOKMARKS),
            ended: false,
        }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send {
        stream::unfold(self, async |mut watching| {
            let chunk = watching.chunk().await?;
            Some((Ok(chunk), watching))
        })
    }

    /// What is to be sent next; `None` at the end.
    async fn chunk(&mut self) -> Option<Bytes> {
        if let Some(chunk) = self.existing() {
            return Some(chunk);
        }
        loop {
            if self.ended {
                return None;
            }
            match self.next().await {
                Next::End => return None,
                Next::Bookmark => {
                    self.next_bookmark = Some(Instant::now() + BOOKMARKS);
                    return Some(self.frames.bookmark(self.position(), false));
                }
                Next::Followed(None) => self.ended = true,
                Next::Followed(Some(Followed::Expired)) => {
                    self.ended = true;
                    return Some(Frames::expired());
                }
                Next::Followed(Some(Followed::Changes(changes))) => {
                    let mut chunk = BytesMut::new();
                    for change in &changes {
                        self.show(change, &mut chunk);
                    }
                    if !chunk.is_empty() {
                        return Some(chunk.freeze());
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Next {
        let bookmark = self.next_bookmark.unwrap_or(self.ends);
        let followed = async {
            match &mut self.source {
                Source::Kind { follow, .. } => follow.next().await,
                Source::Nothing { .. } => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = sleep_until(self.ends) => Next::End,
            followed = followed => Next::Followed(followed),
            () = sleep_until(bookmark), if self.next_bookmark.is_some() => Next::Bookmark,
        }
    }

    /// What exists and was not shown yet.
    fn existing(&mut self) -> Option<Bytes> {
        let position = self.position();
        let mut chunk = BytesMut::new();
        let says_when_done = match &mut self.source {
            Source::Nothing { says_when_done } => says_when_done,
            Source::Kind { existing, says_when_done, .. } => {
                while chunk.len() < CHUNK
                    && let Some(object) = existing.next()
                {
                    self.frames.object(Kind::Added, &object, None, &mut chunk);
                }
                if existing.len() > 0 {
                    return Some(chunk.freeze());
                }
                says_when_done
            }
        };
        if std::mem::take(says_when_done) {
            chunk.extend_from_slice(&self.frames.bookmark(position, true));
        }
        (!chunk.is_empty()).then(|| chunk.freeze())
    }

    /// Everything up to here was shown.
    fn position(&self) -> Revision {
        match &self.source {
            Source::Kind { follow, .. } => follow.position(),
            Source::Nothing { .. } => self.api.client.seen(),
        }
    }

    /// Shows a change, if it is one of what is selected. What leaves the selection is gone for this reader, what enters it
    /// is new.
    fn show(&mut self, change: &HistoryChange, chunk: &mut BytesMut) {
        let Source::Kind { selection, .. } = &self.source else { return };
        let selected =
            |object: &Option<CachedObject>| object.as_ref().is_some_and(|object| selection.matches_any(object));
        match (&change.old, selected(&change.old), &change.new, selected(&change.new)) {
            (_, true, Some(new), true) => self.frames.change(Kind::Modified, change, new, None, chunk),
            (_, false, Some(new), true) => self.frames.change(Kind::Added, change, new, None, chunk),
            (Some(old), true, ..) => self.frames.change(Kind::Deleted, change, old, Some(change.revision), chunk),
            _ => {}
        }
    }
}
