//! What is fed with anything: each parser of outside input, as one function of bytes that panics if a property fails.

mod events;
mod json;
mod manifests;
mod requests;
mod resources;
mod stored;

/// Something that is fed with bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called, as is its folder in the corpus.
    pub name: &'static str,
    /// Reads the bytes. It panics if a property fails, and ends soon.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($(Target { name: stringify!($name), run: $module::$name }),+),+]
    };
}

/// All of them.
pub const TARGETS: &[Target] = targets! {
    events: event, event_pattern;
    json: json_patch, merge_patch, strict_json;
    manifests: duration, json_manifest, yaml_manifest;
    requests: accept, continue_token, protobuf, query, target_path;
    resources: field_path, field_selector, label_selector, metadata, names, timestamp;
    stored: stored_file, stored_object;
};

/// Feeds one of them, by its name.
///
/// # Panics
/// A property fails, or there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target that there is");
    (target.run)(bytes);
}

/// As text; what is none is left out.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_else(|error| {
        let (text, _) = bytes.split_at(error.valid_up_to());
        std::str::from_utf8(text).unwrap_or_default()
    })
}

/// Two inputs in one: what stands before the first line end, and what stands behind it.
fn two(bytes: &[u8]) -> (&str, &str) {
    text(bytes).split_once('\n').unwrap_or((text(bytes), ""))
}

/// What is said of an input is not much longer than the input.
fn is_bounded(said: &str, input: &[u8]) {
    assert!(said.len() <= 4096 + 16 * input.len(), "{} bytes are said of {}", said.len(), input.len());
}
