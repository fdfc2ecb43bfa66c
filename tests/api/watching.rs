//! Watches.

use std::time::Duration;

use fabrica::store::MemoryStore;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::{Cluster, DEVICES, device, path};

const DEADLINE: Duration = Duration::from_secs(20);
const TABLE: (&str, &str) = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");

/// A watch under way.
struct Watch(BufReader<TcpStream>);

impl Watch {
    async fn open(cluster: &Cluster, query: &str, header: (&str, &str)) -> Self {
        let mut stream = TcpStream::connect(cluster.address).await.unwrap();
        let (name, value) = header;
        let request = format!("GET {DEVICES}?watch=1&{query} HTTP/1.1\r\nHost: localhost\r\n{name}: {value}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut watch = Self(BufReader::new(stream));
        assert!(watch.line().await.unwrap().starts_with("HTTP/1.1 200"));
        while watch.line().await.unwrap() != "" {}
        watch
    }

    async fn of(cluster: &Cluster, query: &str) -> Self {
        Self::open(cluster, query, ("Accept", "application/json")).await
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(DEADLINE, self.0.read_line(&mut line)).await.expect("a line in time");
        (read.unwrap() > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event; `None` at the end.
    async fn event(&mut self) -> Option<Value> {
        loop {
            let line = self.line().await?;
            if line.starts_with('{') {
                return Some(serde_json::from_str(&line).unwrap());
            }
            // The last chunk of a body is empty.
            if line == "0" {
                return None;
            }
        }
    }

    /// What the next events say: the type, and the name.
    async fn says(&mut self, expected: &[(&str, &str)]) {
        for (type_, name) in expected {
            let event = self.event().await.expect("the watch goes on");
            let found =
                (event["type"].as_str().unwrap(), event["object"]["metadata"]["name"].as_str().unwrap_or_default());
            assert_eq!(found, (*type_, *name), "{event}");
        }
    }
}

fn version_of(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_watch_without_a_version_begins_with_what_is_there() {
    let cluster = Cluster::start().await;
    cluster.device("b").await;
    cluster.device("a").await;
    for query in ["", "resourceVersion=0"] {
        let mut watch = Watch::of(&cluster, query).await;
        watch.says(&[("ADDED", "a"), ("ADDED", "b")]).await;
    }
    let mut watch = Watch::of(&cluster, "").await;
    watch.says(&[("ADDED", "a"), ("ADDED", "b")]).await;
    cluster.device("c").await;
    watch.says(&[("ADDED", "c")]).await;
}

#[tokio::test]
async fn a_watch_from_a_version_tells_every_change_after_it_once() {
    let cluster = Cluster::start().await;
    let first = cluster.device("a").await;
    let mut watch = Watch::of(&cluster, &format!("resourceVersion={}", version_of(&first))).await;
    let changed = cluster.merge(&path("a"), &json!({ "spec": { "watts": 8 } })).await.expect(200);
    cluster.merge(&path("a"), &json!({ "spec": { "watts": 8 } })).await.expect(200);
    cluster.delete(&path("a"), &json!({})).await.expect(200);
    let modified = watch.event().await.unwrap();
    assert_eq!((&modified["type"], &modified["object"]), (&json!("MODIFIED"), &changed));
    let deleted = watch.event().await.unwrap();
    assert_eq!(deleted["type"], "DELETED", "a write that changes nothing is no event");
    assert!(version_of(&deleted["object"]) > version_of(&changed), "DELETED carries the version of the deletion");
    assert_eq!(deleted["object"]["spec"], changed["spec"], "and what the object last was");
}

#[tokio::test]
async fn initial_events_end_with_a_bookmark_that_says_so() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = Watch::of(&cluster, query).await;
    watch.says(&[("ADDED", "a")]).await;
    let bookmark = watch.event().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!((&bookmark["object"]["kind"], bookmark["object"].get("spec")), (&json!("Device"), None));
    assert_eq!(version_of(&bookmark["object"]), cluster.revision().await);
    let without = Watch::of(&cluster, "sendInitialEvents=false&resourceVersionMatch=NotOlderThan").await;
    cluster.device("b").await;
    for mut watch in [watch, without] {
        watch.says(&[("ADDED", "b")]).await;
    }
}

#[tokio::test]
async fn what_leaves_a_selection_is_deleted_for_its_watcher_and_what_enters_it_is_added() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let mut of_labels = Watch::of(&cluster, "labelSelector=on%3Dyes").await;
    let mut of_fields = Watch::of(&cluster, "fieldSelector=spec.rack%3Dr1").await;
    let mut of_name = Watch::of(&cluster, "fieldSelector=metadata.name%3Db").await;
    let inside = json!({ "metadata": { "labels": { "on": "yes" } }, "spec": { "rack": "r1" } });
    let inside = cluster.merge(&path("a"), &inside).await.expect(200);
    cluster.merge(&path("a"), &json!({ "spec": { "watts": 9 } })).await.expect(200);
    let outside = json!({ "metadata": { "labels": { "on": null } }, "spec": { "rack": "r2" } });
    let outside = cluster.merge(&path("a"), &outside).await.expect(200);
    cluster.device("b").await;
    for watch in [&mut of_labels, &mut of_fields] {
        assert_eq!(watch.event().await.unwrap()["object"], inside);
        watch.says(&[("MODIFIED", "a")]).await;
        let deleted = watch.event().await.unwrap();
        assert_eq!(deleted["type"], "DELETED");
        assert_eq!(version_of(&deleted["object"]), version_of(&outside), "the new version");
        assert_eq!(deleted["object"]["spec"]["rack"], "r1", "with the old body");
    }
    of_name.says(&[("ADDED", "b")]).await;
}

#[tokio::test]
async fn a_version_that_is_forgotten_is_expired_and_one_that_is_to_come_is_too_large() {
    let cluster = Cluster::on(MemoryStore::with_window(3)).await;
    for number in 0..20 {
        cluster.device(&format!("d-{number}")).await;
    }
    for number in 0..2100 {
        cluster.merge(&path("d-1"), &json!({ "spec": { "watts": number } })).await.expect(200);
    }
    let mut watch = Watch::of(&cluster, "resourceVersion=2").await;
    let error = watch.event().await.unwrap();
    assert_eq!((&error["type"], &error["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!((&error["object"]["reason"], watch.event().await), (&json!("Expired"), None));
    let status = cluster.get(&format!("{DEVICES}?watch=1&resourceVersion=99999999")).await.refused(504, "Timeout");
    assert_eq!(status["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    assert_eq!(status["details"]["retryAfterSeconds"], 1);
}

#[tokio::test]
async fn parameters_that_contradict_each_other_are_refused() {
    let cluster = Cluster::start().await;
    for query in [
        "resourceVersionMatch=Exact",
        "sendInitialEvents=true",
        "sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1",
    ] {
        cluster.get(&format!("{DEVICES}?watch=1&{query}")).await.refused(422, "Invalid");
    }
    cluster.get(&format!("{DEVICES}?watch=1&fieldSelector=spec.watts=1")).await.refused(400, "BadRequest");
    cluster.get(&format!("{DEVICES}?watch=1&labelSelector=a==b==c")).await.refused(400, "BadRequest");
}

#[tokio::test]
async fn a_watch_ends_when_its_time_is_over() {
    let cluster = Cluster::start().await;
    let mut watch = Watch::of(&cluster, "timeoutSeconds=1").await;
    assert_eq!(watch.event().await, None);
}

#[tokio::test]
async fn a_table_defines_its_columns_once() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let mut watch = Watch::open(&cluster, "allowWatchBookmarks=true", TABLE).await;
    let first = watch.event().await.unwrap();
    cluster.post(DEVICES, &device("b")).await.expect(201);
    let second = watch.event().await.unwrap();
    assert_eq!((&first["object"]["kind"], &second["object"]["kind"]), (&json!("Table"), &json!("Table")));
    assert!(first["object"]["columnDefinitions"].is_array() && second["object"]["columnDefinitions"].is_null());
    assert_eq!(
        (&first["object"]["rows"][0]["cells"][0], &second["object"]["rows"][0]["cells"][0]),
        (&json!("a"), &json!("b"))
    );
}

#[tokio::test]
async fn a_watch_may_ask_for_any_length_of_time() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    for seconds in [u64::MAX, u64::MAX / 1000, 1 << 40] {
        let mut watch = Watch::of(&cluster, &format!("timeoutSeconds={seconds}")).await;
        watch.says(&[("ADDED", "a")]).await;
    }
}

#[tokio::test]
async fn a_watch_of_what_never_exists_says_that_this_was_all() {
    let cluster = Cluster::start().await;
    let query = "timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let answer = cluster.get_chunked(&format!("/api/v1/services?watch=1&{query}")).await;
    assert!(answer.contains("\"k8s.io/initial-events-end\":\"true\""), "{answer}");
}
