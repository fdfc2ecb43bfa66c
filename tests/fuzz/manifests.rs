use fabrica::testing::parsers;

use super::{is_bounded, text};

/// A time of the command line.
pub(super) fn duration(bytes: &[u8]) {
    if let Err(error) = parsers::duration(text(bytes)) {
        is_bounded(&error, bytes);
    }
}

/// A file of JSON documents.
pub(super) fn json_manifest(bytes: &[u8]) {
    documents(bytes, true);
}

/// A file of YAML documents.
pub(super) fn yaml_manifest(bytes: &[u8]) {
    documents(bytes, false);
}

/// The lines are those of the file, in order; what was read is JSON that is read as the same again.
fn documents(bytes: &[u8], json: bool) {
    let lines = text(bytes).matches('\n').count() + 1;
    let mut before = 1;
    for (line, value) in parsers::documents(text(bytes), json) {
        assert!(before <= line && line <= lines, "line {line} of {lines}");
        before = line;
        match value {
            Ok(value) => {
                let again = parsers::documents(&value.to_string(), true);
                assert!(again.len() == 1 && again[0].1.as_ref() == Ok(&value), "{again:?} comes of {value}");
            }
            Err(error) => is_bounded(&error, bytes),
        }
    }
}
