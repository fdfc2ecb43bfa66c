//! Get and list.

use fabrica::store::{MemoryStore, Store as _, Transaction};
use serde_json::{Value, json};

use super::server::{Cluster, DEVICES, NOTES, causes, device, message, note, path, version};

/// Starts with devices `a` to `e`, the first two in rack `r1`.
async fn five() -> Cluster {
    let cluster = Cluster::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        let mut device = device(name);
        device["metadata"]["labels"] = json!({ "first": (name == "a").to_string() });
        if name < "c" {
            device["spec"]["rack"] = "r1".into();
        }
        cluster.post(DEVICES, &device).await.expect(201);
    }
    cluster
}

fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().into()).collect()
}

async fn names_of(cluster: &Cluster, query: &str) -> Vec<String> {
    names(&cluster.get(&format!("{DEVICES}?{query}")).await.expect(200))
}

#[tokio::test]
async fn an_object_is_shown_as_it_was_stored() {
    let cluster = Cluster::start().await;
    let created = cluster.device("a").await;
    assert_eq!(created["apiVersion"], "example.io/v1");
    assert_eq!(created["kind"], "Device");
    assert_eq!(created["metadata"]["generation"], 1);
    assert_eq!(created["spec"], json!({ "watts": 7, "power": "stopped" }), "defaults are filled");
    assert!(created["metadata"]["creationTimestamp"].is_string() && created["metadata"]["uid"].is_string());
    let answer = cluster.get(&path("a")).await;
    assert_eq!(answer.expect(200), created);
    assert_eq!(answer.header("content-type"), ["application/json"]);
    let status = cluster.get(&path("b")).await.refused(404, "NotFound");
    assert_eq!(message(&status), "devices.example.io \"b\" not found");
    assert_eq!(status["details"], json!({ "name": "b", "group": "example.io", "kind": "devices" }));
}

#[tokio::test]
async fn a_list_is_of_one_namespace_or_of_all() {
    let cluster = Cluster::start().await;
    cluster.post("/api/v1/namespaces", &json!({ "metadata": { "name": "lab" } })).await.expect(201);
    cluster.post(NOTES, &note("a")).await.expect(201);
    cluster.post("/apis/example.io/v1/namespaces/lab/notes", &note("b")).await.expect(201);
    for (path, expected) in [
        ("/apis/example.io/v1/notes", vec!["a", "b"]),
        ("/apis/example.io/v1/namespaces/lab/notes", vec!["b"]),
        ("/apis/example.io/v1/namespaces/nowhere/notes", vec![]),
        ("/apis/example.io/v1/notes?fieldSelector=metadata.namespace%3Dlab", vec!["b"]),
    ] {
        let list = cluster.get(path).await.expect(200);
        assert_eq!(names(&list), expected, "{path}");
        assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("NoteList"), &json!("example.io/v1")));
        assert_eq!(list["metadata"], json!({ "resourceVersion": cluster.revision().await.to_string() }));
    }
}

#[tokio::test]
async fn selectors_select_and_what_is_no_selector_is_refused() {
    let cluster = five().await;
    for (query, expected) in [
        ("labelSelector=first%3Dtrue", vec!["a"]),
        ("labelSelector=first%20in%20(true),!other", vec!["a"]),
        ("labelSelector=first!=true", vec!["b", "c", "d", "e"]),
        ("fieldSelector=metadata.name%3Dc", vec!["c"]),
        ("fieldSelector=metadata.name!=c,spec.rack=", vec!["d", "e"]),
        ("fieldSelector=spec.rack%3Dr1&labelSelector=first=false", vec!["b"]),
    ] {
        assert_eq!(names_of(&cluster, query).await, expected, "{query}");
    }
    let status = cluster.get(&format!("{DEVICES}?fieldSelector=spec.watts%3D7")).await.refused(400, "BadRequest");
    assert_eq!(message(&status), "field label not supported: spec.watts");
    for query in ["labelSelector=a%20like%20b", "fieldSelector=spec.rack", "limit=x", "limit=-1", "watch=maybe"] {
        cluster.get(&format!("{DEVICES}?{query}")).await.refused(400, "BadRequest");
    }
}

#[tokio::test]
async fn all_pages_of_a_list_are_of_one_version() {
    let cluster = five().await;
    let first = cluster.get(&format!("{DEVICES}?limit=2")).await.expect(200);
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a".into(), "b".into()], &json!(3)));
    cluster.delete(&path("c"), &json!({})).await.expect(200);
    cluster.merge(&path("d"), &json!({ "spec": { "watts": 9 } })).await.expect(200);
    cluster.device("f").await;

    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = cluster.get(&format!("{DEVICES}?limit=2&continue={token}")).await.expect(200);
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second["items"][1]["spec"]["watts"], 7, "the later change is not there");
    assert_eq!(second["metadata"]["remainingItemCount"], 1);
    let token = second["metadata"]["continue"].as_str().unwrap();
    let last = cluster.get(&format!("{DEVICES}?limit=2&continue={token}")).await.expect(200);
    assert_eq!(names(&last), ["e"]);
    assert_eq!(last["metadata"], json!({ "resourceVersion": version(&first) }));

    assert_eq!(names_of(&cluster, &format!("resourceVersion={}&limit=9", version(&first))).await.len(), 5);
    let selected = cluster.get(&format!("{DEVICES}?limit=1&labelSelector=first")).await.expect(200);
    assert_eq!(selected["metadata"].get("remainingItemCount"), None, "with a selector it is not known");
}

