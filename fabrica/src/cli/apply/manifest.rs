//! What a document asks for: which object, of which kind.

use serde_json::{Map, Value};

use super::source::{Place, Problem};
use crate::resource::suggest::closest;
use crate::resource::{GroupKind, ResourceType};

/// How people call an object, unique among all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) kind: GroupKind,
    /// Empty for a kind that is not namespaced.
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Identity {
    /// As in `device/dev-1`, or `device/rack-7/dev-1` in a namespace.
    pub(super) fn shown(&self, type_: &ResourceType) -> String {
        let Self { namespace, name, .. } = self;
        let slash = if namespace.is_empty() { "" } else { "/" };
        format!("{}/{namespace}{slash}{name}", type_.singular)
    }
}

/// A document whose object is known.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) place: Place,
    pub(super) type_: &'static ResourceType,
    pub(super) identity: Identity,
    /// The envelope, without what nobody but the store can say.
    pub(super) value: Value,
}

/// The objects of a document: one, or the items of a `List`.
pub(super) fn manifests(
    place: &Place,
    document: Value,
    types: &[&'static ResourceType],
    out: &mut Vec<Manifest>,
    problems: &mut Vec<Problem>,
) {
    let is_list = document.get("kind").is_some_and(|kind| kind == "List")
        && document.get("apiVersion").is_some_and(|v| v == "v1");
    if !is_list {
        return match manifest(place.clone(), document, types) {
            Ok(manifest) => out.push(manifest),
            Err(message) => problems.push(Problem { place: place.clone(), message, hides: true }),
        };
    }
    let Value::Object(mut list) = document else { return };
    match list.remove("items") {
        Some(Value::Array(items)) => {
            for (index, item) in items.into_iter().enumerate() {
                manifests(&place.item(index + 1), item, types, out, problems);
            }
        }
        None | Some(Value::Null) => {}
        Some(_) => {
            let message = "items: is no list".to_owned();
            problems.push(Problem { place: place.clone(), message, hides: true });
        }
    }
}

fn manifest(place: Place, document: Value, types: &[&'static ResourceType]) -> Result<Manifest, String> {
    let Value::Object(mut envelope) = document else {
        return Err("is no manifest: it must have apiVersion, kind, metadata and spec".to_owned());
    };
    let of = find_type(&envelope, types)?;
    let Some(metadata) = envelope.get_mut("metadata").and_then(Value::as_object_mut) else {
        return Err("metadata: is missing; give it at least a `name`".to_owned());
    };
    let name = text(metadata, "metadata.name", "name")?;
    let mut namespace = String::new();
    if of.namespaced {
        let given = metadata.get("namespace").is_some_and(|namespace| !namespace.is_null() && namespace != "");
        namespace = if given { text(metadata, "metadata.namespace", "namespace")? } else { "default".to_owned() };
    }
    // What was read from a running program can be applied again, as it is; its status is not a wish.
    envelope.remove("status");
    let identity = Identity { kind: of.group_kind(), namespace, name };
    Ok(Manifest { place, type_: of, identity, value: envelope.into() })
}

fn text(object: &Map<String, Value>, path: &str, key: &str) -> Result<String, String> {
    match object.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        None | Some(Value::Null | Value::String(_)) => Err(format!("{path}: is missing")),
        Some(other) => Err(format!("{path}: {other} is no string; put it in quotes")),
    }
}

fn find_type(envelope: &Map<String, Value>, types: &[&'static ResourceType]) -> Result<&'static ResourceType, String> {
    let (api_version, kind) = (text(envelope, "apiVersion", "apiVersion")?, text(envelope, "kind", "kind")?);
    if let Some(type_) = types.iter().find(|type_| type_.api_version == api_version && type_.kind == kind) {
        return Ok(type_);
    }
    let namesakes = types.iter().filter(|type_| type_.kind == kind).map(|type_| type_.api_version).collect::<Vec<_>>();
    if !namesakes.is_empty() {
        let right = namesakes.join("` or `");
        return Err(format!("apiVersion: the kind {kind} is of `{right}` in this program, not of `{api_version}`"));
    }
    let known =
        types.iter().map(|type_| format!("{} ({})", type_.kind, type_.api_version)).collect::<Vec<_>>().join(", ");
    let hint = closest(&kind, types.iter().map(|type_| type_.kind));
    let hint = hint.map_or(String::new(), |meant| format!(" (did you mean `{meant}`?)"));
    Err(format!("kind: this program has no kind `{kind}`{hint}; it has {known}"))
}
