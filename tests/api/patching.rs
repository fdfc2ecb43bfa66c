//! Patches.

use serde_json::json;

use super::server::{Cluster, MERGE, causes, message, path, version};

#[tokio::test]
async fn a_merge_patch_sets_and_removes() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let labels = json!({ "metadata": { "labels": { "x": "1", "y": "2" } }, "spec": { "rack": "r1" } });
    let patched = cluster.merge(&path("a"), &labels).await.expect(200);
    assert_eq!(
        (&patched["metadata"]["labels"], &patched["spec"]["rack"]),
        (&json!({ "x": "1", "y": "2" }), &json!("r1"))
    );
    let removed = json!({ "metadata": { "labels": { "x": null } }, "spec": { "rack": null } });
    let patched = cluster.merge(&path("a"), &removed).await.expect(200);
    assert_eq!((&patched["metadata"]["labels"], patched["spec"].get("rack")), (&json!({ "y": "2" }), None));
    cluster.merge(&path("b"), &removed).await.refused(404, "NotFound");
}

#[tokio::test]
async fn a_json_patch_test_of_null_on_a_missing_member_passes() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let patch = json!([
        { "op": "test", "path": "/metadata/finalizers", "value": null },
        { "op": "add", "path": "/metadata/finalizers", "value": ["example.org/hold"] },
    ]);
    let patched = cluster.json_patch(&path("a"), &patch).await.expect(200);
    assert_eq!(patched["metadata"]["finalizers"], json!(["example.org/hold"]));
    cluster.json_patch(&path("a"), &patch).await.refused(422, "Invalid");
}

#[tokio::test]
async fn a_json_patch_that_fails_is_answered_422_and_does_nothing() {
    let cluster = Cluster::start().await;
    let created = cluster.device("a").await;
    for patch in [
        json!([{ "op": "replace", "path": "/spec/watts", "value": 9 }, { "op": "test", "path": "/spec/watts", "value": 8 }]),
        json!([{ "op": "remove", "path": "/spec/nothing" }]),
        json!([{ "op": "replace", "path": "/spec/no/such", "value": 1 }]),
    ] {
        let status = cluster.json_patch(&path("a"), &patch).await.refused(422, "Invalid");
        assert!(message(&status).contains("JSON patch"), "{status}");
    }
    assert_eq!(cluster.get(&path("a")).await.json(), created);
}

#[tokio::test]
async fn what_is_no_patch_is_refused() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    for (patch, code) in [
        (json!([{ "op": "jump", "path": "/spec" }]), 400),
        (json!({ "spec": {} }), 400),
        (json!(vec![json!({ "op": "test", "path": "/kind", "value": "Device" }); 10_001]), 413),
    ] {
        assert_eq!(cluster.json_patch(&path("a"), &patch).await.code, code);
    }
    cluster.merge(&path("a"), &json!([])).await.refused(400, "BadRequest");
    let status =
        cluster.ask("PATCH", &path("a"), &[("Content-Type", MERGE)], b"{\"spec\"").await.refused(400, "BadRequest");
    assert!(message(&status).contains("line 1"), "{status}");
}

#[tokio::test]
async fn other_types_of_patches_are_answered_415_with_those_there_are() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    for type_ in ["application/strategic-merge-patch+json", "application/apply-patch+yaml", "application/json"] {
        let status = cluster.send("PATCH", &path("a"), type_, &json!({})).await.refused(415, "UnsupportedMediaType");
        let accepted = "application/json-patch+json, application/merge-patch+json";
        assert!(message(&status).ends_with(accepted), "{status}");
    }
}

#[tokio::test]
async fn a_strategic_patch_of_a_built_in_kind_is_taken_where_it_is_a_merge_patch() {
    let cluster = Cluster::start().await;
    let (path, type_) = ("/api/v1/namespaces/default", "application/strategic-merge-patch+json");
    let patched =
        cluster.send("PATCH", path, type_, &json!({ "metadata": { "labels": { "a": "b" } } })).await.expect(200);
    assert_eq!(patched["metadata"]["labels"]["a"], "b");
    let merged = json!({ "metadata": { "finalizers": ["a/b"] } });
    cluster.send("PATCH", path, type_, &merged).await.refused(415, "UnsupportedMediaType");
}

#[tokio::test]
async fn a_patch_with_a_version_is_of_that_version() {
    let cluster = Cluster::start().await;
    let created = cluster.device("a").await;
    let patch = json!({ "metadata": { "resourceVersion": version(&created) }, "spec": { "watts": 8 } });
    cluster.merge(&path("a"), &patch).await.expect(200);
    cluster.merge(&path("a"), &patch).await.refused(409, "Conflict");
    let test = json!([{ "op": "test", "path": "/metadata/resourceVersion", "value": version(&created) }]);
    cluster.json_patch(&path("a"), &test).await.refused(422, "Invalid");
}

#[tokio::test]
async fn a_patch_reaches_the_spec_or_the_status_but_not_both() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let both = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "watts": 8 }, "status": { "state": "on" } });
    let patched = cluster.merge(&path("a/status"), &both).await.expect(200);
    assert_eq!((&patched["spec"]["watts"], &patched["status"]["state"]), (&json!(7), &json!("on")));
    assert_eq!(patched["metadata"].get("labels"), None);
    let both = json!({ "spec": { "watts": 8 }, "status": { "state": "off" } });
    let patched = cluster.merge(&path("a"), &both).await.expect(200);
    assert_eq!((&patched["spec"]["watts"], &patched["status"]["state"]), (&json!(8), &json!("on")));
}

#[tokio::test]
async fn what_never_changes_can_not_be_patched() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let other = |field: &str| json!({ "metadata": { (field): "other" } });
    let status = cluster.merge(&path("a"), &other("name")).await.refused(422, "Invalid");
    assert_eq!(causes(&status)[0].1, "metadata.name");
    // It would be another object's patch.
    cluster.merge(&path("a"), &other("uid")).await.refused(409, "Conflict");
}

#[tokio::test]
async fn a_patch_that_is_meant_for_another_object_says_so() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let other = json!({ "metadata": { "uid": "other" }, "spec": { "watts": 9 } });
    let status = cluster.merge(&path("a"), &other).await.refused(409, "Conflict");
    assert!(message(&status).contains("UID in precondition: other"), "{status}");
}
