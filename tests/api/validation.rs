//! What is wrong with an object, and what is said about it.

use serde_json::{Value, json};

use super::server::{Answer, Cluster, DEVICES, JSON, JSON_PATCH, MERGE, causes, device, message, path};

/// A device with an unknown field, and one that is there twice.
const ODD: &str = r#"{"metadata":{"name":"odd"},"spec":{"watts":1,"watts":2,"zzz":{"a":1}}}"#;

async fn create_odd(cluster: &Cluster, validation: &str) -> Answer {
    let path = format!("{DEVICES}?fieldValidation={validation}");
    cluster.ask("POST", &path, &[("Content-Type", JSON)], ODD.as_bytes()).await
}

#[tokio::test]
async fn strict_refuses_unknown_and_duplicate_fields() {
    let cluster = Cluster::start().await;
    let status = create_odd(&cluster, "Strict").await.refused(400, "BadRequest");
    let expected = "Device in version \"v1\" cannot be handled as a Device: strict decoding error: unknown field \
        \"spec.zzz\", duplicate field \"spec.watts\"";
    assert_eq!(message(&status), expected);
    cluster.get(&path("odd")).await.refused(404, "NotFound");
}

#[tokio::test]
async fn warn_drops_them_and_says_so_in_headers() {
    let cluster = Cluster::start().await;
    for validation in ["Warn", ""] {
        let answer = create_odd(&cluster, validation).await;
        assert_eq!(answer.expect(201)["spec"], json!({ "watts": 2, "power": "stopped" }), "the last one counts");
        let expected = [r#"299 - "unknown field \"spec.zzz\"""#, r#"299 - "duplicate field \"spec.watts\"""#];
        assert_eq!(answer.header("warning"), expected);
        cluster.delete(&path("odd"), &json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn ignore_drops_them_in_silence() {
    let cluster = Cluster::start().await;
    let answer = create_odd(&cluster, "Ignore").await;
    assert_eq!(answer.expect(201)["spec"]["watts"], 2);
    assert_eq!(answer.header("warning"), [""; 0]);
    create_odd(&cluster, "Never").await.refused(400, "BadRequest");
}

#[tokio::test]
async fn patches_and_updates_are_validated_alike() {
    let cluster = Cluster::start().await;
    let created = cluster.device("a").await;
    let patch = json!({ "spec": { "watts": 8, "zzz": 1 } });
    let add = json!([{ "op": "add", "path": "/spec/zzz", "value": 1 }]);
    let mut update = created.clone();
    update["spec"]["zzz"] = 1.into();
    for (method, type_, body, code) in
        [("PATCH", MERGE, &patch, 422), ("PATCH", JSON_PATCH, &add, 422), ("PUT", JSON, &update, 400)]
    {
        let strict = cluster.send(method, &format!("{}?fieldValidation=Strict", path("a")), type_, body).await;
        assert_eq!(strict.code, code, "{}", strict.text());
        let status = strict.json();
        assert!(message(&status).contains("strict decoding error: unknown field \"spec.zzz\""), "{status}");
        assert_eq!(cluster.get(&path("a")).await.json(), created);
    }
    for (method, type_, body) in [("PATCH", JSON_PATCH, &add), ("PUT", JSON, &update), ("PATCH", MERGE, &patch)] {
        let warned = cluster.send(method, &path("a"), type_, body).await;
        assert_eq!(warned.expect(200)["spec"].get("zzz"), None);
        assert_eq!(warned.header("warning"), [r#"299 - "unknown field \"spec.zzz\"""#]);
        let ignored = cluster.send(method, &format!("{}?fieldValidation=Ignore", path("a")), type_, body).await;
        assert_eq!(ignored.header("warning"), [""; 0]);
    }
    let twice = br#"{"spec":{"watts":1,"watts":2}}"#;
    let place = format!("{}?fieldValidation=Strict", path("a"));
    let status = cluster.ask("PATCH", &place, &[("Content-Type", MERGE)], twice).await.refused(422, "Invalid");
    assert!(message(&status).contains("duplicate field \"spec.watts\""), "{status}");
}

#[tokio::test]
async fn every_fault_is_a_cause_with_its_field() {
    let cluster = Cluster::start().await;
    let mut wrong = device("Not_A_Name");
    wrong["metadata"]["labels"] = json!({ "a b": "c" });
    wrong["spec"] = json!({ "watts": 9999, "power": "sideways" });
    let status = cluster.post(DEVICES, &wrong).await.refused(422, "Invalid");
    assert!(message(&status).starts_with("Device.example.io \"Not_A_Name\" is invalid: ["), "{status}");
    assert_eq!(status["details"]["kind"], "Device");
    let mut found = causes(&status);
    found.sort_by_key(|(_, field)| *field);
    let expected = [
        ("FieldValueInvalid", "metadata.labels[a b]"),
        ("FieldValueInvalid", "metadata.name"),
        ("FieldValueNotSupported", "spec.power"),
        ("FieldValueInvalid", "spec.watts"),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_cause_reads_well_after_its_field() {
    let cluster = Cluster::start().await;
    let with = |spec: Value| {
        let mut object = device("a");
        object["spec"] = spec;
        object
    };
    for (spec, reason, expected) in [
        (json!({}), "FieldValueRequired", "spec.watts: Required value"),
        (
            json!({ "watts": "many" }),
            "FieldValueTypeInvalid",
            "spec.watts: Invalid value: is a string, but must be an integer",
        ),
        (
            json!({ "watts": 9999 }),
            "FieldValueInvalid",
            "spec.watts: Invalid value: is `9999`, but must be at most 3000",
        ),
        (
            json!({ "watts": 1, "power": "sideways" }),
            "FieldValueNotSupported",
            "spec.power: Unsupported value: `sideways` is not one of `stopped`, `running`",
        ),
    ] {
        let status = cluster.post(DEVICES, &with(spec)).await.refused(422, "Invalid");
        assert_eq!(message(&status), format!("Device.example.io \"a\" is invalid: {expected}"));
        assert_eq!(causes(&status)[0].0, reason, "{status}");
    }
}

#[tokio::test]
async fn warnings_are_no_longer_than_a_header_may_be() {
    let cluster = Cluster::start().await;
    let mut device = device("a");
    for n in 0..40 {
        device["spec"][format!("{n}{}", "x".repeat(20_000))] = 1.into();
    }
    let answer = cluster.post(DEVICES, &device).await;
    answer.expect(201);
    let warnings = answer.header("warning");
    assert!(warnings.len() > 1 && warnings.iter().map(|warning| warning.len()).sum::<usize>() < 5000);
    assert!(warnings[0].starts_with("299 - \"unknown field \\\"spec.0xxx"), "{}", warnings[0]);
}
