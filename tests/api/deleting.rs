//! Deletion, of one object and of many.

use serde_json::{Value, json};

use super::server::{Cluster, DEVICES, causes, device, message, path, version};

async fn held(cluster: &Cluster, name: &str) -> Value {
    let mut object = device(name);
    object["metadata"]["finalizers"] = json!(["example.org/hold"]);
    cluster.post(DEVICES, &object).await.expect(201)
}

#[tokio::test]
async fn a_deleted_object_is_answered_by_a_status_with_its_uid() {
    let cluster = Cluster::start().await;
    let created = cluster.device("a").await;
    let answer = cluster.delete(&path("a"), &json!({ "propagationPolicy": "Background" })).await.expect(200);
    let expected = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": { "name": "a", "group": "example.io", "kind": "devices", "uid": created["metadata"]["uid"] },
    });
    assert_eq!(answer, expected);
    cluster.delete(&path("a"), &json!({})).await.refused(404, "NotFound");
}

#[tokio::test]
async fn an_object_that_waits_for_its_finalizers_is_the_answer() {
    let cluster = Cluster::start().await;
    held(&cluster, "a").await;
    let waiting = cluster.ask("DELETE", &path("a"), &[], b"").await.expect(200);
    assert_eq!(waiting["kind"], "Device");
    assert!(waiting["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(cluster.delete(&path("a"), &json!({})).await.expect(200), waiting, "once is enough");

    let more = json!({ "metadata": { "finalizers": ["example.org/hold", "example.org/more"] } });
    cluster.merge(&path("a"), &more).await.refused(422, "Invalid");
    let last = json!([{ "op": "remove", "path": "/metadata/finalizers" }]);
    let left = cluster.json_patch(&path("a"), &last).await.expect(200);
    assert_eq!((&left["kind"], left["metadata"].get("finalizers")), (&json!("Device"), None), "{left}");
    cluster.get(&path("a")).await.refused(404, "NotFound");
}

#[tokio::test]
async fn preconditions_must_be_met() {
    let cluster = Cluster::start().await;
    let created = cluster.device("a").await;
    for (field, wrong) in [("uid", "other"), ("resourceVersion", "1")] {
        let options = json!({ "preconditions": { (field): wrong } });
        let status = cluster.delete(&path("a"), &options).await.refused(409, "Conflict");
        assert!(message(&status).contains("Precondition failed") && message(&status).contains(wrong), "{status}");
    }
    let right = json!({ "preconditions": { "uid": created["metadata"]["uid"], "resourceVersion": version(&created) } });
    cluster.delete(&path("a"), &right).await.expect(200);
}

#[tokio::test]
async fn what_becomes_of_dependents_is_said_in_the_body_or_the_query() {
    let cluster = Cluster::start().await;
    for (name, query, body, finalizer) in [
        ("a", "", json!({ "propagationPolicy": "Foreground" }), "foregroundDeletion"),
        ("b", "", json!({ "propagationPolicy": "Orphan" }), "orphan"),
        ("c", "?propagationPolicy=Orphan", Value::Null, "orphan"),
        ("d", "?orphanDependents=true", Value::Null, "orphan"),
    ] {
        held(&cluster, name).await;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("{}{query}", path(name));
        let waiting = cluster.ask("DELETE", &path, &[], body.as_bytes()).await.expect(200);
        assert_eq!(waiting["metadata"]["finalizers"], json!(["example.org/hold", finalizer]), "{name}");
    }
    let status = cluster.delete(&path("a"), &json!({ "propagationPolicy": "Sideways" })).await.refused(422, "Invalid");
    assert_eq!(causes(&status), [("FieldValueNotSupported", "propagationPolicy")]);
}

#[tokio::test]
async fn a_collection_is_deleted_and_answered() {
    let cluster = Cluster::start().await;
    for name in ["a", "b"] {
        cluster.device(name).await;
    }
    held(&cluster, "c").await;
    let list = cluster.delete(&format!("{DEVICES}?fieldSelector=metadata.name!=a"), &json!({})).await.expect(200);
    assert_eq!((&list["kind"], list["items"].as_array().unwrap().len()), (&json!("DeviceList"), 2));
    assert!(list["items"][1]["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(cluster.get(DEVICES).await.json()["items"].as_array().unwrap().len(), 2);
    cluster.get(&path("b")).await.refused(404, "NotFound");
}

#[tokio::test]
async fn the_failure_of_one_deletion_does_not_keep_the_others() {
    let cluster = Cluster::start().await;
    let kept = cluster.device("a").await;
    cluster.device("b").await;
    let options = json!({ "preconditions": { "uid": kept["metadata"]["uid"] } });
    cluster.delete(DEVICES, &options).await.refused(409, "Conflict");
    cluster.get(&path("a")).await.refused(404, "NotFound");
    cluster.get(&path("b")).await.expect(200);
}

#[tokio::test]
async fn the_namespace_default_can_not_be_deleted() {
    let cluster = Cluster::start().await;
    let status = cluster.delete("/api/v1/namespaces/default", &json!({})).await.refused(403, "Forbidden");
    assert_eq!(message(&status), "namespaces \"default\" is forbidden: this namespace may not be deleted");
    cluster.delete("/api/v1/namespaces", &json!({})).await.refused(405, "MethodNotAllowed");
}
