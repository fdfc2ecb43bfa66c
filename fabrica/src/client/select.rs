//! Which objects of a kind are meant.

use super::cached::CachedObject;
use super::kinds::Kind;
use crate::resource::{FieldPath, FieldSelector, FieldTerm, LabelSelector, Object};
use crate::{Error, Fault, Result};

/// A selection of objects of one kind, checked against what the kind can be selected by.
pub(super) struct Selection {
    namespace: Option<String>,
    labels: LabelSelector,
    fields: FieldSelector,
}

/// What a field selector can look at.
enum Field {
    Name,
    Namespace,
    Indexed(usize),
}

impl Selection {
    pub(super) fn new(
        kind: &Kind,
        namespace: Option<String>,
        labels: LabelSelector,
        fields: FieldSelector,
    ) -> Result<Self> {
        let unknown = |term: &&FieldTerm| field(kind, &term.path).is_none();
        let faults: Vec<Fault> =
            fields.terms().iter().filter(unknown).map(|term| not_selectable(kind, &term.path)).collect();
        if faults.is_empty() {
            return Ok(Self { namespace, labels, fields });
        }
        Err(Error::invalid(format!("a selection of {}", kind.type_.plural), faults))
    }

    /// The namespace, if it is one.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The fields whose indexes each find all objects that can be meant, and the values to look up. An empty value is
    /// that of an absent field, too, which is in no index.
    pub(super) fn indexes(&self, kind: &Kind) -> impl Iterator<Item = (usize, &str)> {
        let terms = self.fields.terms().iter().filter(|term| !term.negated && !term.value.is_empty());
        terms.filter_map(|term| match field(kind, &term.path)? {
            Field::Indexed(index) => Some((index, term.value.as_str())),
            Field::Name | Field::Namespace => None,
        })
    }

    /// Is the object meant? One that can't be decoded never is.
    pub(super) fn matches(&self, kind: &Kind, cached: &CachedObject) -> bool {
        let Some(object) = cached.object() else { return false };
        let metadata = object.metadata();
        self.namespace.as_ref().is_none_or(|namespace| *namespace == metadata.namespace)
            && self.labels.matches(&metadata.labels)
            && (self.fields.is_everything() || self.fields.matches_with(|path| value(kind, path, &**object, cached)))
    }
}

fn value(kind: &Kind, path: &FieldPath, object: &dyn Object, cached: &CachedObject) -> Option<String> {
    match field(kind, path)? {
        Field::Name => Some(object.metadata().name.clone()),
        Field::Namespace => Some(object.metadata().namespace.clone()),
        Field::Indexed(index) => cached.field(index).map(str::to_owned),
    }
}

fn field(kind: &Kind, path: &FieldPath) -> Option<Field> {
    match path.to_string().as_str() {
        "metadata.name" => Some(Field::Name),
        "metadata.namespace" => Some(Field::Namespace),
        _ => kind.fields().iter().position(|known| known == path).map(Field::Indexed),
    }
}

fn not_selectable(kind: &Kind, path: &FieldPath) -> Fault {
    let known: Vec<String> = kind.fields().iter().map(|path| format!(", {path}")).collect();
    let message = format!(
        "can't be selected by: use metadata.name, metadata.namespace{}, or declare `selectable = \".{path}\"`",
        known.concat()
    );
    Fault::new(path.to_string(), message)
}
