//! Paths and methods.

use serde_json::json;

use super::server::{Cluster, DEVICES, JSON, NOTES, device, note, path};

#[tokio::test]
async fn an_unknown_path_is_answered_404_in_plain_text() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    for unknown in [
        "/nothing",
        "/apis/example.io/v1/racks",
        "/apis/example.io/v2/devices",
        "/apis/example.org/v1/devices",
        "/api/v1/devices",
        "/apis/example.io/v1/devices/a/scale",
        "/apis/example.io/v1/namespaces/default/devices",
        // Of the objects of a namespaced kind only a list is about all namespaces.
        "/apis/example.io/v1/notes/a",
        "/apis/example.io/v1/namespaces/default/notes/a/status",
    ] {
        let answer = cluster.get(unknown).await;
        assert_eq!((answer.code, answer.text().as_str()), (404, "404 page not found\n"), "{unknown}");
        assert_eq!(answer.header("content-type"), ["text/plain; charset=utf-8"], "{unknown}");
    }
    for method in ["POST", "DELETE"] {
        let answer = cluster.ask(method, "/apis/example.io/v1/notes", &[("Content-Type", JSON)], b"{}").await;
        assert_eq!((answer.code, answer.text().as_str()), (404, "404 page not found\n"), "{method}");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_answered_405() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let one = path("a");
    for (method, path) in [
        ("PUT", DEVICES),
        ("PATCH", DEVICES),
        ("OPTIONS", DEVICES),
        ("POST", &one),
        ("OPTIONS", &one),
        ("TRACE", &one),
        ("DELETE", &format!("{one}/status")),
        ("POST", "/api/v1/namespaces/default/services"),
    ] {
        let answer = cluster.ask(method, path, &[("Content-Type", JSON)], device("b").to_string().as_bytes()).await;
        answer.refused(405, "MethodNotAllowed");
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    let (get, head) = (cluster.get(&path("a")).await, cluster.ask("HEAD", &path("a"), &[], b"").await);
    assert_eq!((head.code, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert_eq!(cluster.ask("HEAD", &path("b"), &[], b"").await.code, 404);
}

#[tokio::test]
async fn the_services_that_tools_ask_for_are_an_empty_list() {
    let cluster = Cluster::start().await;
    let list = cluster.get("/api/v1/namespaces/kube-system/services").await.expect(200);
    assert_eq!((&list["kind"], &list["items"]), (&json!("ServiceList"), &json!([])));
    cluster.get("/api/v1/namespaces/default/services/x").await.refused(404, "NotFound");
}

#[tokio::test]
async fn names_are_decoded_once_and_lead_nowhere_else() {
    let cluster = Cluster::start().await;
    cluster.device("a").await;
    cluster.post(NOTES, &note("a")).await.expect(201);
    cluster.get(&path("%61")).await.expect(200);
    for name in ["..%2Fa", "a%2Fstatus", "%2561", "a%00"] {
        cluster.get(&path(name)).await.refused(404, "NotFound");
    }
}

#[tokio::test]
async fn the_core_group_is_not_served_as_a_group_without_a_name() {
    let cluster = Cluster::start().await;
    for path in ["/apis//v1", "/apis//v1/namespaces", "/apis//v1/namespaces/default"] {
        let answer = cluster.get(path).await;
        assert_eq!((answer.code, answer.text().as_str()), (404, "404 page not found\n"), "{path}");
    }
}
