//! The columns of a kind, and what an object has to show in them.

use serde_json::Value;

use super::render::{Row, Section};
use crate::client::{Client, ListOptions};
use crate::resource::{FieldPath, Metadata, OwnerReference, ResourceType, Timestamp, Uid, age};

/// The columns of a kind.
pub(super) struct Columns {
    pub(super) type_: &'static ResourceType,
    /// Those that the kind declares, with the path of what they show.
    declared: Vec<(&'static str, Option<FieldPath>)>,
    ready: bool,
}

/// An object as it stands in the store.
pub(super) struct Shown {
    metadata: Metadata,
    envelope: Value,
}

impl Shown {
    pub(super) fn new(envelope: Value) -> Self {
        let metadata =
            envelope.get("metadata").and_then(|metadata| serde_json::from_value::<Metadata>(metadata.clone()).ok());
        Self { metadata: metadata.unwrap_or_default(), envelope }
    }

    pub(super) fn uid(&self) -> &Uid {
        &self.metadata.uid
    }

    /// The one owner that acts on it.
    pub(super) fn owner(&self) -> Option<&OwnerReference> {
        self.metadata.owner_references.iter().find(|owner| owner.controller)
    }

    /// Its name, with its namespace if it has one.
    pub(super) fn name(&self) -> String {
        let Metadata { namespace, name, .. } = &self.metadata;
        if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") }
    }

    pub(super) fn age(&self, now: Timestamp) -> String {
        match (self.metadata.creation_timestamp, self.metadata.deletion_timestamp) {
            (_, Some(_)) => "deleting".to_owned(),
            (Some(created), None) => age(now.since(created).as_secs()),
            (None, None) => none(),
        }
    }

    /// The status of its condition `Ready`; with the reason, if it isn't true.
    pub(super) fn ready(&self) -> String {
        let conditions = self.envelope.pointer("/status/conditions").and_then(Value::as_array);
        let ready = conditions.and_then(|conditions| conditions.iter().find(|condition| condition["type"] == "Ready"));
        let text = |key: &str| ready.and_then(|ready| ready[key].as_str()).unwrap_or_default();
        match (text("status"), text("reason")) {
            ("", _) => none(),
            ("True", _) => "True".to_owned(),
            (status, "") => status.to_owned(),
            (status, reason) => format!("{status} ({reason})"),
        }
    }
}

impl Columns {
    pub(super) fn of(type_: &'static ResourceType) -> Self {
        // A path that is none is a problem that start-up reports; its column stays empty.
        let declared = type_.columns.iter().map(|column| (column.name, FieldPath::parse(column.path).ok()));
        Self { type_, declared: declared.collect(), ready: type_.conditions.contains(&"Ready") }
    }

    /// How many objects of the kind there are.
    pub(super) fn count(&self, client: &Client) -> usize {
        client.count(self.type_.group_kind())
    }

    /// The first `most` objects of the kind.
    pub(super) fn objects(&self, client: &Client, most: usize) -> Vec<Shown> {
        let options = ListOptions { limit: most, ..ListOptions::default() };
        let objects = client.list_cached(self.type_, options).map(|(objects, ..)| objects).unwrap_or_default();
        objects.iter().map(|object| Shown::new(serde_json::from_slice(&object.raw).unwrap_or_default())).collect()
    }

    /// The objects of the kind as a section of their own.
    pub(super) fn section(&self, client: &Client, objects: &[Shown], now: Timestamp) -> Section {
        let rows = objects.iter().map(|object| Row { depth: 0, is_settled: false, cells: self.cells(object, now) });
        let rows = rows.collect();
        let total = self.count(client);
        Section { title: format!("{} ({total})", self.type_.kind), headings: self.headings(), rows, total }
    }

    /// What the kind's own columns say of an object, in one text.
    pub(super) fn summary(&self, object: &Shown) -> String {
        let values = self.declared.iter().filter_map(|(name, path)| {
            let text = path.as_ref()?.text(&object.envelope)?;
            Some(format!("{name} {text}"))
        });
        values.collect::<Vec<_>>().join("  ")
    }

    fn headings(&self) -> Vec<String> {
        let namespace = self.type_.namespaced.then(|| "NAMESPACE".to_owned());
        let ready = self.ready.then(|| "READY".to_owned());
        let columns = self.declared.iter().map(|(name, _)| name.to_uppercase());
        namespace.into_iter().chain(["NAME".to_owned()]).chain(columns).chain(ready).chain(["AGE".to_owned()]).collect()
    }

    fn cells(&self, object: &Shown, now: Timestamp) -> Vec<String> {
        let Metadata { name, namespace, .. } = &object.metadata;
        let namespace = self.type_.namespaced.then(|| namespace.clone());
        let text = |path: &FieldPath| path.text(&object.envelope);
        let columns = self.declared.iter().map(|(_, path)| path.as_ref().and_then(text).unwrap_or_else(none));
        let ready = self.ready.then(|| object.ready());
        namespace.into_iter().chain([name.clone()]).chain(columns).chain(ready).chain([object.age(now)]).collect()
    }
}

fn none() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;
    use crate::resource::sample::Device;

    #[test]
    fn a_row_has_the_declared_columns_the_condition_and_the_age() {
        let columns = Columns::of(Device::TYPE);
        let headings = columns.headings();
        let now: Timestamp = serde_json::from_value(json!("2026-01-01T00:02:05Z")).unwrap();
        let mut envelope = json!({ "metadata": { "name": "a", "creationTimestamp": "2026-01-01T00:00:00Z" } });
        let cell = |row: &[String], heading: &str| {
            let index = headings.iter().position(|known| known == heading).unwrap();
            row[index].clone()
        };
        let row = columns.cells(&Shown::new(envelope.clone()), now);
        assert_eq!(row.len(), headings.len());
        assert_eq!(
            (cell(&row, "NAME"), cell(&row, "READY"), cell(&row, "AGE")),
            ("a".into(), "-".into(), "2m5s".into())
        );
        envelope["status"] = json!({ "conditions": [{ "type": "Ready", "status": "False", "reason": "Broken" }] });
        envelope["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:01:00Z");
        let row = columns.cells(&Shown::new(envelope.clone()), now);
        assert_eq!((cell(&row, "READY"), cell(&row, "AGE")), ("False (Broken)".into(), "deleting".into()));
    }
}
