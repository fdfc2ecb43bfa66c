//! The kinds that a client knows.

use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use serde::Deserialize as _;
use serde_json::Value;

use super::cache::Cache;
use super::derived::EventTypes;
use super::envelope;
use super::keys;
use crate::resource::{
    FieldPath, FieldSegment, GroupKind, Metadata, Object, Resource, ResourceType, SchemaError, Validator,
    check_metadata,
};
use crate::{Error, ErrorKind, Fault, FaultReason, Result};

/// One kind: its type, its rules and its objects.
pub(crate) struct Kind {
    pub(crate) type_: &'static ResourceType,
    /// Readers share it; the follower alone writes, for as long as one change takes.
    pub(crate) cache: RwLock<Cache>,
    pub(super) events: EventTypes,
    fields: Box<[FieldPath]>,
    validator: OnceLock<Arc<Validator>>,
}

/// The schemas that were compiled in this process: the kinds are those of the program, whatever client asks.
static COMPILED: Mutex<Vec<(&'static ResourceType, Arc<Validator>)>> = Mutex::new(Vec::new());

impl Kind {
    fn new(type_: &'static ResourceType, event_prefix: &str) -> Result<Self> {
        let fields = type_.selectable.iter().map(|path| FieldPath::parse(path)).collect::<Result<Box<[_]>, _>>();
        let fields = fields.map_err(|error| {
            Error::new(ErrorKind::Startup, format!("{}: `selectable` of {}: {error}", type_.location, type_.kind))
        })?;
        Ok(Self {
            type_,
            cache: RwLock::new(Cache::new(fields.len())),
            events: EventTypes::new(event_prefix, type_.kind),
            fields,
            validator: OnceLock::new(),
        })
    }

    pub(crate) fn group_kind(&self) -> GroupKind {
        self.type_.group_kind()
    }

    /// The fields that objects can be selected by, in the order of their indexes.
    pub(super) fn fields(&self) -> &[FieldPath] {
        &self.fields
    }

    /// The values of the selectable fields in the JSON of an envelope. Costs nothing for a kind without.
    pub(super) fn field_values(&self, json: &[u8]) -> Box<[Option<Box<str>>]> {
        if self.fields.is_empty() {
            return Box::default();
        }
        // Every change of every object comes through here: only the parts that are asked for are read.
        let wanted = |part: &str| {
            let is_part = |first: Option<&FieldSegment>| matches!(first, Some(FieldSegment::Key(key)) if key == part);
            self.fields.iter().any(|field| is_part(field.segments().first()))
        };
        let envelope = envelope::parts(json, wanted);
        self.fields.iter().map(|field| field.text(&envelope).map(Into::into)).collect()
    }

    /// Reads an object from the JSON of an envelope. If that fails: every fault of it that can be found.
    pub(super) fn decode_checked(&self, envelope: &Value) -> Result<Box<dyn Object>, Vec<Fault>> {
        let error = match self.type_.decode(&serde_json::to_vec(envelope).unwrap_or_default()) {
            Ok(object) => return Ok(object),
            Err(error) => error,
        };
        let mut faults = self.check_spec(envelope).unwrap_or_default();
        let metadata = envelope.get("metadata").and_then(|metadata| Metadata::deserialize(metadata).ok());
        faults.extend(metadata.into_iter().flat_map(|metadata| check_metadata(&metadata, self.type_.namespaced)));
        // Decoding stops at the first fault, which the schema most often finds too: there or, if a field is missing,
        // right beneath.
        let missing = error.message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let is_same = |fault: &Fault| {
            fault.path == error.path
                || missing.is_some() && fault.reason == FaultReason::Required && is_beneath(&fault.path, &error.path)
        };
        if !faults.iter().any(is_same) {
            let fault = match missing {
                Some(name) if error.path.is_empty() => Fault::new(name, "is required").because(FaultReason::Required),
                Some(name) => {
                    Fault::new(format!("{}.{name}", error.path), "is required").because(FaultReason::Required)
                }
                None => Fault::new(error.path, without_position(&error.message)),
            };
            faults.insert(0, fault);
        }
        Err(faults)
    }

    /// Every field of an envelope that the kind doesn't know, those in the status excepted.
    pub(super) fn unknown_fields(&self, envelope: &Value) -> Result<Vec<Fault>> {
        let mut unknown = self.validator()?.unknown_fields(envelope);
        unknown.retain(|fault| fault.path != "status" && !fault.path.starts_with("status."));
        Ok(unknown)
    }

    /// Takes every field out of an envelope that the kind doesn't know, and says which they were.
    pub(super) fn prune(&self, envelope: &mut Value) -> Result<Vec<Fault>> {
        Ok(self.validator()?.prune(envelope))
    }

    /// Every fault of the spec in an envelope. The schema is compiled at the first use.
    fn check_spec(&self, envelope: &Value) -> Result<Vec<Fault>> {
        Ok(self.validator()?.spec(envelope))
    }

    /// Every fault of an object's spec.
    pub(super) fn spec_faults(&self, object: &dyn Object) -> Result<Vec<Fault>> {
        // The schemas of the built-in kinds ask for nothing that their types don't: a program that only has these, as one
        // with an empty store at its start, compiles none.
        if self.type_.is_built_in() {
            return Ok(Vec::new());
        }
        self.check_spec(&object.to_value().map_err(Error::terminal)?)
    }

    /// Every fault of an object's metadata and spec.
    pub(super) fn faults(&self, object: &dyn Object) -> Result<Vec<Fault>> {
        let mut faults = check_metadata(object.metadata(), self.type_.namespaced);
        faults.extend(self.spec_faults(object)?);
        Ok(faults)
    }

    fn validator(&self) -> Result<&Validator> {
        if let Some(validator) = self.validator.get() {
            return Ok(validator);
        }
        let compiled = compiled(self.type_).map_err(|error| {
            let message = format!("{}: the schema of {} is wrong: {error}", self.type_.location, self.type_.kind);
            Error::new(ErrorKind::Terminal, message)
        })?;
        Ok(self.validator.get_or_init(|| compiled))
    }
}

/// What is wrong, without where in a text that nobody gave.
fn without_position(message: &str) -> &str {
    let is_position = |(_, place): &(&str, &str)| {
        place
            .split_once(" column ")
            .is_some_and(|(line, column)| [line, column].iter().all(|n| n.parse::<u64>().is_ok()))
    };
    message.rsplit_once(" at line ").filter(is_position).map_or(message, |(message, _)| message)
}

fn is_beneath(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| other.is_empty() || rest.starts_with(['.', '[']))
}

