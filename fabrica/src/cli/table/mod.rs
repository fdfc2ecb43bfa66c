//! The live table of `run`: what there is, and how it does.

mod render;
mod screen;

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::warn;

use render::{Section, age, render};
pub(super) use screen::Screen;

use crate::client::{Client, ListOptions};
use crate::resource::{FieldPath, Metadata, ResourceType, Timestamp};

/// How often the objects are looked at. If none changed, nothing is drawn but their ages.
const FRAME: Duration = Duration::from_millis(200);
/// How often the ages are drawn anew.
const AGES: Duration = Duration::from_secs(1);
/// How large a terminal is taken for that doesn't say its size.
const USUAL: (u16, u16) = (80, 24);

/// Draws the table, and draws it anew when something changed, until it is dropped.
pub(super) async fn show(client: Client, screen: Screen) {
    let kinds: Vec<Table> =
        client.kinds().iter().filter(|type_| !type_.group.is_empty()).map(|type_| Table::of(type_)).collect();
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut drawn = None;
    loop {
        frames.tick().await;
        let size = crossterm::terminal::size().unwrap_or(USUAL);
        let state = (client.seen(), size);
        if drawn.is_some_and(|(last, at): (_, Instant)| last == state && at.elapsed() < AGES) {
            continue;
        }
        drawn = Some((state, Instant::now()));
        let (width, height) = (usize::from(size.0), usize::from(size.1));
        // The log has the upper part of the terminal, or at least a few lines of it.
        let room = (height * 2 / 3).min(height.saturating_sub(4)).max(1);
        let sections: Vec<_> = kinds.iter().map(|table| table.section(&client, room, Timestamp::now())).collect();
        if let Err(error) = screen.draw(render(&sections, width, room)) {
            screen.leave();
            warn!("The live table ends: the terminal can't be written: {error}");
            return;
        }
    }
}

/// The columns of a kind.
struct Table {
    type_: &'static ResourceType,
    columns: Vec<(String, Option<FieldPath>)>,
    ready: bool,
}

impl Table {
    fn of(type_: &'static ResourceType) -> Self {
        // A path that is none is a problem that start-up reports; its column stays empty.
        let columns =
            type_.columns.iter().map(|column| (column.name.to_uppercase(), FieldPath::parse(column.path).ok()));
        Self { type_, columns: columns.collect(), ready: type_.conditions.contains(&"Ready") }
    }

    fn headings(&self) -> Vec<String> {
        let namespace = self.type_.namespaced.then(|| "NAMESPACE".to_owned());
        let ready = self.ready.then(|| "READY".to_owned());
        let columns = self.columns.iter().map(|(name, _)| name.clone());
        namespace.into_iter().chain(["NAME".to_owned()]).chain(columns).chain(ready).chain(["AGE".to_owned()]).collect()
    }

    fn section(&self, client: &Client, most: usize, now: Timestamp) -> Section {
        let total = client.count(self.type_.group_kind());
        let options = ListOptions { limit: most, ..ListOptions::default() };
        let objects = client.list_cached(self.type_, options).map(|(objects, ..)| objects).unwrap_or_default();
        let envelopes = objects.iter().map(|object| serde_json::from_slice::<Value>(&object.raw).unwrap_or_default());
        let rows = envelopes.map(|envelope| self.row(&envelope, now)).collect();
        Section { title: self.type_.kind.to_owned(), headings: self.headings(), rows, total }
    }

    fn row(&self, envelope: &Value, now: Timestamp) -> Vec<String> {
        let metadata =
            envelope.get("metadata").and_then(|metadata| serde_json::from_value::<Metadata>(metadata.clone()).ok());
        let Metadata { name, namespace, creation_timestamp, deletion_timestamp, .. } = metadata.unwrap_or_default();
        let namespace = self.type_.namespaced.then_some(namespace);
        let columns = self
            .columns
            .iter()
            .map(|(_, path)| path.as_ref().and_then(|path| path.text(envelope)).unwrap_or_else(none));
        let ready = self.ready.then(|| ready(envelope));
        let age = match (creation_timestamp, deletion_timestamp) {
            (_, Some(_)) => "deleting".to_owned(),
            (Some(created), None) => age(now.since(created).as_secs()),
            (None, None) => none(),
        };
        namespace.into_iter().chain([name]).chain(columns).chain(ready).chain([age]).collect()
    }
}

fn none() -> String {
    "-".to_owned()
}

/// The status of the condition; with its reason, if it isn't true.
fn ready(envelope: &Value) -> String {
    let conditions = envelope.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.and_then(|conditions| conditions.iter().find(|condition| condition["type"] == "Ready"));
    let text = |key: &str| ready.and_then(|ready| ready[key].as_str()).unwrap_or_default();
    match (text("status"), text("reason")) {
        ("", _) => none(),
        ("True", _) => "True".to_owned(),
        (status, "") => status.to_owned(),
        (status, reason) => format!("{status} ({reason})"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;
    use crate::resource::sample::Device;

    #[test]
    fn a_row_has_the_declared_columns_the_condition_and_the_age() {
        let table = Table::of(Device::TYPE);
        let headings = table.headings();
        let now: Timestamp = serde_json::from_value(json!("2026-01-01T00:02:05Z")).unwrap();
        let mut envelope = json!({ "metadata": { "name": "a", "creationTimestamp": "2026-01-01T00:00:00Z" } });
        let cell = |row: &[String], heading: &str| {
            let index = headings.iter().position(|known| known == heading).unwrap();
            row[index].clone()
        };
        let row = table.row(&envelope, now);
        assert_eq!(row.len(), headings.len());
        assert_eq!(
            (cell(&row, "NAME"), cell(&row, "READY"), cell(&row, "AGE")),
            ("a".into(), "-".into(), "2m5s".into())
        );
        envelope["status"] = json!({ "conditions": [{ "type": "Ready", "status": "False", "reason": "Broken" }] });
        envelope["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:01:00Z");
        let row = table.row(&envelope, now);
        assert_eq!((cell(&row, "READY"), cell(&row, "AGE")), ("False (Broken)".into(), "deleting".into()));
    }
}
