//! Create and update.

use serde_json::{Value, json};

use super::server::{Cluster, DEVICES, NOTES, causes, device, message, note, path, version};

const NAMESPACES: &str = "/api/v1/namespaces";

#[tokio::test]
async fn a_name_can_be_generated() {
    let cluster = Cluster::start().await;
    let mut object = device("");
    object["metadata"] = json!({ "generateName": "dev-" });
    let (one, two) =
        (cluster.post(DEVICES, &object).await.expect(201), cluster.post(DEVICES, &object).await.expect(201));
    let names = [&one, &two].map(|object| object["metadata"]["name"].as_str().unwrap());
    assert!(names.iter().all(|name| name.starts_with("dev-") && name.len() == 9) && names[0] != names[1], "{names:?}");
    object["metadata"] = json!({});
    let status = cluster.post(DEVICES, &object).await.refused(422, "Invalid");
    assert_eq!(causes(&status)[0].1, "metadata.name");
}

#[tokio::test]
async fn an_existing_name_is_answered_409_already_exists() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let status = cluster.post(DEVICES, &device("a")).await.refused(409, "AlreadyExists");
    assert_eq!(message(&status), "devices.example.io \"a\" already exists");
    assert_eq!(status["details"], json!({ "name": "a", "group": "example.io", "kind": "devices" }));
    let mut same_uid = device("b");
    same_uid["metadata"]["uid"] = cluster.get(&path("a")).await.json()["metadata"]["uid"].take();
    let status = cluster.post(DEVICES, &same_uid).await.refused(409, "AlreadyExists");
    assert!(message(&status).contains("uid"), "{status}");
}

#[tokio::test]
async fn kind_and_version_may_be_left_out_but_not_be_wrong() {
    let cluster = Cluster::start().await;
    let bare =
        json!({ "metadata": { "name": "a", "labels": null, "creationTimestamp": null }, "spec": { "watts": 1 } });
    let created = cluster.post(DEVICES, &bare).await.expect(201);
    assert_eq!((&created["kind"], &created["apiVersion"]), (&json!("Device"), &json!("example.io/v1")));
    for (field, wrong) in [("kind", "Note"), ("apiVersion", "example.io/v2")] {
        let mut object = device("b");
        object[field] = wrong.into();
        let status = cluster.post(DEVICES, &object).await.refused(400, "BadRequest");
        assert!(message(&status).contains(wrong), "{status}");
    }
}

#[tokio::test]
async fn a_new_object_has_no_version_yet() {
    let cluster = Cluster::start().await;
    let mut object = device("a");
    object["metadata"]["resourceVersion"] = "7".into();
    let status = cluster.post(DEVICES, &object).await.refused(400, "BadRequest");
    assert_eq!(message(&status), "resourceVersion should not be set on objects to be created");
}

#[tokio::test]
async fn the_namespace_of_a_new_object_is_that_of_the_path_and_exists() {
    let cluster = Cluster::start().await;
    let created = cluster.post(NOTES, &note("a")).await.expect(201);
    assert_eq!(created["metadata"]["namespace"], "default");
    let mut elsewhere = note("b");
    elsewhere["metadata"]["namespace"] = "lab".into();
    cluster.post(NOTES, &elsewhere).await.refused(400, "BadRequest");
    let status = cluster.post("/apis/example.io/v1/namespaces/lab/notes", &note("b")).await.refused(404, "NotFound");
    assert_eq!(message(&status), "namespaces \"lab\" not found");
    assert_eq!(status["details"], json!({ "name": "lab", "kind": "namespaces" }));
    // Of no use where nothing lives in a namespace, but harmless.
    let mut of_cluster = device("a");
    of_cluster["metadata"]["namespace"] = "default".into();
    assert_eq!(cluster.post(DEVICES, &of_cluster).await.expect(201)["metadata"].get("namespace"), None);
}

#[tokio::test]
async fn nothing_is_created_in_a_namespace_that_goes() {
    let cluster = Cluster::start().await;
    let lab = json!({ "metadata": { "name": "lab", "finalizers": ["example.org/hold"] } });
    cluster.post(NAMESPACES, &lab).await.expect(201);
    cluster.delete(&format!("{NAMESPACES}/lab"), &json!({})).await.expect(200);
    let status = cluster.post("/apis/example.io/v1/namespaces/lab/notes", &note("a")).await.refused(403, "Forbidden");
    assert_eq!(causes(&status), [("NamespaceTerminating", "metadata.namespace")]);
    assert!(message(&status).contains("because it is being terminated"), "{status}");
}

#[tokio::test]
async fn a_write_that_changes_nothing_gives_no_new_resource_version() {
    let cluster = Cluster::start().await;
    let created = cluster.device("a").await;
    let with_status = cluster.merge(&path("a/status"), &json!({ "status": { "state": "on" } })).await.expect(200);
    let before = cluster.revision().await;
    let empty = json!({});
    for answer in [
        cluster.put(&path("a"), &with_status).await,
        cluster.put(&path("a/status"), &with_status).await,
        cluster.merge(&path("a"), &empty).await,
        cluster.merge(&path("a"), &json!({ "spec": { "watts": 7, "rack": null } })).await,
        cluster.merge(&path("a/status"), &json!({ "status": { "state": "on" } })).await,
        cluster.json_patch(&path("a"), &json!([{ "op": "test", "path": "/spec/watts", "value": 7 }])).await,
    ] {
        assert_eq!(answer.expect(200), with_status);
    }
    assert_eq!(cluster.revision().await, before);
    assert_ne!(version(&created), version(&with_status));
}