/// The schema of a type, compiled at the first use of any client: that costs milliseconds.
fn compiled(type_: &'static ResourceType) -> Result<Arc<Validator>, SchemaError> {
    let mut known = COMPILED.lock();
    if let Some((_, validator)) = known.iter().find(|(of, _)| of.is_same_type(type_)) {
        return Ok(Arc::clone(validator));
    }
    let validator = Arc::new(Validator::new(type_)?);
    known.push((type_, Arc::clone(&validator)));
    Ok(validator)
}

/// All of them.
pub(super) struct Kinds {
    /// Ordered by group and kind.
    all: Vec<Arc<Kind>>,
    by_kind: HashMap<GroupKind, Arc<Kind>>,
    by_key: HashMap<String, Arc<Kind>>,
}

impl Kinds {
    /// The same type twice counts once; two types for one kind are an error that lists all such kinds.
    pub(super) fn new(types: &[&'static ResourceType], event_prefix: &str) -> Result<Self> {
        let mut kinds = Self { all: Vec::new(), by_kind: HashMap::new(), by_key: HashMap::new() };
        let mut problems = Vec::new();
        for type_ in types {
            if let Some(first) = kinds.by_kind.get(&type_.group_kind()) {
                if !first.type_.is_same_type(type_) {
                    let (kind, one, two) = (type_.group_kind(), first.type_.location, type_.location);
                    problems.push(format!("two types for the kind {kind}: at {one} and at {two}; keep one"));
                }
                continue;
            }
            let kind = Arc::new(Kind::new(type_, event_prefix)?);
            kinds.by_kind.insert(kind.group_kind(), kind.clone());
            kinds.by_key.insert(keys::kind(type_), kind.clone());
            kinds.all.push(kind);
        }
        if !problems.is_empty() {
            return Err(Error::new(ErrorKind::Startup, problems.join("\n")));
        }
        kinds.all.sort_by_key(|kind| kind.group_kind());
        Ok(kinds)
    }

    pub(super) fn all(&self) -> &[Arc<Kind>] {
        &self.all
    }

    /// The kind of an object's key in the store, by its `<group>/<kind>`.
    pub(super) fn by_key(&self, key: &str) -> Option<&Arc<Kind>> {
        self.by_key.get(key)
    }

    /// The kind of a group and a kind that some object names.
    pub(super) fn named(&self, group: &str, kind: &str) -> Option<&Arc<Kind>> {
        let place = self.all.binary_search_by(|known| (known.type_.group, known.type_.kind).cmp(&(group, kind)));
        place.ok().map(|place| &self.all[place])
    }

    pub(super) fn find(&self, kind: GroupKind) -> Option<&Arc<Kind>> {
        self.by_kind.get(&kind)
    }

    pub(super) fn get(&self, kind: GroupKind) -> Result<&Arc<Kind>> {
        self.find(kind).ok_or_else(|| {
            let message =
                format!("this program knows no kind {kind}: register it, as by `.resource::<{}>()`", kind.kind);
            Error::new(ErrorKind::NotFound, message)
        })
    }

    /// The kind of a Rust type, which must be the one that is registered.
    pub(super) fn of<T: Resource>(&self) -> Result<&Arc<Kind>> {
        self.of_type(T::TYPE)
    }

    pub(super) fn of_type(&self, type_: &ResourceType) -> Result<&Arc<Kind>> {
        let kind = self.get(type_.group_kind())?;
        if kind.type_.is_same_type(type_) {
            return Ok(kind);
        }
        let (group_kind, wrong, right) = (type_.group_kind(), (type_.type_name)(), (kind.type_.type_name)());
        let message = format!("`{wrong}` is not the type of the kind {group_kind} in this program: use `{right}`");
        Err(Error::new(ErrorKind::NotFound, message))
    }
}
