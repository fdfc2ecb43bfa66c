//! A dry run answers as the write would, and never writes.

use serde_json::json;

use super::server::{Cluster, DEVICES, NOTES, device, note, path};

#[tokio::test]
async fn a_dry_run_never_writes() {
    let cluster = Cluster::start().await;
    let created = cluster.device("a").await;
    let mut held = device("held");
    held["metadata"]["finalizers"] = json!(["example.org/hold"]);
    cluster.post(DEVICES, &held).await.expect(201);
    let before = (cluster.revision().await, cluster.get(DEVICES).await.json());

    let mut updated = created.clone();
    updated["spec"]["watts"] = 8.into();
    updated["status"] = json!({ "state": "on" });
    let all = |path: &str| format!("{path}?dryRun=All");
    let merge = json!({ "spec": { "watts": 9 }, "status": { "state": "off" } });
    let json_patch = json!([{ "op": "replace", "path": "/spec/watts", "value": 10 }]);
    let in_body = json!({ "dryRun": ["All"] });
    let made = cluster.post(&all(DEVICES), &device("b")).await.expect(201);
    assert!(made["metadata"]["uid"].is_string() && made["spec"]["power"] == "stopped", "{made}");
    for (answer, place, expected) in [
        (cluster.put(&all(&path("a")), &updated).await, "/spec/watts", json!(8)),
        (cluster.put(&all(&path("a/status")), &updated).await, "/status/state", json!("on")),
        (cluster.merge(&all(&path("a")), &merge).await, "/spec/watts", json!(9)),
        (cluster.merge(&all(&path("a/status")), &merge).await, "/status/state", json!("off")),
        (cluster.json_patch(&all(&path("a")), &json_patch).await, "/spec/watts", json!(10)),
        (cluster.delete(&all(&path("a")), &json!({})).await, "/status", json!("Success")),
        (cluster.delete(&path("a"), &in_body).await, "/status", json!("Success")),
        (cluster.delete(&all(&path("held")), &json!({})).await, "/metadata/name", json!("held")),
        (cluster.delete(&all(DEVICES), &json!({})).await, "/kind", json!("DeviceList")),
        (cluster.delete(DEVICES, &in_body).await, "/kind", json!("DeviceList")),
    ] {
        assert_eq!(answer.expect(200).pointer(place), Some(&expected));
    }
    assert_eq!((cluster.revision().await, cluster.get(DEVICES).await.json()), before);
}

#[tokio::test]
async fn a_dry_run_fails_as_the_write_would() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    cluster.post(&format!("{DEVICES}?dryRun=All"), &device("a")).await.refused(409, "AlreadyExists");
    let mut wrong = device("b");
    wrong["spec"]["watts"] = 9999.into();
    cluster.post(&format!("{DEVICES}?dryRun=All"), &wrong).await.refused(422, "Invalid");
    let missing = format!("{}?dryRun=All", NOTES.replace("default", "missing"));
    cluster.post(&missing, &note("a")).await.refused(404, "NotFound");
    cluster.put(&format!("{}?dryRun=All", path("a")), &device("a")).await.refused(422, "Invalid");
    cluster.delete(&format!("{}?dryRun=All", path("b")), &json!({})).await.refused(404, "NotFound");
    cluster.post(&format!("{DEVICES}?dryRun=Some"), &device("c")).await.refused(400, "BadRequest");
}
