//! Lists of one exact revision, and followers that miss nothing: against a model of what the store did.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use proptest::prelude::*;

use super::sample::{Device, device};
use super::*;
use crate::ErrorKind;
use crate::event::EventBus;
use crate::resource::{FieldSelector, LabelSelector, Namespace, Resource};
use crate::store::{Key, MemoryStore, Revision, Store, StoreError, Transaction};

mod scenes;

async fn start(store: &MemoryStore) -> Client {
    Client::start(Arc::new(store.clone()), vec![Device::TYPE], EventBus::new(), ClientSettings::default())
        .await
        .unwrap()
}

/// An object as the model knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    uid: String,
    modified: u64,
    label: &'static str,
    rack: Option<&'static str>,
}

/// The objects in the order of a list.
type State = BTreeMap<(&'static str, String), Known>;
/// The uid, and the versions before and after.
type Did = (String, Option<u64>, Option<u64>);

/// What every revision was, and what it did to devices.
#[derive(Default)]
struct Model {
    states: BTreeMap<u64, State>,
    changes: BTreeMap<u64, Vec<Did>>,
}

impl Model {
    fn state(&self, revision: Revision) -> State {
        self.states.range(..=revision.get()).next_back().map(|(_, state)| state.clone()).unwrap_or_default()
    }

    fn changes_between(&self, after: Revision, upto: Revision) -> Vec<(u64, Vec<Did>)> {
        let between = (Bound::Excluded(after.get()), Bound::Included(upto.get()));
        self.changes.range(between).map(|(revision, did)| (*revision, did.clone())).collect()
    }
}

/// What a step writes to an object; `None` deletes it.
#[derive(Clone, Copy, Debug)]
struct Write {
    uid: u8,
    to: Option<(u8, &'static str, Option<&'static str>)>,
}

#[derive(Clone, Debug)]
enum Step {
    /// One transaction.
    Write(Vec<Write>),
    /// A write that is no device's.
    Other,
    /// Lets the client catch up.
    Wait,
    /// The client lists everything again.
    Gap,
    /// Begins to follow, so many revisions back; read now and then, or only in the end.
    Follow(u64, bool),
    /// Looks at a part of the list, so many revisions back.
    List(u64, Asked),
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    namespace: Option<&'static str>,
    labels: &'static str,
    fields: &'static str,
    limit: usize,
}

impl Asked {
    fn options(self, at: Option<Revision>, after: Option<Place>) -> SnapshotOptions {
        SnapshotOptions {
            namespace: self.namespace.map(str::to_owned),
            labels: LabelSelector::parse(self.labels).unwrap(),
            fields: FieldSelector::parse(self.fields).unwrap(),
            limit: self.limit,
            at,
            after,
        }
    }

    fn selects(self, namespace: &str, name: &str, object: &Known) -> bool {
        self.namespace.is_none_or(|wanted| wanted == namespace)
            && (self.labels.is_empty() || self.labels == format!("l={}", object.label))
            && match self.fields {
                "spec.rack=r1" => object.rack == Some("r1"),
                "spec.rack=" => object.rack.is_none(),
                "metadata.name!=n2" => name != "n2",
                _ => true,
            }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let to = prop::option::weighted(
        0.7,
        (0..4_u8, prop::sample::select(vec!["a", "b"]), prop::sample::select(vec![None, Some("r1"), Some("r2")])),
    );
    let write = (0..6_u8, to).prop_map(|(uid, to)| Write { uid, to });
    let asked = (
        prop::sample::select(vec![None, Some(""), Some("lab")]),
        prop::sample::select(vec!["", "l=a"]),
        prop::sample::select(vec!["", "spec.rack=r1", "spec.rack=", "metadata.name!=n2"]),
        0..4_usize,
    )
        .prop_map(|(namespace, labels, fields, limit)| Asked { namespace, labels, fields, limit });
    let step = prop_oneof![
        8 => prop::collection::vec(write, 1..4).prop_map(Step::Write),
        1 => Just(Step::Other),
        4 => Just(Step::Wait),
        1 => Just(Step::Gap),
        2 => (0..12_u64, any::<bool>()).prop_map(|(back, eager)| Step::Follow(back, eager)),
        3 => (0..12_u64, asked).prop_map(|(back, asked)| Step::List(back, asked)),
    ];
    prop::collection::vec(step, 1..40)
}

fn place(uid: u8) -> (&'static str, String) {
    (if uid.is_multiple_of(2) { "" } else { "lab" }, format!("n{}", 9 - uid))
}

fn json(uid: u8, (watts, label, rack): (u8, &str, Option<&str>), modified: u64) -> String {
    let (namespace, name) = place(uid);
    // Some can't be decoded; no two are alike, so that every write is one.
    let watts = if watts == 0 { "\"broken\"".to_owned() } else { watts.to_string() };
    let rack = rack.map(|rack| format!(r#","rack":"{rack}""#)).unwrap_or_default();
    format!(
        r#"{{"apiVersion":"example.io/v1","kind":"Device","metadata":{{"name":"{name}","namespace":"{namespace}","labels":{{"l":"{label}"}}}},"spec":{{"watts":{watts}{rack},"n":{modified}}}}}"#
    )
}

/// A follower, what it began after and what it got.
struct Reader {
    follow: Follow,
    after: Revision,
    eager: bool,
    got: Vec<(u64, Vec<Did>)>,
    expired: bool,
}

impl Reader {
    fn take(&mut self, followed: Option<Followed>, seen: Revision) {
        match followed {
            Some(Followed::Changes(changes)) => {
                let revision = changes[0].revision;
                assert!(revision <= seen, "{revision} came before the cache showed it, at {seen}");
                assert!(changes.iter().all(|change| change.revision == revision));
                let modified = |object: &Option<CachedObject>| object.as_ref().map(|object| object.modified().get());
                let mut did: Vec<Did> = changes
                    .iter()
                    .map(|change| (change.uid.to_string(), modified(&change.old), modified(&change.new)))
                    .collect();
                did.sort();
                self.got.push((revision.get(), did));
            }
            Some(Followed::Expired) => self.expired = true,
            None => assert!(self.expired, "only a follower that expired ends"),
        }
    }

    /// What it got is a whole part of the history, up to where it says it is.
    fn check(&self, model: &Model) {
        let upto = self.follow.position();
        assert_eq!(self.got, model.changes_between(self.after, upto), "after {}, up to {upto}", self.after);
    }
}

/// The store, its model, and a client that is looked at in the middle of its work.
struct World {
    store: MemoryStore,
    client: Client,
    model: Arc<Mutex<Model>>,
    readers: Arc<Mutex<Vec<Reader>>>,
    latest: Revision,
}

/// Looks after every single change, also in the middle of a revision.
struct InTheMiddle {
    client: Weak<lifecycle::Inner>,
    model: Arc<Mutex<Model>>,
    readers: Arc<Mutex<Vec<Reader>>>,
}

impl Observer for InTheMiddle {
    fn changed(&self, _: &ObjectChange) {
        let Some(inner) = self.client.upgrade() else { return };
        let client = Client { inner, dry_run: false };
        let model = self.model.lock();
        let snapshot = client.snapshot(Device::TYPE, SnapshotOptions::default()).now_or_never();
        // What is whole is in memory, always.
        check(&snapshot.unwrap().unwrap(), &model, client.seen());
        for reader in self.readers.lock().iter_mut().filter(|reader| reader.eager) {
            if let Some(followed) = reader.follow.next().now_or_never() {
                reader.take(followed, client.seen());
            }
            reader.check(&model);
        }
    }
}

fn check(snapshot: &Snapshot, model: &Model, at: Revision) {
    assert_eq!(snapshot.revision, at);
    let expected: Vec<_> = model.state(at).into_values().map(|object| (object.uid, object.modified)).collect();
    assert_eq!(uids(snapshot), expected, "at {at}");
}

fn uids(snapshot: &Snapshot) -> Vec<(String, u64)> {
    snapshot.items.iter().map(|object| (object.uid().to_string(), object.modified().get())).collect()
}

impl World {
    async fn new(history: usize, window: usize) -> Self {
        let store = MemoryStore::with_window(window);
        let client = start(&store).await;
        client.keep_history(history);
        let (model, readers) = (Arc::<Mutex<Model>>::default(), Arc::default());
        let looking =
            InTheMiddle { client: Arc::downgrade(&client.inner), model: model.clone(), readers: Arc::clone(&readers) };
        client.observe(Arc::new(looking));
        let latest = store.revision().await.unwrap();
        Self { store, client, model, readers, latest }
    }

    async fn write(&mut self, writes: &[Write]) {
        let next = self.latest.next().get();
        let mut state = self.model.lock().state(self.latest);
        let (mut txn, mut did) = (Transaction::new(), BTreeMap::new());
        for Write { uid, to } in writes {
            let key = Key::from(format!("o/example.io/Device/u{uid}"));
            if did.contains_key(uid) {
                continue;
            }
            let old = if let Some((_, label, rack)) = *to {
                state.insert(place(*uid), Known { uid: format!("u{uid}"), modified: next, label, rack })
            } else {
                state.remove(&place(*uid))
            };
            txn = match to {
                Some(to) => txn.put(key, json(*uid, *to, next)),
                None => txn.delete(key),
            };
            did.insert(*uid, (format!("u{uid}"), old.map(|old| old.modified), to.map(|_| next)));
        }
        let revision = self.store.txn(txn).await.unwrap();
        if revision > self.latest {
            let mut model = self.model.lock();
            model.states.insert(next, state);
            let did = did.into_values().filter(|(_, old, new)| old.is_some() || new.is_some());
            model.changes.insert(next, did.collect());
        }
        self.latest = revision;
    }

    async fn wait(&self) {
        // The clock is paused: this passes as soon as nothing else can run.
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(self.client.seen(), self.latest);
    }

    fn follow(&self, back: u64, eager: bool) {
        let after = Revision::new(self.client.seen().get().saturating_sub(back));
        let follow = self.client.follow(Device::TYPE, after).unwrap();
        assert!(follow.position() >= after);
        self.readers.lock().push(Reader { follow, after, eager, got: Vec::new(), expired: false });
    }

    /// Reads a part of a list page by page; whether it could.
    async fn list(&self, back: u64, asked: Asked) -> bool {
        let at = Revision::new(self.client.seen().get().saturating_sub(back));
        let state = self.model.lock().state(at);
        let expected: Vec<_> = state
            .into_iter()
            .filter(|((namespace, name), object)| asked.selects(namespace, name, object))
            .map(|(_, object)| (object.uid, object.modified))
            .collect();
        let (mut got, mut after) = (Vec::new(), None);
        loop {
            let page = match self.client.snapshot(Device::TYPE, asked.options(Some(at), after)).await {
                Ok(page) => page,
                Err(error) => {
                    assert_eq!(error.kind(), &ErrorKind::Expired, "{error}");
                    return false;
                }
            };
            assert_eq!(page.revision, at);
            got.extend(uids(&page));
            let everything = asked.labels.is_empty() && asked.fields.is_empty() && page.next.is_some();
            assert_eq!(page.remaining, if everything { expected.len() - got.len() } else { 0 });
            let Some(next) = page.next else { break };
            assert_eq!(page.items.len(), asked.limit);
            after = Some(Place::parse("devices", &next.to_string()).unwrap());
        }
        assert_eq!(got, expected, "{asked:?} at {at}");
        true
    }

    /// Reads whatever the followers can get; how many of them expired.
    async fn drain(&self) -> usize {
        let mut readers = std::mem::take(&mut *self.readers.lock());
        for reader in &mut readers {
            while !reader.expired
                && let Ok(followed) = tokio::time::timeout(Duration::from_secs(5), reader.follow.next()).await
            {
                reader.take(followed, self.client.seen());
            }
            if !reader.expired {
                assert_eq!(reader.follow.position(), self.latest);
            }
            reader.check(&self.model.lock());
        }
        readers.iter().filter(|reader| reader.expired).count()
    }
}

/// Does the steps; how many lists and followers were told that they come too late.
async fn run(steps: Vec<Step>, history: usize, window: usize) -> usize {
    let mut world = World::new(history, window).await;
    let mut expired = 0;
    for step in steps {
        match step {
            Step::Write(writes) => world.write(&writes).await,
            Step::Other => {
                let text = world.latest.to_string();
                world.latest = world.store.txn(Transaction::new().put("o/other/Thing/x", text)).await.unwrap();
            }
            Step::Wait => world.wait().await,
            Step::Gap => world.store.faults().expire_watches(),
            Step::Follow(back, eager) => world.follow(back, eager),
            Step::List(back, asked) => expired += usize::from(!world.list(back, asked).await),
        }
    }
    world.wait().await;
    let everything = Asked { namespace: None, labels: "", fields: "", limit: 2 };
    for back in 0..world.latest.get() {
        expired += usize::from(!world.list(back, everything).await);
        world.follow(back, false);
    }
    expired + world.drain().await
}

fn paused(future: impl Future<Output = usize>) -> usize {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn lists_and_followers_see_every_revision_whole(steps in steps(), history in 1..12_usize) {
        prop_assert_eq!(paused(run(steps, history, 10_000)), 0, "the store has everything: nothing expires");
    }

    #[test]
    fn what_expires_says_so_and_what_does_not_is_right(steps in steps(), history in 1..12_usize, window in 1..12_usize) {
        paused(run(steps, history, window));
    }
}
