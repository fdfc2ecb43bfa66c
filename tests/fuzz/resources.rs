use std::str::FromStr as _;

use fabrica::resource::{
    FieldPath, FieldSelector, LabelSelector, Metadata, Timestamp, check_metadata, is_dns_label, is_dns_subdomain,
    is_qualified_name,
};

use super::{is_bounded, text};

macro_rules! survives_its_text_form {
    ($($(#[$doc:meta])+ $name:ident: $type:ty = $parse:path;)+) => {$(
        $(#[$doc])+
        pub(super) fn $name(bytes: &[u8]) {
            match $parse(text(bytes)) {
                Ok(read) => {
                    let shown = <$type>::to_string(&read);
                    let again = $parse(&shown).unwrap_or_else(|error| panic!("{shown:?}: {error}"));
                    assert_eq!(again, read, "{shown:?}");
                }
                Err(error) => is_bounded(&error.to_string(), bytes),
            }
        }
    )+};
}

survives_its_text_form! {
    /// A path to a field.
    field_path: FieldPath = FieldPath::parse;
    /// A selector over fields.
    field_selector: FieldSelector = FieldSelector::parse;
    /// A selector over labels.
    label_selector: LabelSelector = LabelSelector::parse;
    /// A time.
    timestamp: Timestamp = Timestamp::from_str;
}

/// Metadata: what is found fit is read as the same again.
pub(super) fn metadata(bytes: &[u8]) {
    let Ok(metadata) = serde_json::from_slice::<Metadata>(bytes) else { return };
    let said: usize = check_metadata(&metadata, true).iter().map(|fault| fault.path.len() + fault.message.len()).sum();
    assert!(said <= 4096 + 600 * bytes.len(), "{said} bytes are said of {}", bytes.len());
    let written = serde_json::to_string(&metadata).expect("metadata that were read are written");
    let again: Metadata = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(again, metadata, "{written}");
}

/// A name: it is what the rules of Kubernetes say.
pub(super) fn names(bytes: &[u8]) {
    let name = text(bytes);
    assert_eq!(is_dns_label(name), name.len() <= 63 && is_label(name), "{name:?}");
    assert_eq!(is_dns_subdomain(name), name.len() <= 253 && name.split('.').all(is_label), "{name:?}");
    let (prefix, part) = name.split_once('/').map_or((None, name), |(prefix, part)| (Some(prefix), part));
    let has_prefix = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_label));
    let ends = |text: &str| text.ends_with(|c: char| c.is_ascii_alphanumeric());
    let is_part = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && part.len() <= 63
        && part.starts_with(|c: char| c.is_ascii_alphanumeric())
        && ends(part);
    assert_eq!(is_qualified_name(name), has_prefix && is_part, "{name:?}");
    let faults = check_metadata(&Metadata::named(name), false);
    assert_eq!(faults.is_empty(), is_dns_subdomain(name), "{faults:?}");
    is_bounded(&format!("{faults:?}"), &[]);
}

fn is_label(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    let all = bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
    all && is_end(bytes.first()) && is_end(bytes.last())
}
