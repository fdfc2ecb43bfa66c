//! Which objects of a kind are meant.

use super::cached::CachedObject;
use super::kinds::Kind;
#[cfg(feature = "api")]
use super::lifecycle::Client;
#[cfg(feature = "api")]
use crate::resource::ResourceType;
use crate::resource::{FieldPath, FieldSelector, FieldTerm, LabelSelector, Metadata};
use crate::{Error, Fault, Result};

/// A selection of objects of one kind, checked against what the kind can be selected by.
pub(crate) struct Selection {
    namespace: Option<String>,
    labels: LabelSelector,
    terms: Box<[Term]>,
}

/// A term of a field selector, with its field found.
struct Term {
    field: Field,
    value: String,
    negated: bool,
}

/// What a field selector can look at.
enum Field {
    Name,
    Namespace,
    Indexed(usize),
}

#[cfg(feature = "api")]
impl Client {
    /// A selection of objects of a kind.
    ///
    /// # Errors
    /// `Invalid` with every field that the kind can't be selected by; `NotFound` if the program doesn't know the kind.
    pub(crate) fn selection(
        &self,
        type_: &ResourceType,
        namespace: Option<String>,
        labels: LabelSelector,
        fields: &FieldSelector,
    ) -> Result<Selection> {
        Selection::new(self.inner.shared.kinds.of_type(type_)?, namespace, labels, fields)
    }
}

impl Selection {
    pub(super) fn new(
        kind: &Kind,
        namespace: Option<String>,
        labels: LabelSelector,
        fields: &FieldSelector,
    ) -> Result<Self> {
        let (mut terms, mut faults) = (Vec::new(), Vec::new());
        for FieldTerm { path, value, negated } in fields.terms() {
            match field(kind, path) {
                Some(field) => terms.push(Term { field, value: value.clone(), negated: *negated }),
                None => faults.push(not_selectable(kind, path)),
            }
        }
        if faults.is_empty() {
            return Ok(Self { namespace, labels, terms: terms.into() });
        }
        Err(Error::invalid(format!("a selection of {}", kind.type_.plural), faults))
    }

    /// The namespace, if it is one.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Is every object of the namespace, or of all, meant?
    #[cfg(feature = "api")]
    pub(super) fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.terms.is_empty()
    }

    /// The fields whose indexes each find all objects that can be meant, and the values to look up. An empty value is
    /// that of an absent field, too, which is in no index.
    pub(super) fn indexes(&self) -> impl Iterator<Item = (usize, &str)> {
        self.terms.iter().filter(|term| !term.negated && !term.value.is_empty()).filter_map(|term| match term.field {
            Field::Indexed(index) => Some((index, term.value.as_str())),
            _ => None,
        })
    }

    /// Is the object meant? One that can't be decoded never is.
    pub(super) fn matches(&self, cached: &CachedObject) -> bool {
        cached.object().is_some_and(|object| self.matches_metadata(object.metadata(), cached))
    }

    /// Is the object meant, whether or not it can be decoded? One whose name can't be read never is.
    #[cfg(feature = "api")]
    pub(crate) fn matches_any(&self, cached: &CachedObject) -> bool {
        let metadata = cached.metadata_ref(cached.uid());
        !metadata.name.is_empty() && self.matches_metadata(&metadata, cached)
    }

    fn matches_metadata(&self, metadata: &Metadata, cached: &CachedObject) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == metadata.namespace)
            && self.labels.matches(&metadata.labels)
            && self.terms.iter().all(|term| (term.field.value(metadata, cached) == term.value) != term.negated)
    }
}

impl Field {
    fn value<'a>(&self, metadata: &'a Metadata, cached: &'a CachedObject) -> &'a str {
        match self {
            Self::Name => &metadata.name,
            Self::Namespace => &metadata.namespace,
            Self::Indexed(index) => cached.field(*index).unwrap_or_default(),
        }
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