#[tokio::test]
async fn an_update_without_a_version_is_answered_422() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    for path in [path("a"), path("a/status")] {
        let status = cluster.put(&path, &device("a")).await.refused(422, "Invalid");
        assert_eq!(causes(&status), [("FieldValueInvalid", "metadata.resourceVersion")]);
        assert!(message(&status).contains("must be specified for an update"), "{status}");
    }
}

#[tokio::test]
async fn an_update_is_of_the_version_that_was_read() {
    let cluster = Cluster::start().await;
    let read = cluster.device("a").await;
    let mut newer = read.clone();
    newer["spec"]["watts"] = 8.into();
    let written = cluster.put(&path("a"), &newer).await.expect(200);
    assert_eq!((&written["spec"]["watts"], &written["metadata"]["generation"]), (&json!(8), &json!(2)));
    for path in [path("a"), path("a/status")] {
        let status = cluster.put(&path, &newer).await.refused(409, "Conflict");
        let expected = "Operation cannot be fulfilled on devices.example.io \"a\": the object has been modified; please \
            apply your changes to the latest version and try again";
        assert_eq!(message(&status), expected);
    }
}

#[tokio::test]
async fn an_update_is_of_the_object_that_the_path_names() {
    let cluster = Cluster::start().await;
    let read = cluster.device("a").await;
    cluster.put(&path("b"), &read).await.refused(400, "BadRequest");
    let with = |field: &str, value: Value| {
        let mut object = read.clone();
        object["metadata"][field] = value;
        object
    };
    cluster.put(&path("b"), &with("name", "b".into())).await.refused(404, "NotFound");
    let status = cluster.put(&path("a"), &with("uid", "another".into())).await.refused(409, "Conflict");
    assert!(message(&status).contains("UID in precondition: another"), "{status}");
}

#[tokio::test]
async fn spec_and_status_are_written_apart() {
    let cluster = Cluster::start().await;
    let mut new = device("a");
    new["status"] = json!({ "state": "made up" });
    let created = cluster.post(DEVICES, &new).await.expect(201);
    assert_eq!(created.get("status"), None, "a status is for others to observe");

    let mut both = created.clone();
    both["spec"]["watts"] = 9.into();
    both["status"] = json!({ "state": "on", "count": 3 });
    let of_status = cluster.put(&path("a/status"), &both).await.expect(200);
    assert_eq!((&of_status["spec"]["watts"], &of_status["status"]["state"]), (&json!(7), &json!("on")));
    assert_eq!(of_status["metadata"]["generation"], 1);
    assert_eq!(cluster.get(&path("a/status")).await.expect(200), of_status);

    both["metadata"] = of_status["metadata"].clone();
    both["status"]["state"] = "off".into();
    let of_spec = cluster.put(&path("a"), &both).await.expect(200);
    assert_eq!((&of_spec["spec"]["watts"], &of_spec["status"]["state"]), (&json!(9), &json!("on")));
    assert_eq!(of_spec["metadata"]["generation"], 2);

    // What else is wrong in it doesn't matter to a write of the status.
    let mut without_spec = of_spec.clone();
    without_spec["spec"] = json!({ "watts": "many" });
    without_spec["metadata"]["labels"] = json!({ "a": "b" });
    without_spec["status"]["count"] = 4.into();
    let of_status = cluster.put(&path("a/status"), &without_spec).await.expect(200);
    assert_eq!((&of_status["spec"]["watts"], &of_status["status"]["count"]), (&json!(9), &json!(4)));
    assert_eq!(of_status["metadata"].get("labels"), None);
}

#[tokio::test]
async fn large_numbers_stay_exact() {
    let cluster = Cluster::start().await;
    let mut object = device("a");
    object["spec"]["serialNumber"] = u64::MAX.into();
    cluster.post(DEVICES, &object).await.expect(201);
    let patched = cluster.merge(&path("a"), &json!({ "spec": { "watts": 1 } })).await.expect(200);
    assert_eq!(patched["spec"]["serialNumber"], u64::MAX);
    assert_eq!(cluster.get(&path("a")).await.json()["spec"]["serialNumber"], u64::MAX);
}

#[tokio::test]
async fn a_namespace_shows_its_phase_from_the_start() {
    let cluster = Cluster::start().await;
    let lab = json!({ "metadata": { "name": "lab" } });
    assert_eq!(cluster.post(NAMESPACES, &lab).await.expect(201)["status"], json!({ "phase": "Active" }));
    for namespace in cluster.get(NAMESPACES).await.expect(200)["items"].as_array().unwrap() {
        assert_eq!(namespace["status"], json!({ "phase": "Active" }));
    }
}
