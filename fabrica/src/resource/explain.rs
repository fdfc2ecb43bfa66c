//! The faults that a schema finds, in plain words.

use std::fmt::Write;

use jsonschema::JsonType;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;

use super::names::quoted;
use super::validate::unknown_field;
use crate::{Fault, FaultReason};

/// Explains the errors found by the schema, sorted by path.
pub(super) fn all<'a>(root: &Value, errors: impl Iterator<Item = ValidationError<'a>>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for error in errors {
        explain(root, &error, &mut faults);
    }
    faults.sort_by(|one, other| (&one.path, &one.message).cmp(&(&other.path, &other.message)));
    faults.dedup();
    faults
}

/// The path of a field of an object.
pub(super) fn field_path(object: &str, name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-$".contains(c));
    match (plain, object.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{object}.{name}"),
        (false, _) => format!("{object}[{name}]"),
    }
}

fn path_of(location: &Location) -> String {
    let mut path = String::new();
    for segment in location {
        match segment {
            LocationSegment::Property(name) => path = field_path(&path, &name),
            // Writing to a string can't fail.
            LocationSegment::Index(index) => _ = write!(path, "[{index}]"),
        }
    }
    path
}

fn explain(root: &Value, error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
    let path = path_of(error.instance_path());
    let value = || shown(error.instance());
    let message = match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            return faults.push(required(field_path(&path, name)));
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let object = error.schema_path().as_str().rsplit_once('/').and_then(|(object, _)| root.pointer(object));
            let fault = |name: &String| {
                let message = unknown_field(name, object.into_iter());
                Fault::new(field_path(&path, name), message).because(FaultReason::UnknownField)
            };
            return faults.extend(unexpected.iter().map(fault));
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => return variants(root, error, context, faults),
        Kind::Enum { options } => {
            let options = options.as_array().map_or(&[][..], Vec::as_slice);
            one_of(error.instance(), options.iter().filter(|option| !option.is_null()))
        }
        Kind::Constant { expected_value } => format!("is {}, but must be {}", value(), shown(expected_value)),
        Kind::Type { kind } => wrong_type(error.instance(), &types(kind)),
        Kind::Pattern { pattern } => format!("{} does not match the pattern `{pattern}`", value()),
        Kind::Minimum { limit } => format!("is {}, but must be at least {limit}", value()),
        Kind::Maximum { limit } => format!("is {}, but must be at most {limit}", value()),
        Kind::MinLength { limit } => format!("is too short: must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("is too long: must have at most {limit} characters"),
        Kind::MinItems { limit } => format!("has too few elements: must have at least {limit}"),
        Kind::MaxItems { limit } => format!("has too many elements: must have at most {limit}"),
        Kind::UniqueItems => "has an element twice: each must be there only once".to_owned(),
        Kind::OneOfMultipleValid { .. } => {
            "fits several of the forms that it may have: keep the fields of one".to_owned()
        }
        Kind::FalseSchema => "must not be there".to_owned(),
        _ => error.masked_with("the value").to_string(),
    };
    faults.push(Fault::new(path, message).because(reason(error.kind())));
}

fn required(path: String) -> Fault {
    Fault::new(path, "is required").because(FaultReason::Required)
}

fn reason(kind: &Kind) -> FaultReason {
    match kind {
        Kind::Enum { .. } | Kind::Constant { .. } => FaultReason::NotSupported,
        Kind::Type { .. } => FaultReason::TypeInvalid,
        Kind::MaxLength { .. } => FaultReason::TooLong,
        Kind::UniqueItems => FaultReason::Duplicate,
        Kind::FalseSchema => FaultReason::Forbidden,
        _ => FaultReason::Invalid,
    }
}

/// The errors that one variant of a type finds in a value.
type Variant<'a> = &'a Vec<ValidationError<'static>>;

/// Is it about the word that tells the variants apart: the value itself, or a constant among its fields?
fn is_tag(place: &Location, error: &ValidationError<'_>) -> bool {
    let at = error.instance_path();
    match error.kind() {
        Kind::Constant { .. } => at == place || at.into_iter().count() == place.into_iter().count() + 1,
        Kind::Enum { .. } => at == place,
        _ => false,
    }
}

