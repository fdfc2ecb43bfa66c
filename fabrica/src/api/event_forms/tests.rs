use serde_json::json;

use super::*;
use crate::resource::Timestamp;

fn stored() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": "dev-1.17", "namespace": "lab", "uid": "u-9", "generation": 3 },
        "spec": {
            "involvedObject": { "apiVersion": "example.io/v1", "kind": "Device", "name": "dev-1", "uid": "u-1" },
            "related": { "kind": "Rack", "name": "r-1" },
            "reason": "Started", "message": "It runs", "type": "Normal", "action": "Starting", "count": 7,
            "firstTimestamp": "2026-01-01T00:00:01.25Z", "lastTimestamp": "2026-01-01T00:02:01.999999Z",
            "eventTime": "2026-01-01T00:00:01.5Z",
            "series": { "count": 2, "lastObservedTime": "2026-01-01T00:00:03Z" },
            "source": { "component": "devices", "host": "h-1" },
            "reportingComponent": "devices", "reportingInstance": "devices-0",
        },
    })
}

#[test]
fn core_events_have_the_fields_at_the_top_and_times_as_kubernetes_writes_them() {
    let shown = EventForm::Core.show(&stored());
    let expected = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": "dev-1.17", "namespace": "lab", "uid": "u-9" },
        "involvedObject": { "apiVersion": "example.io/v1", "kind": "Device", "name": "dev-1", "uid": "u-1" },
        "related": { "kind": "Rack", "name": "r-1" },
        "reason": "Started", "message": "It runs", "type": "Normal", "action": "Starting", "count": 7,
        "firstTimestamp": "2026-01-01T00:00:01Z", "lastTimestamp": "2026-01-01T00:02:01Z",
        "eventTime": "2026-01-01T00:00:01.500000Z",
        "series": { "count": 2, "lastObservedTime": "2026-01-01T00:00:03.000000Z" },
        "source": { "component": "devices", "host": "h-1" },
        "reportingComponent": "devices", "reportingInstance": "devices-0",
    });
    assert_eq!(shown, expected);
}

