//! Who wrote what: a store that notes whose transactions it passes on, and an observer that is told what came of them.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use parking_lot::Mutex;

use super::around;
use super::log::Log;
use super::record::Write;
use crate::client::{ObjectChange, Observer, title_of};
use crate::store::{Entry, Key, Limits, ListPage, MemoryStore, Page, Revision, Store, StoreError, Transaction, Watch};

/// Passes everything on to a store, and notes which run each revision is from.
pub(super) struct Recorder {
    store: MemoryStore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    latest: Revision,
    /// The revisions whose changes were not told of yet, with whose they are. Those of nobody are left out.
    authors: Vec<(Revision, Arc<str>)>,
    /// Whose transaction it was whose answer got lost.
    lost: Option<Arc<str>>,
}

impl Recorder {
    pub(super) fn new(store: MemoryStore) -> Self {
        Self { store, state: Mutex::default() }
    }

    /// The revision of the last transaction.
    pub(super) fn latest(&self) -> Revision {
        self.state.lock().latest
    }

    fn note(&self, answer: &Result<Revision, StoreError>) {
        let author = around::current();
        let mut state = self.state.lock();
        match answer {
            Ok(revision) => {
                state.latest = state.latest.max(*revision);
                state.authors.extend(author.map(|author| (*revision, author)));
            }
            // What comes next without an author may be this.
            Err(StoreError::Unknown) => state.lost = author,
            Err(_) => {}
        }
    }

    fn author(&self, revision: Revision) -> Option<Arc<str>> {
        let mut state = self.state.lock();
        let found = state.authors.iter().find(|(of, _)| *of == revision).map(|(_, author)| Arc::clone(author));
        // Changes are told of in the order of their revisions. One revision may be several changes.
        state.authors.retain(|(of, _)| *of >= revision);
        found.or_else(|| if revision > state.latest { state.lost.take() } else { None })
    }
}

impl Store for Recorder {
    fn txn(&self, txn: Transaction) -> BoxFuture<'_, Result<Revision, StoreError>> {
        async move {
            let answer = self.store.txn(txn).await;
            self.note(&answer);
            answer
        }
        .boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a Key,
        at_least: Option<Revision>,
    ) -> BoxFuture<'a, Result<(Option<Entry>, Revision), StoreError>> {
        self.store.get(key, at_least)
    }

    fn list<'a>(&'a self, prefix: &'a Key, page: Page) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        self.store.list(prefix, page)
    }

    fn watch<'a>(&'a self, prefix: &'a Key, after: Revision) -> BoxFuture<'a, Result<Watch, StoreError>> {
        self.store.watch(prefix, after)
    }

    fn revision(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.store.revision()
    }

    fn limits(&self) -> Limits {
        self.store.limits()
    }
}

/// Writes down every change, before anybody is woken by it.
pub(super) struct Scribe {
    pub(super) log: Arc<Log>,
    pub(super) recorder: Arc<Recorder>,
}

impl Observer for Scribe {
    fn changed(&self, change: &ObjectChange) {
        let Some(object) = change.new.as_ref().or(change.old.as_ref()) else { return };
        let metadata = object.metadata(&change.key.uid);
        let title = title_of(change.key.kind.kind, &metadata.namespace, &metadata);
        let by = self.recorder.author(change.revision);
        self.log.wrote(Write::new(self.log.elapsed(), change, title.into(), by));
    }
}
