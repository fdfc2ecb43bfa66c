//! One event of a watch, as a line.

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use crate::api::catalog::Served;
use crate::api::negotiate::Form;
use crate::api::objects::Call;
use crate::api::query::IncludeObject;
use crate::api::status::Status;
use crate::api::table::{Table, metadata_only};
use crate::client::{CachedObject, HistoryChange};
use crate::resource::Timestamp;
use crate::store::Revision;

/// The annotation of the bookmark that says that everything that exists was shown.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Added,
    Modified,
    Deleted,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }

    /// What a change is for a reader who selects nothing.
    fn of(change: &HistoryChange) -> Self {
        match (&change.old, &change.new) {
            (None, _) => Self::Added,
            (Some(_), Some(_)) => Self::Modified,
            (Some(_), None) => Self::Deleted,
        }
    }
}

/// Writes the events of one watch.
pub(super) struct Frames {
    served: Served,
    form: Form,
    include: IncludeObject,
    /// Did a table go before, so that its columns are known?
    columns_are_known: bool,
}

impl Frames {
    pub(super) fn new(call: &Call<'_>, form: Form) -> Self {
        let served = call.served.clone();
        Self { served, form, include: call.query.include_object, columns_are_known: false }
    }

    /// The event of a change. What most readers get is written once for all of them.
    pub(super) fn change(
        &mut self,
        kind: Kind,
        change: &HistoryChange,
        object: &CachedObject,
        as_of: Option<Revision>,
        out: &mut BytesMut,
    ) {
        if self.form == Form::Object && self.served.is_envelope() && kind == Kind::of(change) {
            let line = change.rendered.get_or_init(|| {
                let mut line = BytesMut::new();
                self.object(kind, object, as_of, &mut line);
                line.freeze()
            });
            out.extend_from_slice(line);
        } else {
            self.object(kind, object, as_of, out);
        }
    }

    /// The event of an object, in its own version or in a later one.
    pub(super) fn object(&mut self, kind: Kind, object: &CachedObject, as_of: Option<Revision>, out: &mut BytesMut) {
        let json = match as_of {
            Some(revision) => object.json_as(revision),
            None => object.json(),
        };
        match self.form {
            Form::Object => line(kind.word(), &self.served.shown(json), out),
            Form::Metadata(version) => {
                let value = serde_json::from_slice(&self.served.shown(json)).unwrap_or_default();
                line(kind.word(), metadata_only(value, version).to_string().as_bytes(), out);
            }
            Form::Table(version) => {
                let value: Value = serde_json::from_slice(&json).unwrap_or_default();
                let metadata = json!({ "resourceVersion": value.pointer("/metadata/resourceVersion") });
                let table = self.table(version, &metadata, value);
                line(kind.word(), table.to_string().as_bytes(), out);
            }
        }
    }

    /// A bookmark: everything up to here was shown.
    pub(super) fn bookmark(&mut self, position: Revision, is_end_of_existing: bool) -> Bytes {
        let mut metadata = json!({ "resourceVersion": position.to_string() });
        if is_end_of_existing {
            metadata["annotations"] = json!({ INITIAL_EVENTS_END: "true" });
        }
        let (api_version, kind) = (self.served.api_version(), self.served.kind);
        let object = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata });
        let object = match self.form {
            Form::Object => object,
            Form::Metadata(version) => metadata_only(object, version),
            Form::Table(version) => {
                let metadata = json!({ "resourceVersion": position.to_string() });
                self.table(version, &metadata, object)
            }
        };
        let mut out = BytesMut::new();
        line("BOOKMARK", object.to_string().as_bytes(), &mut out);
        out.freeze()
    }

    /// The end of a watch that can't go on without a gap.
    pub(super) fn expired() -> Bytes {
        let status = Status::expired("the watch fell behind what is kept: list again, and watch from there");
        let mut out = BytesMut::new();
        line("ERROR", status.to_value().to_string().as_bytes(), &mut out);
        out.freeze()
    }

    fn table(&mut self, version: &'static str, metadata: &Value, object: Value) -> Value {
        let table = Table { version, served: &self.served, include: self.include, now: Timestamp::now() };
        let with_definitions = !std::mem::replace(&mut self.columns_are_known, true);
        table.value(metadata, with_definitions, &[table.row(object)])
    }
}

fn line(word: &str, object: &[u8], out: &mut BytesMut) {
    out.reserve(object.len() + word.len() + 24);
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    out.extend_from_slice(object);
    out.extend_from_slice(b"}\n");
}