#[test]
fn the_newer_form_has_its_own_names() {
    let shown = EventForm::Events.show(&stored());
    assert_eq!(shown["apiVersion"], "events.k8s.io/v1");
    assert_eq!(shown["regarding"]["uid"], "u-1");
    assert_eq!(shown["note"], "It runs");
    assert_eq!(shown["deprecatedCount"], 7);
    assert_eq!(shown["deprecatedFirstTimestamp"], "2026-01-01T00:00:01Z");
    assert_eq!(shown["deprecatedLastTimestamp"], "2026-01-01T00:02:01Z");
    assert_eq!(shown["deprecatedSource"]["component"], "devices");
    assert_eq!((&shown["reportingController"], &shown["reportingInstance"]), (&json!("devices"), &json!("devices-0")));
    assert_eq!(shown["eventTime"], "2026-01-01T00:00:01.500000Z");
    for old in ["involvedObject", "message", "count", "source", "reportingComponent", "spec"] {
        assert!(shown.get(old).is_none(), "{old} is no field of this form");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    for form in [EventForm::Core, EventForm::Events] {
        let mut expected = stored();
        expected["metadata"].as_object_mut().unwrap().remove("generation");
        expected["spec"]["firstTimestamp"] = "2026-01-01T00:00:01Z".into();
        expected["spec"]["lastTimestamp"] = "2026-01-01T00:02:01Z".into();
        assert_eq!(form.read(form.show(&stored())).unwrap(), expected, "{form:?}");
    }
}

#[test]
fn a_body_without_kind_and_with_what_nobody_knows_is_read() {
    let body = json!({
        "metadata": { "namespace": "default", "generateName": "kopf-event-" },
        "action": "Action?", "type": "Normal", "reason": "Logging", "message": "hello", "count": null,
        "reportingComponent": "kopf", "reportingInstance": "dev", "source": { "component": "kopf", "colour": "red" },
        "firstTimestamp": "2026-01-01T00:00:01.123456Z", "lastTimestamp": "2026-01-01T00:00:01.123456Z",
        "eventTime": "2026-01-01T00:00:01.123456Z", "shape": 7,
        "involvedObject": { "apiVersion": "example.io/v1", "kind": "Device", "name": "a", "uid": "u", "colour": "red" },
    });
    let stored = EventForm::Core.read(body).unwrap();
    assert_eq!((&stored["apiVersion"], &stored["kind"]), (&json!("v1"), &json!("Event")));
    assert_eq!(stored["metadata"]["generateName"], "kopf-event-");
    assert_eq!(stored["spec"]["source"], json!({ "component": "kopf" }));
    assert_eq!(stored["spec"]["involvedObject"].get("colour"), None);
    assert_eq!((stored["spec"].get("shape"), stored["spec"].get("count")), (None, None));
    assert_eq!(stored["spec"]["eventTime"], "2026-01-01T00:00:01.123456Z");
}

#[test]
fn faults_have_the_path_of_the_form_in_which_they_came() {
    let body = json!({ "apiVersion": "v1", "regarding": { "name": 7 } });
    let faults = EventForm::Events.read(body).unwrap_err();
    assert_eq!(faults.iter().map(|fault| &*fault.path).collect::<Vec<_>>(), ["apiVersion", "regarding.name"]);
    let faults = EventForm::Events.read(json!({ "deprecatedLastTimestamp": "yesterday" })).unwrap_err();
    assert_eq!(faults[0].path, "deprecatedLastTimestamp");
    assert!(EventForm::Core.read(json!([])).is_err());
    assert!(EventForm::Core.read(json!({ "count": 99_999_999_999_u64 })).is_err());
}

#[test]
fn a_patch_is_one_of_the_form_it_is_made_for() {
    let patch = json!({ "series": { "count": 3, "lastObservedTime": "2026-01-01T00:09:00.000001Z" }, "note": null });
    let mut shown = EventForm::Events.show(&stored());
    json_patch::merge(&mut shown, &patch);
    let patched = EventForm::Events.read(shown).unwrap();
    assert_eq!(patched["spec"]["series"]["count"], 3);
    assert_eq!(patched["spec"].get("message"), None);
    assert_eq!(patched["spec"]["reason"], "Started");
}

#[test]
fn field_selectors_of_each_form_lead_to_the_stored_fields() {
    let core = |path: &str| EventForm::Core.selected(path);
    let of = |path: &str| Some(path.to_owned());
    for field in ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] {
        let expected = of(&format!(".spec.involvedObject.{field}"));
        assert_eq!(core(&format!("involvedObject.{field}")), expected);
        assert_eq!(EventForm::Events.selected(&format!("regarding.{field}")), expected);
    }
    assert_eq!((core("reason"), core("type")), (of(".spec.reason"), of(".spec.type")));
    assert_eq!(core("reportingComponent"), of(".spec.reportingComponent"));
    assert_eq!(EventForm::Events.selected("reportingController"), of(".spec.reportingComponent"));
    assert_eq!(core("source"), of(".spec.source.component"));
    assert_eq!(core("metadata.name"), of("metadata.name"));
    for unknown in ["regarding.uid", "message", "involvedObject", "involvedObject.colour", "spec.reason", ""] {
        assert_eq!(core(unknown), None, "{unknown}");
    }
    assert_eq!(EventForm::Events.selected("involvedObject.uid"), None);
}

#[test]
fn a_table_shows_what_kubernetes_shows() {
    let now: Timestamp = "2026-01-01T00:10:03Z".parse().unwrap();
    let cells = |stored: &Value| json!(event_cells(stored, now));
    let expected =
        json!(["10m", "Normal", "Started", "device/dev-1", "", "devices, h-1", "It runs", "10m", 2, "dev-1.17"]);
    assert_eq!(cells(&stored()), expected);
    let mut counted = stored();
    counted["spec"].as_object_mut().unwrap().remove("series");
    assert_eq!((&cells(&counted)[0], &cells(&counted)[8]), (&json!("8m1s"), &json!(7)));
    let bare = json!({ "metadata": { "name": "a" }, "spec": { "involvedObject": { "kind": "Device" } } });
    assert_eq!(cells(&bare), json!(["<unknown>", "", "", "device", "", "", "", "<unknown>", 1, "a"]));
}
