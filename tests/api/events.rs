//! Recorded events, in both of their forms.

use fabrica::prelude::*;
use serde_json::{Value, json};

use super::server::Cluster;

const CORE: &str = "/api/v1/namespaces/default/events";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

/// As kopf posts one: without a kind.
fn posted(name: &str) -> Value {
    json!({
        "metadata": { "generateName": format!("{name}-") },
        "involvedObject": { "apiVersion": "example.io/v1", "kind": "Device", "name": name, "uid": "u-1" },
        "reason": "Started", "message": "It runs", "type": "Normal", "count": 1,
        // What is older than an hour goes.
        "firstTimestamp": Timestamp::now(), "lastTimestamp": Timestamp::now(),
    })
}

#[tokio::test]
async fn an_event_is_one_thing_in_two_forms() {
    let cluster = Cluster::start().await;
    let core = cluster.post(CORE, &posted("a")).await.expect(201);
    let name = core["metadata"]["name"].as_str().unwrap();
    assert_eq!((&core["kind"], &core["apiVersion"], core.get("spec")), (&json!("Event"), &json!("v1"), None));
    let event = cluster.get(&format!("{EVENTS}/{name}")).await.expect(200);
    assert_eq!((&event["apiVersion"], &event["note"]), (&json!("events.k8s.io/v1"), &json!("It runs")));
    assert_eq!((&event["regarding"]["name"], &event["deprecatedCount"]), (&json!("a"), &json!(1)));
    assert_eq!(event["metadata"], core["metadata"]);
    assert!(event["eventTime"].is_string() && core.get("eventTime").is_none(), "only the newer form can't be without");
}

#[tokio::test]
async fn a_patch_is_one_of_the_form_that_it_is_made_for() {
    let cluster = Cluster::start().await;
    let core = cluster.post(CORE, &posted("a")).await.expect(201);
    let name = core["metadata"]["name"].as_str().unwrap();
    let series =
        json!({ "series": { "count": 2, "lastObservedTime": "2026-01-01T00:00:03.000000Z" }, "note": "Still" });
    let patched = cluster.merge(&format!("{EVENTS}/{name}"), &series).await.expect(200);
    assert_eq!((&patched["series"]["count"], &patched["note"]), (&json!(2), &json!("Still")));
    let core = cluster.get(&format!("{CORE}/{name}")).await.expect(200);
    assert_eq!((&core["series"]["count"], &core["message"]), (&json!(2), &json!("Still")));
    let again = cluster.merge(&format!("{EVENTS}/{name}"), &series).await.expect(200);
    assert_eq!(again["metadata"]["resourceVersion"], core["metadata"]["resourceVersion"], "nothing changed");
    let stale = json!({ "metadata": { "resourceVersion": "1" }, "note": "Late" });
    cluster.merge(&format!("{EVENTS}/{name}"), &stale).await.refused(409, "Conflict");
    let no_time = json!([{ "op": "replace", "path": "/firstTimestamp", "value": "yesterday" }]);
    cluster.json_patch(&format!("{CORE}/{name}"), &no_time).await.refused(422, "Invalid");
}

#[tokio::test]
async fn a_series_that_lacks_a_part_is_none_in_the_newer_form() {
    let cluster = Cluster::start().await;
    let mut event = posted("a");
    event["series"] = json!({});
    let name = cluster.post(CORE, &event).await.expect(201)["metadata"]["name"].as_str().unwrap().to_owned();
    assert_eq!(cluster.get(&format!("{EVENTS}/{name}")).await.expect(200).get("series"), None);
}

#[tokio::test]
async fn events_are_selected_as_kubectl_describe_does() {
    let cluster = Cluster::start().await;
    cluster.post(CORE, &posted("a")).await.expect(201);
    cluster.post(CORE, &posted("b")).await.expect(201);
    let count = async |path: &str| cluster.get(path).await.expect(200)["items"].as_array().unwrap().len();
    // In any order, and with an empty value for a field that is not there.
    let describe = "involvedObject.name=a,involvedObject.namespace=,involvedObject.kind=Device,involvedObject.uid=u-1";
    assert_eq!(count(&format!("/api/v1/events?fieldSelector={describe}")).await, 1);
    assert_eq!(count(&format!("{EVENTS}?fieldSelector=regarding.kind=Device,type=Normal")).await, 2);
    assert_eq!(count(&format!("{CORE}?fieldSelector=type!=Normal")).await, 0);
    let status = cluster.get(&format!("{CORE}?fieldSelector=message=x")).await.refused(400, "BadRequest");
    assert!(status["message"].as_str().unwrap().contains("message"), "{status}");
}

#[tokio::test]
async fn a_table_of_events_has_the_columns_that_kubectl_shows() {
    let cluster = Cluster::start().await;
    cluster.post(CORE, &posted("a")).await.expect(201);
    let accept = [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let table = cluster.ask("GET", CORE, &accept, b"").await.expect(200);
    let columns: Vec<&str> =
        table["columnDefinitions"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(columns[..4], ["Last Seen", "Type", "Reason", "Object"]);
    assert_eq!(table["rows"][0]["cells"][3], "device/a");
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}

#[tokio::test]
async fn a_patch_leaves_an_event_the_object_that_it_is() {
    let cluster = Cluster::start().await;
    let core = cluster.post(CORE, &posted("a")).await.expect(201);
    let other = cluster.post(CORE, &posted("b")).await.expect(201);
    let path = format!("{CORE}/{}", core["metadata"]["name"].as_str().unwrap());
    let of_other = json!({
        "name": other["metadata"]["name"], "uid": other["metadata"]["uid"],
        "resourceVersion": other["metadata"]["resourceVersion"],
    });
    for metadata in [json!("x"), json!([]), json!(7), json!(null), json!({ "name": "z" }), of_other] {
        let merge = json!({ "metadata": metadata, "message": "Changed" });
        cluster.merge(&path, &merge).await.refused(422, "Invalid");
        let operations = json!([{ "op": "add", "path": "/metadata", "value": metadata }]);
        cluster.json_patch(&path, &operations).await.refused(422, "Invalid");
    }
    let other = cluster.get(&format!("{CORE}/{}", other["metadata"]["name"].as_str().unwrap())).await.expect(200);
    assert_eq!(other["message"], "It runs");
    let unset = json!({ "metadata": { "resourceVersion": "" }, "message": "Changed" });
    assert_eq!(cluster.merge(&path, &unset).await.expect(200)["message"], "Changed");
}

#[tokio::test]
async fn an_event_is_patched_strategically_as_recorders_do() {
    let cluster = Cluster::start().await;
    let core = cluster.post(CORE, &posted("a")).await.expect(201);
    let name = core["metadata"]["name"].as_str().unwrap();
    let strategic = "application/strategic-merge-patch+json";
    for (resource, field) in [(CORE, "message"), (EVENTS, "note")] {
        let answer = cluster.send("PATCH", &format!("{resource}/{name}"), strategic, &json!({ (field): field })).await;
        assert_eq!(answer.expect(200)[field], field);
    }
}

#[tokio::test]
async fn a_patch_of_an_event_that_asks_for_too_much_is_answered_413() {
    let cluster = Cluster::start().await;
    let core = cluster.post(CORE, &posted("a")).await.expect(201);
    let path = format!("{CORE}/{}", core["metadata"]["name"].as_str().unwrap());
    // Each doubles what is there.
    let copies: Vec<_> = (0..40).map(|n| json!({ "op": "copy", "from": "", "path": format!("/c{n}") })).collect();
    cluster.json_patch(&path, &json!(copies)).await.refused(413, "RequestEntityTooLarge");
}
