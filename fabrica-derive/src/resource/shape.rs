//! The three fields of a resource.

use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Field, Fields};

use crate::errors::Errors;
use crate::names;

const FIELDS: &[&str] = &["metadata", "spec", "status"];
const SHAPE: &str = "a resource is a struct with the fields `metadata`, `spec` and, if it has one, `status`";

/// The fields as far as they are there.
#[derive(Default)]
pub struct Shape<'a> {
    pub metadata: Option<&'a Field>,
    pub spec: Option<&'a Field>,
    pub status: Option<&'a Field>,
    faulty: bool,
}

impl<'a> Shape<'a> {
    pub fn new(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        if !input.generics.params.is_empty() {
            errors.on(&input.generics, "a resource cannot be generic: every kind is one concrete type");
        }
        let mut shape = Self::default();
        match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => {
                    for field in &fields.named {
                        shape.add(field, errors);
                    }
                    shape.check_missing(input, errors);
                    return shape;
                }
                Fields::Unnamed(fields) => errors.on(fields, SHAPE),
                Fields::Unit => errors.on(&input.ident, SHAPE),
            },
            Data::Enum(data) => errors.on(data.enum_token, SHAPE),
            Data::Union(data) => errors.on(data.union_token, SHAPE),
        }
        Self { faulty: true, ..Self::default() }
    }

    /// Whether the struct can be taken apart and put together.
    pub fn is_complete(&self) -> bool {
        !self.faulty
    }

    fn add(&mut self, field: &'a Field, errors: &mut Errors) {
        let Some(ident) = &field.ident else { return };
        let name = ident.unraw().to_string();
        let known = FIELDS.contains(&name.as_str());
        let place = match if known { Some(name.as_str()) } else { names::nearest(&name, FIELDS) } {
            Some("metadata") => &mut self.metadata,
            Some("spec") => &mut self.spec,
            Some("status") => &mut self.status,
            _ => {
                self.faulty = true;
                return errors
                    .on(ident, format!("a resource has no field `{name}`: put it into the spec or the status"));
            }
        };
        if !known {
            self.faulty = true;
            let nearest = names::nearest(&name, FIELDS).unwrap_or_default();
            errors.on(ident, format!("a resource has no field `{name}`; did you mean `{nearest}`?"));
        }
        place.get_or_insert(field);
    }

    fn check_missing(&mut self, input: &DeriveInput, errors: &mut Errors) {
        for (name, ty, field) in [("metadata", "Metadata", self.metadata), ("spec", "", self.spec)] {
            if field.is_none() {
                self.faulty = true;
                let ty = if ty.is_empty() { format!("{}Spec", input.ident.unraw()) } else { ty.to_owned() };
                errors.on(&input.ident, format!("a resource needs a field `{name}: {ty}`"));
            }
        }
    }
}
