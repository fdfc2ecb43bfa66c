//! What exporting from one store and importing into another promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};

use fabrica::ErrorKind;
use fabrica::client::{ImportDocument, ImportOptions, export, import};
use fabrica::store::{EmbeddedStore, Entry, Fault, MemoryStore, Page, Store, StoreError, Transaction};
use fabrica_tests::folder::Folder;
use serde_json::{Value, json};

fn object(number: usize) -> Value {
    json!({
        "apiVersion": "example.io/v1",
        "kind": "Device",
        "metadata": {
            "name": format!("dev-{number}"),
            "uid": format!("uid-{number}"),
            "generation": 3,
            "finalizers": ["example.io/power"],
        },
        "spec": { "watts": number },
        "status": { "state": "on", "unknown": u64::MAX },
    })
}

fn documents(objects: impl IntoIterator<Item = Value>) -> Vec<ImportDocument> {
    let document = |(index, object)| ImportDocument::new(format!("document {}", index + 1), object);
    objects.into_iter().enumerate().map(document).collect()
}

async fn exported(store: &dyn Store) -> Vec<Value> {
    let mut objects = Vec::new();
    let exported = export(store, |object| {
        objects.push(object);
        Ok(())
    });
    let exported = exported.await.unwrap();
    assert_eq!((exported.objects, exported.unreadable), (objects.len(), vec![]));
    for object in &mut objects {
        let metadata = object["metadata"].as_object_mut().unwrap();
        let version = metadata.remove("resourceVersion").unwrap();
        assert!(version.as_str().unwrap().parse::<u64>().unwrap() <= exported.revision.get());
    }
    objects
}

/// Keys and values.
async fn entries(store: &dyn Store) -> Vec<(String, Vec<u8>)> {
    let page = store.list(&fabrica::store::Key::EVERYTHING, Page::all()).await.unwrap();
    let entry = |entry: Entry| (entry.key.to_string(), entry.value.to_vec());
    page.entries.into_iter().map(entry).collect()
}

#[tokio::test]
async fn objects_move_from_memory_to_a_file_and_back() {
    let folder = Folder::new("transfer").unwrap();
    // More than a page, and than a transaction takes.
    let objects: Vec<_> = (0..2_345).map(object).collect();
    let (one, two) = (MemoryStore::new(), MemoryStore::new());
    let file = EmbeddedStore::open(folder.path().join(EmbeddedStore::FILE_NAME)).unwrap();
    let done = import(&one, documents(objects.clone()), ImportOptions::default()).await.unwrap();
    assert_eq!((done.created, done.overwritten, done.unchanged), (2_345, 0, 0));
    assert_eq!(done.revision, one.revision().await.unwrap());
    let mut sorted = objects;
    sorted.sort_by_key(|object| object["metadata"]["uid"].to_string());
    assert_eq!(exported(&one).await, sorted);
    import(&file, documents(exported(&one).await), ImportOptions::default()).await.unwrap();
    import(&two, documents(exported(&file).await), ImportOptions::default()).await.unwrap();
    assert_eq!(exported(&two).await, sorted);
    assert_eq!(entries(&two).await, entries(&one).await);
}

#[tokio::test]
async fn an_import_that_is_cut_off_is_finished_by_doing_it_again() {
    let whole = MemoryStore::new();
    import(&whole, documents((0..500).map(object)), ImportOptions::default()).await.unwrap();
    for (fault, kind) in [
        (Fault::Unavailable, ErrorKind::Unavailable),
        (Fault::UnknownApplied, ErrorKind::Unknown),
        (Fault::UnknownNotApplied, ErrorKind::Unknown),
    ] {
        for cut in 0..10 {
            let store = MemoryStore::new();
            let count = AtomicUsize::new(0);
            store.faults().on_txn(move |_| (count.fetch_add(1, Ordering::Relaxed) == cut).then_some(fault));
            let error = import(&store, documents((0..500).map(object)), ImportOptions::default()).await.unwrap_err();
            assert_eq!(error.kind(), &kind, "{error}");
            assert!(error.to_string().contains("do the same again"), "{error}");
            let done = import(&store, documents((0..500).map(object)), ImportOptions::default()).await.unwrap();
            assert_eq!(done.created + done.unchanged, 500);
            assert_eq!(entries(&store).await, entries(&whole).await);
        }
    }
}

#[tokio::test]
async fn one_fault_keeps_everything_out() {
    let store = MemoryStore::new();
    let mut objects: Vec<_> = (0..200).map(object).collect();
    objects[150]["metadata"]["name"] = "dev-3".into();
    objects[199]["spec"]["text"] = "x".repeat(store.limits().max_value_bytes).into();
    let error = import(&store, documents(objects), ImportOptions::default()).await.unwrap_err();
    let paths: Vec<_> = error.faults().iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["document 151: metadata.name", "document 200"], "{error}");
    assert_eq!(store.revision().await.unwrap().get(), 0);
}

#[tokio::test]
async fn what_is_no_object_is_named_and_the_rest_exported() {
    let store = MemoryStore::new();
    let txn = Transaction::new()
        .put("o/example.io/Device/a", object(1).to_string())
        .put("o/example.io/Device/b", "no JSON")
        .put("o/example.io/Device/c", "[]")
        .put("locks/x", "{}");
    store.txn(txn).await.unwrap();
    let mut names = Vec::new();
    let exported = export(&store, |object| {
        names.push(object["metadata"]["name"].clone());
        Ok(())
    });
    assert_eq!(exported.await.unwrap().unreadable, ["example.io/Device/b", "example.io/Device/c"]);
    assert_eq!(names, ["dev-1"]);
    store.faults().fail_reads(1, StoreError::Unavailable("away".into()));
    assert_eq!(export(&store, |_| Ok(())).await.unwrap_err().kind(), &ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_writer_in_between_is_noticed() {
    let store = MemoryStore::new();
    store.faults().fail_next(1, Fault::Conflict);
    let error = import(&store, documents([object(1)]), ImportOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Conflict);
    assert!(error.to_string().contains("stop the program"), "{error}");
}
