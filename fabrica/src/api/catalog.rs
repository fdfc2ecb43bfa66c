//! What is served: the kinds of the program and the few built-in ones that tools ask for.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Value, json};

use super::event_forms::EventForm;
use super::table::Columns;
use crate::resource::{Namespace, NamespacePhase, NamespaceStatus, RecordedEvent, Resource, ResourceType};

/// A resource that is served.
#[derive(Clone, Debug)]
pub(super) struct Served {
    /// Empty for the core group.
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) namespaced: bool,
    pub(super) short_names: &'static [&'static str],
    pub(super) categories: &'static [&'static str],
    pub(super) backing: Backing,
    columns: OnceLock<Arc<Columns>>,
}

/// What stands behind a resource.
#[derive(Clone, Copy, Debug)]
pub(super) enum Backing {
    /// The objects of a kind.
    Kind(&'static ResourceType),
    /// The recorded events, in one of their two forms, neither of which is that of a kind's objects.
    Events(EventForm),
    /// Nothing: it is there because tools ask for it, and empty.
    Nothing,
}

impl Served {
    /// As messages call it: `racks.example.io`.
    pub(super) fn resource(&self) -> String {
        qualified(self.plural, self.group)
    }

    /// As messages call one: `Rack.example.io`.
    pub(super) fn group_kind(&self) -> String {
        qualified(self.kind, self.group)
    }

    /// As its objects say it: `example.io/v1`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// What can be done with it.
    pub(super) fn verbs(&self) -> &'static [&'static str] {
        match self.backing {
            // Nobody means to delete all namespaces at once.
            Backing::Kind(type_) if type_.is_same_type(Namespace::TYPE) => {
                &["create", "delete", "get", "list", "patch", "update", "watch"]
            }
            Backing::Kind(_) | Backing::Events(_) => {
                &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
            }
            Backing::Nothing => &["get", "list", "watch"],
        }
    }

    /// Has it the subresource `status`?
    pub(super) fn has_status(&self) -> bool {
        matches!(self.backing, Backing::Kind(type_) if type_.has_status)
    }

    /// The columns of its tables, made at the first use.
    pub(super) fn columns(&self) -> Arc<Columns> {
        let columns = || match self.backing {
            Backing::Kind(type_) => Columns::of(type_),
            Backing::Events(_) => Columns::OfEvents,
            Backing::Nothing => Columns::OfKind(Vec::new()),
        };
        Arc::clone(self.columns.get_or_init(|| Arc::new(columns())))
    }

    /// Is it there whatever the kinds of the program are?
    pub(super) fn is_built_in(&self) -> bool {
        !matches!(self.backing, Backing::Kind(type_) if !type_.is_same_type(Namespace::TYPE))
    }

    /// Is what is shown the envelope as it is stored?
    pub(super) fn is_envelope(&self) -> bool {
        matches!(self.backing, Backing::Kind(_))
    }

    /// An object's envelope as this resource shows it.
    pub(super) fn shown(&self, envelope: Bytes) -> Bytes {
        if !self.is_built_in() {
            return envelope;
        }
        match serde_json::from_slice(&envelope) {
            Ok(stored) => self.shown_value(stored).to_string().into(),
            Err(_) => envelope,
        }
    }

    /// As [`Self::shown`], for an envelope that is parsed.
    pub(super) fn shown_value(&self, stored: Value) -> Value {
        match self.backing {
            Backing::Events(form) => form.show(&stored),
            Backing::Kind(_) | Backing::Nothing => self.completed(stored),
        }
    }

    /// A stored envelope with what tools look for in it: a namespace has a phase.
    pub(super) fn completed(&self, stored: Value) -> Value {
        match self.backing {
            Backing::Kind(type_) if type_.is_same_type(Namespace::TYPE) => with_phase(stored),
            _ => stored,
        }
    }

    /// The kind of its objects, if it can have any.
    pub(super) fn type_(&self) -> Option<&'static ResourceType> {
        match self.backing {
            Backing::Kind(type_) => Some(type_),
            Backing::Events(_) => Some(RecordedEvent::TYPE),
            Backing::Nothing => None,
        }
    }

    /// What can be done with its subresource `status`, if it has that.
    pub(super) fn status_verbs(&self) -> Option<&'static [&'static str]> {
        self.has_status().then_some(&["get", "patch", "update"])
    }

    pub(super) fn of(type_: &'static ResourceType) -> Self {
        Self {
            group: type_.group,
            version: type_.version,
            kind: type_.kind,
            plural: type_.plural,
            singular: type_.singular,
            namespaced: type_.namespaced,
            short_names: type_.short_names,
            categories: type_.categories,
            backing: Backing::Kind(type_),
            columns: OnceLock::new(),
        }
    }
}

