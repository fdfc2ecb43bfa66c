//! What a body may be written in, and how large it may be.

use serde_json::json;

use super::server::{Cluster, DEVICES, JSON, NOTES, device, message, path};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const NAMESPACES: &str = "/api/v1/namespaces";

#[tokio::test]
async fn a_body_without_a_type_is_json() {
    let cluster = Cluster::start().await;
    let body = device("a").to_string();
    cluster.ask("POST", DEVICES, &[], body.as_bytes()).await.expect(201);
    let typed = [("Content-Type", "application/json; charset=utf-8")];
    cluster.ask("POST", DEVICES, &typed, body.as_bytes()).await.refused(409, "AlreadyExists");
}

#[tokio::test]
async fn other_formats_are_answered_415() {
    let cluster = Cluster::start().await;
    for type_ in ["application/yaml", "text/plain", "application/cbor"] {
        let status = cluster.send("POST", DEVICES, type_, &device("a")).await.refused(415, "UnsupportedMediaType");
        assert!(message(&status).contains("application/json"), "{status}");
    }
}

#[tokio::test]
async fn what_is_no_json_is_answered_400_with_the_place() {
    let cluster = Cluster::start().await;
    for (body, place) in [("{\n  \"metadata\": }", "line 2 column 15"), ("", "line 1 column 0"), ("[]", "no object")] {
        let answer = cluster.ask("POST", DEVICES, &[("Content-Type", JSON)], body.as_bytes()).await;
        let status = answer.refused(400, "BadRequest");
        assert!(message(&status).contains(place), "{status}");
    }
    let bomb = "[".repeat(100_000);
    cluster.ask("POST", DEVICES, &[("Content-Type", JSON)], bomb.as_bytes()).await.refused(400, "BadRequest");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_413() {
    let cluster = Cluster::start().await;
    let mut object = device("a");
    object["spec"]["rack"] = "x".repeat(4 << 20).into();
    cluster.post(DEVICES, &object).await.refused(413, "RequestEntityTooLarge");
    // More than the store takes.
    object["spec"]["rack"] = "x".repeat(2 << 20).into();
    cluster.post(DEVICES, &object).await.refused(413, "RequestEntityTooLarge");
    cluster.get(&path("a")).await.refused(404, "NotFound");
}

/// A field of a message that holds bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
}

fn protobuf(kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &type_meta), field(2, raw), field(3, b""), field(4, b"")].concat()
}

#[tokio::test]
async fn built_in_kinds_are_also_read_from_protocol_buffers() {
    let cluster = Cluster::start().await;
    let typed = [("Content-Type", PROTOBUF), ("Accept", "application/vnd.kubernetes.protobuf,application/json")];
    let label = field(11, &[field(1, b"team"), field(2, b"blue")].concat());
    let metadata = [field(1, b"lab"), field(2, b""), vec![7 << 3, 0], field(8, b""), label].concat();
    let namespace = protobuf("Namespace", &field(1, &metadata));
    let created = cluster.ask("POST", NAMESPACES, &typed, &namespace).await.expect(201);
    assert_eq!(
        (&created["metadata"]["name"], &created["metadata"]["labels"]),
        (&json!("lab"), &json!({ "team": "blue" }))
    );

    let options = protobuf("DeleteOptions", &[field(4, b"Background"), field(5, b"All")].concat());
    cluster.ask("DELETE", &format!("{NAMESPACES}/lab"), &typed, &options).await.expect(200);
    cluster.get(&format!("{NAMESPACES}/lab")).await.expect(200);

    let broken = &namespace[..namespace.len() - 5];
    cluster.ask("POST", NAMESPACES, &typed, broken).await.refused(400, "BadRequest");
    let other = protobuf("Secret", b"");
    cluster.ask("POST", NAMESPACES, &typed, &other).await.refused(415, "UnsupportedMediaType");
}

#[tokio::test]
async fn metadata_that_are_none_are_refused() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    for metadata in [json!(7), json!("a"), json!([]), json!({ "name": 7 })] {
        for collection in [DEVICES, NOTES, "/api/v1/namespaces/default/events", "/api/v1/namespaces"] {
            let answer = cluster.post(collection, &json!({ "metadata": metadata, "spec": { "text": "x" } })).await;
            assert!(matches!(answer.code, 400 | 422), "{collection} {metadata}: {}", answer.text());
        }
        for path in [path("a"), format!("{}/status", path("a"))] {
            let answer = cluster.put(&path, &json!({ "metadata": metadata, "spec": {} })).await;
            assert!(matches!(answer.code, 400 | 422), "{path} {metadata}: {}", answer.text());
        }
    }
    let elsewhere = json!({ "metadata": { "name": "b", "namespace": 7 }, "spec": { "text": "x" } });
    cluster.post(NOTES, &elsewhere).await.refused(400, "BadRequest");
}
