//! What names, labels and the other words of the metadata may look like: the rules of Kubernetes.

use std::collections::BTreeMap;

use super::Metadata;
use super::owner::check_owners;
use crate::{Fault, FaultReason};

/// The longest name of an object, in bytes.
const NAME_MAX: usize = 253;
/// What a generated name adds to its prefix, in bytes.
const GENERATED_SUFFIX: usize = 5;
/// The longest DNS label, name part of a key and value of a label, in bytes.
pub(super) const LABEL_MAX: usize = 63;
/// The longest uid, in bytes.
const UID_MAX: usize = 128;
/// What all annotations of an object may take together, keys included, in bytes.
const ANNOTATIONS_MAX: usize = 256 * 1024;

/// Checks everything in the metadata that a user gives, and returns every fault with its path.
///
/// Empty is fine where something is filled in at creation: a name beside a `generateName`, a uid, the namespace of a
/// namespaced kind. Costs time linear in the metadata's size.
///
/// ```
/// use fabrica::resource::{Metadata, check_metadata};
///
/// assert!(check_metadata(&Metadata::named("dev-123"), false).is_empty());
/// let faults = check_metadata(&Metadata::named("Dev_123"), false);
/// assert_eq!(faults[0].path, "metadata.name");
/// assert!(faults[0].message.contains("`dev-123`"), "the message says what would be right");
/// ```
#[must_use]
pub fn check_metadata(metadata: &Metadata, namespaced: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    check_name(metadata, &mut faults);
    check_namespace(&metadata.namespace, namespaced, &mut faults);
    if !metadata.uid.is_empty() {
        note(&mut faults, "metadata.uid", uid_problem(&metadata.uid));
    }
    for (key, value) in &metadata.labels {
        let path = format!("metadata.labels[{key}]");
        note(&mut faults, &path, qualified_name_problem(key).map(|problem| format!("the key {problem}")));
        note(&mut faults, &path, label_value_problem(value).map(|problem| format!("the value {problem}")));
    }
    check_annotations(&metadata.annotations, &mut faults);
    check_finalizers(&metadata.finalizers, &mut faults);
    check_owners(&metadata.owner_references, &mut faults);
    faults
}

/// Is it a DNS label (RFC 1123): 1 to 63 lower-case letters, digits and `-`, not at the ends?
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    dns_label_problem(text).is_none()
}

/// Is it a DNS subdomain (RFC 1123): DNS labels joined by `.`, at most 253 bytes together?
///
/// As in Kubernetes, a single label may be longer than 63 bytes.
#[must_use]
pub fn is_dns_subdomain(text: &str) -> bool {
    dns_subdomain_problem(text).is_none()
}

/// Is it a qualified name: 1 to 63 letters, digits, `-`, `_` and `.`, not at the ends, after an optional DNS subdomain
/// and `/`?
#[must_use]
pub fn is_qualified_name(text: &str) -> bool {
    qualified_name_problem(text).is_none()
}

/// Is it the value of a label: empty, or like the name part of a qualified name?
pub(super) fn label_value_problem(text: &str) -> Option<String> {
    if text.is_empty() { None } else { name_part_problem(text) }
}

/// What keeps a text from being a qualified name, as the end of a sentence about it.
pub(super) fn qualified_name_problem(text: &str) -> Option<String> {
    let Some((prefix, name)) = text.split_once('/') else { return name_part_problem(text) };
    if name.contains('/') {
        return Some(format!("{} has more than one `/`: write at most one, as in `example.io/rack`", quoted(text)));
    }
    dns_subdomain_problem(prefix)
        .map(|problem| format!("has a wrong prefix before `/`: it {problem}"))
        .or_else(|| name_part_problem(name).map(|problem| format!("has a wrong name after `/`: it {problem}")))
}

fn check_name(metadata: &Metadata, faults: &mut Vec<Fault>) {
    let Metadata { name, generate_name, .. } = metadata;
    if !name.is_empty() {
        note(faults, "metadata.name", dns_subdomain_problem(name));
    } else if generate_name.is_empty() {
        let message = "is required: give a `name`, or a `generateName` to start one with";
        faults.push(Fault::new("metadata.name", message).because(FaultReason::Required));
    }
    if !generate_name.is_empty() {
        // What follows the prefix makes a `-` at its end right.
        let stem = generate_name.strip_suffix('-').filter(|stem| !stem.is_empty()).unwrap_or(generate_name);
        let problem = too_long(generate_name, NAME_MAX - GENERATED_SUFFIX).or_else(|| dns_subdomain_problem(stem));
        note(faults, "metadata.generateName", problem);
    }
}

