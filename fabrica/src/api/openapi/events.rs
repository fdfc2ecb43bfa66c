//! The schemas of recorded events, in their two forms.

use serde_json::{Value, json};

use super::meta::{number, part, text};

/// The form of the core group.
pub(super) fn core() -> Value {
    json!({
        "description": "Something that happened to an object, as its controller reports it. Events of a kind are counted, \
            and go after a while.",
        "type": "object",
        "properties": {
            "action": text("What was done, or failed."),
            "count": number("int32", "How often it has happened."),
            "eventTime": part("MicroTime", "When it first happened."),
            "firstTimestamp": part("Time", "When it first happened."),
            "involvedObject": object_reference("The object that it happened to."),
            "lastTimestamp": part("Time", "When it last happened."),
            "message": text("What happened, for people."),
            "reason": text("What happened, in one word for programs, as in `Provisioned`."),
            "related": object_reference("A second object that it is about."),
            "reportingComponent": text("Who reports it, as in `example.io/provisioner`."),
            "reportingInstance": text("Which of those that report."),
            "series": series(),
            "source": source("Who reports it."),
            "type": text("`Normal` or `Warning`."),
        },
        "required": ["metadata", "involvedObject"],
    })
}

/// The form of `events.k8s.io`.
pub(super) fn events() -> Value {
    let mut series = series();
    series["required"] = json!(["count", "lastObservedTime"]);
    json!({
        "description": "Something that happened to an object, as its controller reports it. Events of a kind are counted, \
            and go after a while.",
        "type": "object",
        "properties": {
            "action": text("What was done, or failed."),
            "deprecatedCount": number("int32", "How often it has happened."),
            "deprecatedFirstTimestamp": part("Time", "When it first happened."),
            "deprecatedLastTimestamp": part("Time", "When it last happened."),
            "deprecatedSource": source("Who reports it."),
            "eventTime": part("MicroTime", "When it first happened."),
            "note": text("What happened, for people."),
            "reason": text("What happened, in one word for programs, as in `Provisioned`."),
            "regarding": object_reference("The object that it happened to."),
            "related": object_reference("A second object that it is about."),
            "reportingController": text("Who reports it, as in `example.io/provisioner`."),
            "reportingInstance": text("Which of those that report."),
            "series": series,
            "type": text("`Normal` or `Warning`."),
        },
        "required": ["eventTime"],
    })
}

fn object_reference(description: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "properties": {
            "apiVersion": text("The group and version of its kind."),
            "fieldPath": text("The part of it that is meant, if it is not the whole."),
            "kind": text("Its kind."),
            "name": text("Its name."),
            "namespace": text("Its namespace."),
            "resourceVersion": text("Its version."),
            "uid": text("Its uid."),
        },
        "x-kubernetes-map-type": "atomic",
    })
}

fn series() -> Value {
    json!({
        "description": "How it went on, if it happened more than once.",
        "type": "object",
        "nullable": true,
        "properties": {
            "count": number("int32", "How often it has happened."),
            "lastObservedTime": part("MicroTime", "When it last happened."),
        },
    })
}

fn source(description: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "properties": {
            "component": text("The program, or its part."),
            "host": text("Where it runs."),
        },
    })
}
