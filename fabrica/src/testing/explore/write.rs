//! A write as the store sees it: which object it changes, and from what to what.

use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::Value;

use super::fields::{Fields, fields_of};
use crate::store::{Guard, Key, MemoryStore, Op, Store as _, Transaction};

/// A transaction that changes an object.
#[derive(Clone)]
pub(super) struct Written {
    /// The object's group and kind: `example.io/Device`.
    pub(super) kind: String,
    /// What it was; `None` if it is new.
    pub(super) before: Option<Bytes>,
    /// What it is; `None` if it is gone.
    pub(super) after: Option<Bytes>,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Created,
    Updated,
    Status,
    Deleting,
    Deleted,
}

impl Deed {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Status => "status",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

/// What a transaction would change, if it would change anything: its guards hold, and what it puts differs.
pub(super) fn effect_of(store: &MemoryStore, txn: &Transaction) -> Option<Written> {
    let entry = |key: &Key| store.get(key, None).now_or_never().and_then(Result::ok).and_then(|(entry, _)| entry);
    let holds = |guard: &Guard| guard.holds(entry(guard.key()).as_ref());
    if !txn.guards.iter().all(holds) {
        return None;
    }
    let mut object = None;
    let mut changes = false;
    for op in &txn.ops {
        let before = entry(op.key()).map(|entry| entry.value);
        let after = match op {
            Op::Put(_, value) => Some(value.clone()),
            Op::Delete(_) => None,
        };
        changes |= before != after;
        if object.is_none()
            && before != after
            && let Some(kind) = kind_of(op.key())
        {
            object = Some(Written { kind, before, after });
        }
    }
    let other = || Written { kind: String::new(), before: None, after: None };
    changes.then(|| object.unwrap_or_else(other))
}

/// The group and kind in the key of an object: `example.io/Device`.
pub(super) fn kind_of(key: &Key) -> Option<String> {
    let (kind, _) = std::str::from_utf8(key.as_bytes()).ok()?.strip_prefix("o/")?.rsplit_once('/')?;
    Some(kind.to_owned())
}

impl Written {
    /// The kind without its group.
    pub(super) fn short_kind(&self) -> &str {
        self.kind.rsplit_once('/').map_or("", |(_, kind)| kind)
    }

    /// The object as it is, or as it last was.
    pub(super) fn object(&self) -> Value {
        let bytes = self.after.as_ref().or(self.before.as_ref());
        bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or(Value::Null)
    }

    pub(super) fn deed(&self) -> Deed {
        let (Some(before), Some(after)) = (&self.before, &self.after) else {
            return if self.before.is_none() { Deed::Created } else { Deed::Deleted };
        };
        let value = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes).unwrap_or(Value::Null);
        let (mut before, mut after) = (value(before), value(after));
        let is_deleting = |object: &Value| object.pointer("/metadata/deletionTimestamp").is_some();
        if is_deleting(&after) && !is_deleting(&before) {
            return Deed::Deleting;
        }
        for object in [&mut before, &mut after] {
            if let Some(object) = object.as_object_mut() {
                object.remove("status");
            }
        }
        if before == after { Deed::Status } else { Deed::Updated }
    }

    /// What changed, field by field: the path, what it was and what it is.
    pub(super) fn differences(&self) -> (Fields, Fields) {
        let value = |bytes: &Option<Bytes>| {
            let value = bytes.as_ref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
            value.map(|value| fields_of(&value)).unwrap_or_default()
        };
        (value(&self.before), value(&self.after))
    }
}