fn check_namespace(namespace: &str, namespaced: bool, faults: &mut Vec<Fault>) {
    if namespace.is_empty() {
        return;
    }
    let problem = if namespaced {
        dns_label_problem(namespace)
    } else {
        Some(format!("is {}, but the kind is not namespaced: leave it out", quoted(namespace)))
    };
    note(faults, "metadata.namespace", problem);
}

fn check_annotations(annotations: &BTreeMap<String, String>, faults: &mut Vec<Fault>) {
    let mut size = 0_usize;
    for (key, value) in annotations {
        size = size.saturating_add(key.len()).saturating_add(value.len());
        // As in Kubernetes: the case of an annotation's prefix doesn't matter.
        let problem = qualified_name_problem(&key.to_ascii_lowercase()).map(|problem| format!("the key {problem}"));
        note(faults, &format!("metadata.annotations[{key}]"), problem);
    }
    if size > ANNOTATIONS_MAX {
        let message = format!(
            "take {size} bytes together, keys included; at most {ANNOTATIONS_MAX} are allowed: keep large data elsewhere"
        );
        faults.push(Fault::new("metadata.annotations", message));
    }
}

fn check_finalizers(finalizers: &[String], faults: &mut Vec<Fault>) {
    for (index, finalizer) in finalizers.iter().enumerate() {
        note(faults, &format!("metadata.finalizers[{index}]"), qualified_name_problem(finalizer));
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    if has(Metadata::ORPHAN_FINALIZER) && has(Metadata::FOREGROUND_FINALIZER) {
        let message = "hold both `orphan` and `foregroundDeletion`, which contradict each other: keep one";
        faults.push(Fault::new("metadata.finalizers", message));
    }
}

pub(super) fn note(faults: &mut Vec<Fault>, path: &str, problem: Option<String>) {
    faults.extend(problem.map(|message| Fault::new(path, message)));
}

pub(super) fn uid_problem(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    too_long(text, UID_MAX).or_else(|| {
        let wrong = text.chars().find(|c| !allowed(*c));
        let rule = "a uid starts with a letter or digit and goes on with letters, digits, `.`, `_`, `:` and `-`";
        let example = example(text, allowed, UID_MAX, "dev-123");
        match wrong {
            Some(c) => Some(format!("{} has a {}: {rule}, as in `{example}`", quoted(text), character(c))),
            None if text.starts_with(|c: char| c.is_ascii_alphanumeric()) => None,
            None => Some(format!("{} starts with no letter or digit: {rule}, as in `{example}`", quoted(text))),
        }
    })
}

pub(super) fn dns_label_problem(text: &str) -> Option<String> {
    dns_problem(text, LABEL_MAX, false)
}

pub(super) fn dns_subdomain_problem(text: &str) -> Option<String> {
    dns_problem(text, NAME_MAX, true)
}

fn dns_problem(text: &str, max: usize, dots: bool) -> Option<String> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let allowed = |c: char| is_inner(c) || c == '-' || (dots && c == '.');
    let rule = if dots {
        "use lower-case letters, digits, `-` and `.`, with a letter or digit at both ends and beside each `.`"
    } else {
        "use lower-case letters, digits and `-`, with a letter or digit at both ends"
    };
    let is_part = |part: &str| part.starts_with(is_inner) && part.ends_with(is_inner);
    words_problem(text, max, rule, allowed, &|text| if dots { text.split('.').all(is_part) } else { is_part(text) })
}

fn name_part_problem(text: &str) -> Option<String> {
    let is_inner = |c: char| c.is_ascii_alphanumeric();
    let allowed = |c: char| is_inner(c) || "-_.".contains(c);
    let rule = "use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
    words_problem(text, LABEL_MAX, rule, allowed, &|text| text.starts_with(is_inner) && text.ends_with(is_inner))
}

/// What keeps a text from being made of the allowed characters in the right places.
fn words_problem(
    text: &str,
    max: usize,
    rule: &str,
    allowed: impl Fn(char) -> bool,
    well_placed: &dyn Fn(&str) -> bool,
) -> Option<String> {
    if text.is_empty() {
        return Some(format!("is empty: {rule}"));
    }
    if let Some(problem) = too_long(text, max) {
        return Some(problem);
    }
    let wrong = text.chars().find(|c| !allowed(*c));
    if wrong.is_none() && well_placed(text) {
        return None;
    }
    let example = example(&text.to_ascii_lowercase(), &allowed, max, "dev-1");
    let example = if well_placed(&example) { example } else { "dev-1".to_owned() };
    let fault = match wrong {
        Some(c) => format!("has a {}", character(c)),
        None => "begins or ends wrongly".to_owned(),
    };
    Some(format!("{} {fault}: {rule}, as in `{example}`", quoted(text)))
}