/// A namespace with its phase, which is not stored: it follows from the metadata.
fn with_phase(mut namespace: Value) -> Value {
    let is_deleting = namespace.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null());
    let phase = if is_deleting { NamespacePhase::Terminating } else { NamespacePhase::Active };
    if let Some(namespace) = namespace.as_object_mut() {
        namespace.insert("status".to_owned(), json!(NamespaceStatus { phase }));
    }
    namespace
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// Everything that is served, ordered by group, version and plural.
#[derive(Clone, Debug)]
pub(super) struct Catalog(Vec<Served>);

impl Catalog {
    pub(super) fn new(types: &[&'static ResourceType]) -> Self {
        let mut all = built_in();
        for served in types.iter().map(|type_| Served::of(type_)) {
            // The kind behind the events is shown in their two forms only.
            if !all.iter().any(|built_in| (built_in.group, built_in.kind) == (served.group, served.kind)) {
                all.push(served);
            }
        }
        all.sort_by_key(|served| (served.group, served.version, served.plural));
        Self(all)
    }

    pub(super) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Served> {
        self.0.iter().find(|served| served.group == group && served.version == version && served.plural == plural)
    }

    pub(super) fn all(&self) -> &[Served] {
        &self.0
    }

    /// The resources of one group and version.
    pub(super) fn of_version(&self, group: &str, version: &str) -> impl Iterator<Item = &Served> {
        self.0.iter().filter(move |served| served.group == group && served.version == version)
    }

    /// The groups, the core group first, each with its versions, the preferred one first.
    pub(super) fn groups(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let mut groups: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
        for served in &self.0 {
            match groups.last_mut() {
                Some((group, versions)) if *group == served.group => {
                    if !versions.contains(&served.version) {
                        versions.push(served.version);
                    }
                }
                _ => groups.push((served.group, vec![served.version])),
            }
        }
        for (_, versions) in &mut groups {
            versions.sort_by_key(|version| std::cmp::Reverse(stability(version)));
        }
        groups
    }
}

/// What tools ask for, whatever the program's kinds are: `kubectl describe` and `kubectl events` for events, the event
/// recorders of today's clients for those of `events.k8s.io`, and `kubectl cluster-info` for services.
fn built_in() -> Vec<Served> {
    let namespaced = |group, kind, plural, singular, short_names, backing| Served {
        group,
        version: "v1",
        kind,
        plural,
        singular,
        namespaced: true,
        short_names,
        categories: &[],
        backing,
        columns: OnceLock::new(),
    };
    vec![
        namespaced("", "Event", "events", "event", &["ev"], Backing::Events(EventForm::Core)),
        namespaced("events.k8s.io", "Event", "events", "event", &["ev"], Backing::Events(EventForm::Events)),
        namespaced("", "Service", "services", "service", &["svc"], Backing::Nothing),
    ]
}

/// Orders versions as Kubernetes does: `v2` before `v1` before `v2beta1` before `v1beta2`, alpha last.
fn stability(version: &str) -> (u8, u32, u32) {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let rest = version.strip_prefix('v').unwrap_or_default();
    let major = digits(rest);
    let tail = &rest[major.len()..];
    let (rank, minor) = match (tail.strip_prefix("beta"), tail.strip_prefix("alpha")) {
        (Some(minor), _) => (1, minor),
        (_, Some(minor)) => (0, minor),
        _ => (2, ""),
    };
    (rank, major.parse().unwrap_or_default(), minor.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::sample::Device;

    #[test]
    fn every_resource_is_served_once() {
        let catalog = Catalog::new(&[Namespace::TYPE, Device::TYPE]);
        let served: Vec<String> = catalog.0.iter().map(Served::resource).collect();
        assert_eq!(served, ["events", "namespaces", "services", "events.events.k8s.io", "devices.example.io"]);
        assert_eq!(catalog.groups(), [("", vec!["v1"]), ("events.k8s.io", vec!["v1"]), ("example.io", vec!["v1"])]);
        let verbs = |plural| catalog.find("", "v1", plural).unwrap().verbs();
        assert!(verbs("events").contains(&"deletecollection") && !verbs("namespaces").contains(&"deletecollection"));
        let again = Catalog::new(&[Device::TYPE, Device::TYPE]);
        assert_eq!(again.of_version("example.io", "v1").count(), 1);
    }

    #[test]
    fn stable_versions_come_before_the_others() {
        let mut versions = ["v1alpha1", "v2", "v10", "v1beta2", "v2beta1", "v1"];
        versions.sort_by_key(|version| std::cmp::Reverse(stability(version)));
        assert_eq!(versions, ["v10", "v2", "v1", "v2beta1", "v1beta2", "v1alpha1"]);
    }
}
