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

/// The next revision and the uids in it; panics if there is none before long.
async fn next(follow: &mut Follow) -> (u64, Vec<String>) {
    match tokio::time::timeout(Duration::from_secs(60), follow.next()).await.unwrap() {
        Some(Followed::Changes(changes)) => {
            (changes[0].revision.get(), changes.iter().map(|change| change.uid.to_string()).collect())
        }
        Some(Followed::Expired) => panic!("expired"),
        None => panic!("ended"),
    }
}

/// Makes objects one by one; the revisions that did it.
async fn create(client: &Client, names: &[&str]) -> Vec<u64> {
    let mut revisions = Vec::new();
    for name in names {
        revisions.push(client.create(device(name)).await.unwrap().metadata.resource_version.get());
    }
    revisions
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_of_another_kind_wakes_no_follower_and_moves_its_position() {
    let client = start(&MemoryStore::new()).await;
    client.keep_history(10);
    let mut follow = client.follow(Device::TYPE, client.seen()).unwrap();
    let counted = Arc::new(Wakes::default());
    let waker = Waker::from(counted.clone());
    let mut waiting = Box::pin(follow.next());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    client.create(Namespace::new("lab")).await.unwrap();
    assert_eq!(counted.0.load(Ordering::Relaxed), 0);
    drop(waiting);
    assert_eq!(follow.position(), client.seen());

    let mut waiting = Box::pin(follow.next());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let revision = create(&client, &["a"]).await[0];
    assert_eq!(counted.0.load(Ordering::Relaxed), 1);
    let Poll::Ready(Some(Followed::Changes(told))) = waiting.as_mut().poll(&mut Context::from_waker(&waker)) else {
        panic!("it was woken for nothing")
    };
    assert_eq!(told[0].revision.get(), revision);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_pending_in_a_position_and_what_is_pending_is_not_in_it() {
    let client = start(&MemoryStore::new()).await;
    client.keep_history(10);
    let before = client.seen();
    let mut follow = client.follow(Device::TYPE, before).unwrap();
    create(&client, &["a", "b"]).await;
    client.create(Namespace::new("lab")).await.unwrap();
    assert_eq!(follow.position(), before);
    let (first, _) = next(&mut follow).await;
    assert_eq!(follow.position().get(), first);
    next(&mut follow).await;
    assert_eq!(follow.position(), client.seen());
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_fell_behind_the_history_goes_on_through_the_store() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    client.keep_history(2);
    let mut follow = client.follow(Device::TYPE, client.seen()).unwrap();
    let mut made = create(&client, &["a", "b", "c", "d", "e"]).await;
    client.delete::<Device>("a").await.unwrap();
    made.push(client.seen().get());
    for (revision, uid) in made.iter().zip(["a", "b", "c", "d", "e", "a"]) {
        assert_eq!(next(&mut follow).await, (*revision, vec![uid.to_owned()]));
    }
    let later = create(&client, &["f"]).await;
    assert_eq!(next(&mut follow).await, (later[0], vec!["f".to_owned()]));
    assert_eq!(follow.position(), client.seen());
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_nobody_can_serve_is_told_once_and_ends() {
    let store = MemoryStore::with_window(2);
    let client = start(&store).await;
    client.keep_history(2);
    let before = client.seen();
    let mut follow = client.follow(Device::TYPE, before).unwrap();
    create(&client, &["a", "b", "c", "d"]).await;
    assert!(matches!(follow.next().await, Some(Followed::Expired)));
    assert!(follow.next().await.is_none());
    let error = client.snapshot(Device::TYPE, SnapshotOptions { at: Some(before), ..SnapshotOptions::default() }).await;
    let error = error.err().unwrap();
    assert_eq!(error.kind(), &ErrorKind::Expired);
    assert!(error.to_string().contains(&format!("devices as of revision {before}")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_can_not_be_asked_for_a_while_costs_a_follower_nothing_but_time() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    client.keep_history(1);
    let mut follow = client.follow(Device::TYPE, client.seen()).unwrap();
    let made = create(&client, &["a", "b"]).await;
    store.faults().fail_reads(3, StoreError::Unavailable("it rests".into()));
    assert_eq!(next(&mut follow).await, (made[0], vec!["a".to_owned()]));
    assert_eq!(next(&mut follow).await, (made[1], vec!["b".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_not_reached_is_refused_and_can_be_waited_for() {
    let client = start(&MemoryStore::new()).await;
    client.keep_history(1);
    let future = client.seen().next();
    assert_eq!(client.follow(Device::TYPE, future).err().unwrap().kind(), &ErrorKind::Unavailable);
    let options = SnapshotOptions { at: Some(future), ..SnapshotOptions::default() };
    let error = client.snapshot(Device::TYPE, options.clone()).await.err().unwrap();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
    let waiting = client.wait_seen(future);
    let ((), made) = tokio::join!(waiting, create(&client, &["a"]));
    assert_eq!(made, [future.get()]);
    assert_eq!(client.snapshot(Device::TYPE, options).await.unwrap().items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_history_lists_come_from_the_store_and_nobody_follows() {
    let client = start(&MemoryStore::new()).await;
    create(&client, &["b", "a"]).await;
    let snapshot = client.snapshot(Device::TYPE, SnapshotOptions::default()).await.unwrap();
    assert_eq!(uids(&snapshot).into_iter().map(|(uid, _)| uid).collect::<Vec<_>>(), ["a", "b"]);
    let error = client.follow(Device::TYPE, client.seen()).err().unwrap();
    assert!(error.to_string().contains("keeps no history"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_history_that_begins_late_has_what_comes_after_and_grows_only() {
    let client = start(&MemoryStore::new()).await;
    let before = client.seen();
    let mut made = create(&client, &["a"]).await;
    client.keep_history(3);
    client.keep_history(1);
    let mut follow = client.follow(Device::TYPE, before).unwrap();
    made.extend(create(&client, &["b", "c", "d"]).await);
    let held = client.inner().kinds.of::<Device>().unwrap().cache.read().history().unwrap().len();
    assert_eq!(held, 3);
    for revision in made {
        assert_eq!(next(&mut follow).await.0, revision);
    }
}

#[tokio::test(start_paused = true)]
async fn a_follower_ends_with_the_client() {
    let client = start(&MemoryStore::new()).await;
    client.keep_history(1);
    let mut follow = client.follow(Device::TYPE, client.seen()).unwrap();
    let (ended, ()) = tokio::join!(follow.next(), async { client.close() });
    assert!(ended.is_none());
    let mut late = client.follow(Device::TYPE, client.seen()).unwrap();
    assert!(late.next().await.is_none());

    let client = start(&MemoryStore::new()).await;
    client.close();
    client.keep_history(1);
    assert!(client.follow(Device::TYPE, client.seen()).unwrap().next().await.is_none());

    let client = start(&MemoryStore::new()).await;
    client.keep_history(1);
    let mut behind = client.follow(Device::TYPE, Revision::ZERO).unwrap();
    let (ended, ()) = tokio::join!(behind.next(), async {
        tokio::task::yield_now().await;
        drop(client);
    });
    assert!(ended.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_dropped_has_lost_nothing() {
    let client = start(&MemoryStore::new()).await;
    client.keep_history(2);
    let mut follow = client.follow(Device::TYPE, client.seen()).unwrap();
    let mut made = create(&client, &["a", "b", "c"]).await;
    let mut got = Vec::new();
    while got.len() < 3 {
        // Given up after each step.
        let Some(item) = follow.next().now_or_never() else {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        let Some(Followed::Changes(changes)) = item else { panic!("it ended") };
        got.push(changes[0].revision.get());
    }
    made.extend(create(&client, &["d"]).await);
    got.push(next(&mut follow).await.0);
    assert_eq!(got, made);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_decoded_is_seen_unless_it_has_no_name() {
    let store = MemoryStore::new();
    let client = start(&store).await;
    client.keep_history(10);
    let mut follow = client.follow(Device::TYPE, client.seen()).unwrap();
    let broken = r#"{"metadata":{"name":"b","labels":{"l":"x"}},"spec":{"watts":"many","rack":"r1"}}"#;
    let txn = Transaction::new().put("o/example.io/Device/b", broken).put("o/example.io/Device/c", "no JSON");
    client.wait_seen(store.txn(txn).await.unwrap()).await;
    for (labels, fields) in [("", ""), ("l=x", ""), ("", "spec.rack=r1"), ("", "metadata.name=b")] {
        let asked = Asked { namespace: None, labels, fields, limit: 0 };
        let snapshot = client.snapshot(Device::TYPE, asked.options(None, None)).await.unwrap();
        assert_eq!(uids(&snapshot).len(), 1, "{labels} {fields}");
        assert!(snapshot.items[0].object().is_none());
    }
    let selection = client.selection(Device::TYPE, None, LabelSelector::everything(), &FieldSelector::everything());
    let selection = selection.unwrap();
    let Some(Followed::Changes(changes)) = follow.next().await else { panic!("nothing came") };
    let shown = changes.iter().filter(|change| selection.matches_any(change.new.as_ref().unwrap()));
    assert_eq!(shown.map(|change| &*change.uid).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_the_kind_can_not_be_selected_by_is_named() {
    let client = start(&MemoryStore::new()).await;
    client.keep_history(1);
    let fields = FieldSelector::parse("spec.watts=1").unwrap();
    let options = SnapshotOptions { fields: fields.clone(), ..SnapshotOptions::default() };
    let listed = client.snapshot(Device::TYPE, options).await.err().unwrap();
    let selected = client.selection(Device::TYPE, None, LabelSelector::everything(), &fields).err().unwrap();
    for error in [listed, selected] {
        assert!(error.to_string().contains("spec.watts"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_absent_field_has_the_empty_value_in_every_list() {
    let client = start(&MemoryStore::new()).await;
    create(&client, &["a"]).await;
    let fields = FieldSelector::parse("spec.rack=").unwrap();
    let listed = client.list::<Device>(ListOptions { fields, ..ListOptions::default() }).await.unwrap();
    assert_eq!(listed.items.len(), 1);
}

#[cfg(feature = "embedded")]
#[tokio::test]
async fn a_follower_goes_on_after_a_restart_of_the_program() {
    use crate::store::EmbeddedStore;

    let folder = std::env::temp_dir().join(format!("fabrica-history-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(EmbeddedStore::FILE_NAME);
    let start = || async {
        let store = EmbeddedStore::open(&file).unwrap();
        Client::start(Arc::new(store), vec![Device::TYPE], EventBus::new(), ClientSettings::default()).await.unwrap()
    };

    let client = start().await;
    client.keep_history(100);
    let mut follow = client.follow(Device::TYPE, client.seen()).unwrap();
    let made = create(&client, &["a", "b"]).await;
    client.delete::<Device>("a").await.unwrap();
    let deleted = client.seen();
    assert_eq!(next(&mut follow).await.0, made[0]);
    let at = follow.position();
    client.close();
    drop((client, follow));

    // The follower task holds the store for a moment more.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while let Err(error) = EmbeddedStore::open(&file) {
        assert!(std::time::Instant::now() < deadline, "{error}");
        tokio::task::yield_now().await;
    }
    let client = start().await;
    client.keep_history(100);
    let mut follow = client.follow(Device::TYPE, at).unwrap();
    assert_eq!(next(&mut follow).await, (made[1], vec!["b".to_owned()]));
    let Some(Followed::Changes(changes)) = follow.next().await else { panic!("nothing came") };
    assert_eq!(changes[0].revision, deleted);
    let gone = changes[0].old.as_ref().unwrap();
    assert_eq!((gone.object().unwrap().metadata().name.as_str(), gone.modified().get()), ("a", made[0]));
    let later = create(&client, &["c"]).await;
    assert_eq!(next(&mut follow).await.0, later[0]);
    let options = SnapshotOptions { at: Some(at), ..SnapshotOptions::default() };
    assert_eq!(uids(&client.snapshot(Device::TYPE, options).await.unwrap()), [("a".to_owned(), made[0])]);
    drop((client, follow));
    std::fs::remove_dir_all(&folder).unwrap();
}