fn too_long(text: &str, max: usize) -> Option<String> {
    let length = text.len();
    (length > max).then(|| format!("{} has {length} bytes: at most {max} are allowed", quoted(text)))
}

/// What was probably meant: the text with each wrong character replaced, or the fallback if nothing is left of it.
fn example(text: &str, allowed: impl Fn(char) -> bool, max: usize, fallback: &str) -> String {
    let replaced: String = text.chars().map(|c| if allowed(c) { c } else { '-' }).take(max).collect();
    let trimmed = replaced.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if trimmed.is_empty() { fallback.to_owned() } else { trimmed.to_owned() }
}

fn character(c: char) -> String {
    if c == ' ' {
        "space".to_owned()
    } else if c.is_control() {
        format!("control character (U+{:04X})", u32::from(c))
    } else {
        format!("`{c}`")
    }
}

/// The text for a message: in back quotes, on one line, cut if it is long.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 64;
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .flat_map(|c| {
            let hidden = c.is_control();
            c.escape_default().filter(move |_| hidden).chain((!hidden).then_some(c))
        })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::resource::OwnerReference;

    fn faults_of(change: impl FnOnce(&mut Metadata)) -> Vec<String> {
        let mut metadata = Metadata::named("dev-1");
        change(&mut metadata);
        check_metadata(&metadata, true).iter().map(ToString::to_string).collect()
    }

    fn owner(name: &str, controller: bool) -> OwnerReference {
        OwnerReference {
            api_version: "example.io/v1".into(),
            kind: "Rack".into(),
            name: name.into(),
            uid: format!("u{name}").into(),
            controller,
            block_owner_deletion: false,
        }
    }

    #[test]
    fn good_metadata_has_no_fault() {
        let faults = faults_of(|metadata| {
            metadata.name = "a.b-c.9".into();
            metadata.namespace = "default".into();
            metadata.uid = "urn:x_1.2-3".into();
            metadata.labels = [("app.kubernetes.io/name", "Web_1.x"), ("empty", "")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
            metadata.annotations.insert("Example.IO/Note".into(), "anything: ü".into());
            metadata.finalizers = vec!["example.io/clean-up".into(), "orphan".into()];
            metadata.owner_references = vec![owner("r", true), owner("s", false)];
        });
        assert_eq!(faults, [""; 0]);
    }

    #[test]
    fn every_fault_is_reported_at_once_with_its_path() {
        let faults = faults_of(|metadata| {
            metadata.name = "Dev_1".into();
            metadata.namespace = "a.b".into();
            metadata.uid = "a/b".into();
            metadata.labels.insert("a/b/c".into(), "x y".into());
            metadata.finalizers = vec!["ok".into(), "-no".into()];
            metadata.owner_references = vec![owner("", true), owner("s", true)];
        });
        let paths: Vec<_> = faults.iter().map(|fault| fault.split(": ").next().unwrap()).collect();
        let expected = [
            "metadata.name",
            "metadata.namespace",
            "metadata.uid",
            "metadata.labels[a/b/c]",
            "metadata.labels[a/b/c]",
            "metadata.finalizers[1]",
            "metadata.ownerReferences[0].name",
            "metadata.ownerReferences[1].controller",
        ];
        assert_eq!(paths, expected, "{faults:#?}");
    }

    #[test]
    fn a_message_says_what_would_be_right() {
        let name = faults_of(|metadata| metadata.name = "Dev_1".into()).concat();
        assert!(name.contains("`Dev_1` has a `D`") && name.contains("as in `dev-1`"), "{name}");
        let missing = faults_of(|metadata| metadata.name.clear()).concat();
        assert!(missing.contains("give a `name`, or a `generateName`"), "{missing}");
        let newline = faults_of(|metadata| metadata.name = "a\nb".into()).concat();
        assert!(newline.contains(r"`a\nb` has a control character (U+000A)"), "{newline}");
        let not_namespaced = Metadata { namespace: "x".into(), ..Metadata::named("a") };
        assert!(check_metadata(&not_namespaced, false)[0].message.contains("leave it out"));
    }

    #[test]
    fn a_generated_name_may_end_in_a_dash_and_needs_room_for_its_end() {
        let with = |prefix: &str| {
            let metadata = Metadata { generate_name: prefix.into(), ..Metadata::default() };
            check_metadata(&metadata, false).len()
        };
        assert_eq!((with("dev-"), with("dev"), with("a.b-")), (0, 0, 0));
        assert_eq!((with("-"), with("Dev-"), with("dev.")), (1, 1, 1));
        assert_eq!((with(&"x".repeat(248)), with(&"x".repeat(249))), (0, 1));
    }

    #[test]
    fn lengths_are_kept_to_the_byte() {
        assert!(is_dns_label(&"x".repeat(63)) && !is_dns_label(&"x".repeat(64)));
        assert!(is_dns_subdomain(&"x".repeat(253)) && !is_dns_subdomain(&"x".repeat(254)));
        assert!(is_qualified_name(&format!("{}/{}", "x".repeat(253), "y".repeat(63))));
        assert!(!is_qualified_name(&format!("x/{}", "y".repeat(64))));
        let uid = |length| faults_of(|metadata| metadata.uid = "u".repeat(length).into()).len();
        assert_eq!((uid(128), uid(129)), (0, 1));
        let notes = |length| faults_of(|m| _ = m.annotations.insert("n".into(), "x".repeat(length))).len();
        assert_eq!((notes(ANNOTATIONS_MAX - 1), notes(ANNOTATIONS_MAX)), (0, 1));
    }

    #[test]
    fn dots_and_dashes_stand_between_letters_and_digits() {
        for wrong in ["", "-a", "a-", ".a", "a.", "a..b", "a.-b", "a-.b", "A", "a_b", "ä", "a b"] {
            assert!(!is_dns_subdomain(wrong), "{wrong:?}");
        }
        assert!(!is_dns_label("a.b"));
        for wrong in ["", "/a", "a/", "a/b/c", "A/b", "_a", "a_", "a b", "é"] {
            assert!(!is_qualified_name(wrong), "{wrong:?}");
        }
        assert!(is_qualified_name("A_b.C-d"));
    }

    #[test]
    fn the_finalizers_that_contradict_each_other_are_not_taken_together() {
        let with = |names: &[&str]| {
            faults_of(|metadata| metadata.finalizers = names.iter().map(ToString::to_string).collect()).len()
        };
        assert_eq!(
            (with(&["orphan"]), with(&["foregroundDeletion"]), with(&["orphan", "foregroundDeletion"])),
            (0, 0, 1)
        );
    }

    #[test]
    fn a_uid_starts_with_a_letter_or_digit() {
        for wrong in ["-a", ":a", "a/b", "a b", "ü", "."] {
            assert_eq!(faults_of(|metadata| metadata.uid = wrong.into()).len(), 1, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_a_check_panic(text in any::<String>(), other in "\\PC{0,300}") {
            for text in [&text, &other] {
                let _ = (is_dns_label(text), is_dns_subdomain(text), is_qualified_name(text));
                let faults = faults_of(|metadata| {
                    metadata.name = text.clone();
                    metadata.generate_name = text.clone();
                    metadata.uid = text.as_str().into();
                    metadata.labels.insert(text.clone(), text.clone());
                    metadata.annotations.insert(text.clone(), text.clone());
                    metadata.finalizers.push(text.clone());
                });
                prop_assert!(faults.iter().all(|fault| !fault.is_empty()));
            }
        }

        /// The rules once more, as the regular expressions that Kubernetes documents.
        #[test]
        fn the_rules_are_those_of_kubernetes(text in "[aA0._/-]{0,6}") {
            let label = |text: &str, more: &str| {
                let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || (more.contains('_') && c.is_ascii_uppercase());
                text.starts_with(inner) && text.ends_with(inner) && text.chars().all(|c| inner(c) || more.contains(c))
            };
            let subdomain = |text: &str| text.split('.').all(|part| label(part, "-"));
            prop_assert_eq!(is_dns_label(&text), label(&text, "-"));
            prop_assert_eq!(is_dns_subdomain(&text), subdomain(&text));
            let parts: Vec<_> = text.split('/').collect();
            let qualified = match parts[..] {
                [name] => label(name, "-_."),
                [prefix, name] => subdomain(prefix) && label(name, "-_."),
                _ => false,
            };
            prop_assert_eq!(is_qualified_name(&text), qualified);
        }
    }
}