/// Explains a value that fits none of several variants: by the faults of the one that was meant, if that is clear.
fn variants(
    root: &Value,
    error: &ValidationError<'_>,
    context: &[Vec<ValidationError<'static>>],
    faults: &mut Vec<Fault>,
) {
    let place = error.instance_path();
    let here = |inner: &ValidationError<'_>| inner.instance_path() == place;
    // A null that stands for "nothing" is not what a wrong value was meant to be.
    let variants: Vec<_> =
        context.iter().filter(|inner| !inner.iter().all(|e| here(e) && types_of(e) == ["null"])).collect();
    // A variant is meant if it is the only one of the value's type, with its tag, and with its fields.
    let has_other_type = |inner: &ValidationError<'_>| here(inner) && matches!(inner.kind(), Kind::Type { .. });
    let has_other_fields = |inner: &ValidationError<'_>| {
        here(inner) && matches!(inner.kind(), Kind::AdditionalProperties { .. } | Kind::Required { .. })
    };
    let right_tag = without(&without(&variants, &has_other_type), &|inner| is_tag(place, inner));
    let right_fields = without(&right_tag, &has_other_fields);
    let meant = [variants.as_slice(), &right_tag, &right_fields].into_iter().find_map(|left| match left {
        [only] => Some(*only),
        _ => None,
    });
    if let Some(meant) = meant {
        return meant.iter().for_each(|inner| explain(root, inner, faults));
    }
    faults.push(no_variant(error, &variants));
}

fn without<'a>(variants: &[Variant<'a>], fault: &dyn Fn(&ValidationError<'_>) -> bool) -> Vec<Variant<'a>> {
    variants.iter().copied().filter(|inner| !inner.iter().any(fault)).collect()
}

/// Says what a value could have been, when none of the variants is clearly meant.
fn no_variant(error: &ValidationError<'_>, variants: &[Variant<'_>]) -> Fault {
    let place = error.instance_path();
    let inner = || variants.iter().copied().flatten();
    // The tag: the place at which each variant wants another constant.
    let tag = inner().find(|inner| is_tag(place, inner));
    if let Some(tag) = tag {
        let mut allowed = Vec::new();
        for inner in inner().filter(|inner| inner.instance_path() == tag.instance_path()) {
            match inner.kind() {
                Kind::Constant { expected_value } => allowed.push(&**expected_value),
                Kind::Enum { options } => allowed.extend(options.as_array().into_iter().flatten()),
                _ => {}
            }
        }
        let message = one_of(tag.instance(), allowed.into_iter().filter(|value| !value.is_null()));
        return Fault::new(path_of(tag.instance_path()), message).because(FaultReason::NotSupported);
    }
    let missing_in = |variant: &Variant<'_>| {
        let here = variant.iter().filter(|inner| inner.instance_path() == place);
        let names = here
            .filter_map(|inner| if let Kind::Required { property } = inner.kind() { property.as_str() } else { None });
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let missing: Vec<_> = variants.iter().map(missing_in).filter(|names| !names.is_empty()).collect();
    // What is missing for every variant is missing for sure.
    let everywhere =
        |name: &&String| missing.len() == variants.len() && missing.iter().all(|names| names.contains(name));
    if let Some(name) = missing.first().and_then(|names| names.iter().find(everywhere)) {
        return required(field_path(&path_of(place), name));
    }
    let mut wanted: Vec<&str> = Vec::new();
    for inner in inner().filter(|inner| inner.instance_path() == place) {
        let new: Vec<_> = types_of(inner).into_iter().filter(|kind| !wanted.contains(kind)).collect();
        wanted.extend(new);
    }
    let message = if error.instance().is_object() && !missing.is_empty() {
        let firsts: Vec<_> = missing.iter().filter_map(|names| names.first()).map(|name| quoted(name)).collect();
        format!("must have one of the fields {}", firsts.join(", "))
    } else if wanted.is_empty() {
        "fits none of the forms that it may have".to_owned()
    } else {
        wrong_type(error.instance(), &wanted)
    };
    Fault::new(path_of(place), message)
}

fn one_of<'a>(value: &Value, allowed: impl Iterator<Item = &'a Value>) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in allowed.map(shown) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    format!("{} is not one of {}", shown(value), names.join(", "))
}

fn wrong_type(value: &Value, wanted: &[&str]) -> String {
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let wanted = wanted.iter().map(|kind| with_article(kind)).collect::<Vec<_>>().join(" or ");
    format!("is {is}, but must be {wanted}")
}

fn with_article(kind: &str) -> String {
    match kind {
        "array" => "a list".to_owned(),
        "integer" | "object" => format!("an {kind}"),
        "null" => kind.to_owned(),
        _ => format!("a {kind}"),
    }
}

fn types_of(error: &ValidationError<'_>) -> Vec<&'static str> {
    if let Kind::Type { kind } = error.kind() { types(kind) } else { Vec::new() }
}

/// The types that are wanted; null only if it is the only one.
fn types(kind: &TypeKind) -> Vec<&'static str> {
    match kind {
        TypeKind::Single(kind) => vec![kind.as_str()],
        TypeKind::Multiple(kinds) => kinds.iter().map(JsonType::as_str).filter(|kind| *kind != "null").collect(),
    }
}

/// A value for a message: in back quotes, cut if it is long.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) => "the list".to_owned(),
        Value::Object(_) => "the object".to_owned(),
        value => quoted(&value.to_string()),
    }
}