#[tokio::test]
async fn a_version_says_how_old_a_list_may_be() {
    let cluster = five().await;
    let version = cluster.revision().await;
    cluster.delete(&path("a"), &json!({})).await.expect(200);
    for (query, expected) in [
        (String::new(), 4),
        ("resourceVersion=0".into(), 4),
        (format!("resourceVersion={version}"), 4),
        (format!("resourceVersion={version}&resourceVersionMatch=NotOlderThan"), 4),
        (format!("resourceVersion={version}&resourceVersionMatch=Exact"), 5),
    ] {
        assert_eq!(names_of(&cluster, &query).await.len(), expected, "{query}");
    }
    for query in
        ["resourceVersionMatch=Exact", "resourceVersion=0&resourceVersionMatch=Exact", "sendInitialEvents=true"]
    {
        let status = cluster.get(&format!("{DEVICES}?{query}")).await.refused(422, "Invalid");
        assert_eq!(causes(&status)[0].0, "FieldValueForbidden", "{status}");
        assert!(message(&status).starts_with("ListOptions.meta.k8s.io \"\" is invalid"), "{status}");
    }
}

#[tokio::test]
async fn a_version_in_the_future_is_answered_504_with_the_time_to_wait() {
    let cluster = five().await;
    for path in [DEVICES.to_owned(), path("a")] {
        let answer = cluster.get(&format!("{path}?resourceVersion=1000000")).await;
        let status = answer.refused(504, "Timeout");
        assert_eq!(causes(&status), [("ResourceVersionTooLarge", "")]);
        assert_eq!(
            (status["details"]["retryAfterSeconds"].as_u64(), answer.header("retry-after")),
            (Some(1), vec!["1"])
        );
    }
}

#[tokio::test]
async fn a_version_that_is_no_longer_known_is_answered_410() {
    let store = MemoryStore::new();
    for value in ["1", "2", "3"] {
        store.txn(Transaction::new().put("x", value)).await.unwrap();
    }
    // What was before it started it can only ask the store for.
    let cluster = Cluster::on(store).await;
    cluster.store.faults().compact();
    cluster.get(&format!("{DEVICES}?resourceVersion=1&resourceVersionMatch=Exact")).await.refused(410, "Expired");
    cluster.get(&format!("{DEVICES}?limit=1&continue=1//a")).await.refused(410, "Expired");
}

#[tokio::test]
async fn an_object_that_can_not_be_decoded_is_shown_nevertheless() {
    let store = MemoryStore::new();
    let broken = r#"{"apiVersion":"example.io/v1","kind":"Device","metadata":{"name":"odd","uid":"u-1"},"spec":{"watts":"many"}}"#;
    store.txn(Transaction::new().put("o/example.io/Device/u-1", broken)).await.unwrap();
    let cluster = Cluster::on(store).await;
    for object in
        [cluster.get(&path("odd")).await.expect(200), cluster.get(DEVICES).await.expect(200)["items"][0].take()]
    {
        assert_eq!((&object["spec"]["watts"], version(&object)), (&json!("many"), "1"));
    }
    cluster.delete(&path("odd"), &json!({})).await.expect(200);
    cluster.get(&path("odd")).await.refused(404, "NotFound");
}

#[tokio::test]
async fn metadata_alone_can_be_asked_for() {
    let cluster = five().await;
    let of = |as_: &str| format!("application/json;as={as_};g=meta.k8s.io;v=v1");
    let whole = cluster.get(&path("a")).await.expect(200);
    let one = cluster.ask("GET", &path("a"), &[("Accept", &of("PartialObjectMetadata"))], b"").await.expect(200);
    let expected = json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": whole["metadata"],
    });
    assert_eq!(one, expected);
    let accept = [("Accept", &*of("PartialObjectMetadataList"))];
    let list = cluster.ask("GET", &format!("{DEVICES}?limit=1"), &accept, b"").await.expect(200);
    assert_eq!((&list["kind"], &list["items"]), (&json!("PartialObjectMetadataList"), &json!([expected])));
    assert_eq!(list["metadata"]["remainingItemCount"], 4);
    cluster.ask("GET", DEVICES, &[("Accept", "text/html")], b"").await.refused(406, "NotAcceptable");
}

#[tokio::test]
async fn a_namespace_is_active_in_every_form() {
    const NAMESPACES: &str = "/api/v1/namespaces";
    let cluster = Cluster::start().await;
    let lab = json!({ "metadata": { "name": "lab" } });
    let tried = cluster.post(&format!("{NAMESPACES}?dryRun=All"), &lab).await.expect(201);
    assert_eq!(tried["status"]["phase"], "Active", "{tried}");
    cluster.post(NAMESPACES, &lab).await.expect(201);
    let table = [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    for path in [format!("{NAMESPACES}/lab"), format!("{NAMESPACES}?fieldSelector=metadata.name%3Dlab")] {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}includeObject=Object");
        let table = cluster.ask("GET", &path, &table, b"").await.expect(200);
        let status =
            table["columnDefinitions"].as_array().unwrap().iter().position(|column| column["name"] == "Status");
        let row = &table["rows"][0];
        assert_eq!(row["cells"][status.unwrap()], "Active", "{table}");
        assert_eq!(row["object"]["status"]["phase"], "Active", "{table}");
    }
}

#[tokio::test]
async fn a_made_up_token_is_refused() {
    let cluster = five().await;
    for token in ["0//a", "x", "1/a", "%00", "1//a/b"] {
        cluster.get(&format!("{DEVICES}?limit=2&continue={token}")).await.refused(400, "BadRequest");
    }
}
