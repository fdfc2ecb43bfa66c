//! What may happen to one list or one follower, scene by scene.

use super::*;

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
