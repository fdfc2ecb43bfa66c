//! The messages that are known: numbers and names are those of the `generated.proto` files of Kubernetes.

use super::wire::Field;
use super::wire::Message;
use super::wire::Type::{Bool, Int, Message as One, Messages, Text, TextMap, Texts, Time};

/// A kind of object that is sent as a message.
pub(super) struct Object {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) message: Message,
}

/// All of them.
pub(super) const OBJECTS: &[Object] = &[
    Object { api_version: "v1", kind: "Namespace", message: NAMESPACE },
    Object { api_version: "v1", kind: "DeleteOptions", message: DELETE_OPTIONS },
];

const NAMESPACE: Message = &[
    Field(1, "metadata", One(OBJECT_META)),
    Field(2, "spec", One(&[Field(1, "finalizers", Texts)])),
    Field(3, "status", One(&[Field(1, "phase", Text)])),
];

const DELETE_OPTIONS: Message = &[
    Field(1, "gracePeriodSeconds", Int),
    Field(2, "preconditions", One(&[Field(1, "uid", Text), Field(2, "resourceVersion", Text)])),
    Field(3, "orphanDependents", Bool),
    Field(4, "propagationPolicy", Text),
    Field(5, "dryRun", Texts),
];

const OBJECT_META: Message = &[
    Field(1, "name", Text),
    Field(2, "generateName", Text),
    Field(3, "namespace", Text),
    Field(5, "uid", Text),
    Field(6, "resourceVersion", Text),
    Field(7, "generation", Int),
    Field(8, "creationTimestamp", Time),
    Field(9, "deletionTimestamp", Time),
    Field(11, "labels", TextMap),
    Field(12, "annotations", TextMap),
    Field(13, "ownerReferences", Messages(OWNER_REFERENCE)),
    Field(14, "finalizers", Texts),
];

const OWNER_REFERENCE: Message = &[
    Field(1, "kind", Text),
    Field(3, "name", Text),
    Field(4, "uid", Text),
    Field(5, "apiVersion", Text),
    Field(6, "controller", Bool),
    Field(7, "blockOwnerDeletion", Bool),
];
