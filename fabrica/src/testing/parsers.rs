//! The parsers of outside input that are private to their folders, for tests that feed them anything.
#![allow(missing_docs, clippy::missing_errors_doc, clippy::must_use_candidate)] // not for users

#[cfg(feature = "api")]
pub use from_api::*;
#[cfg(feature = "cli")]
pub use from_cli::*;

#[cfg(feature = "api")]
mod from_api {
    use serde_json::Value;

    use crate::api::parsers;
    use crate::client::Patch;

    /// What the parameters say, and whether they ask for a watch.
    pub fn query(text: &str) -> Result<(String, bool), String> {
        parsers::query(text)
    }

    /// Group, version, namespace, plural, name and subresource that a path names.
    pub fn target(path: &str) -> Option<[String; 6]> {
        parsers::target(path)
    }

    /// The form that an `Accept` header asks for. `None` if the bytes are no header.
    pub fn accept(value: &[u8]) -> Option<Result<String, String>> {
        parsers::accept(value)
    }

    /// The value, and the paths of the fields that are there twice.
    pub fn strict_json(json: &[u8]) -> Result<(Value, Vec<String>), String> {
        parsers::strict_json(json)
    }

    /// The object in an envelope. `None` if its message is not known.
    pub fn protobuf(body: &[u8]) -> Result<Option<Value>, String> {
        parsers::protobuf(body)
    }

    /// A `continue` that is read and handed out again; `None` if it is none.
    pub fn continued(token: &str) -> Option<String> {
        parsers::continued(token)
    }

    /// What a patch makes of a document.
    pub fn patched(patch: &Patch, mut document: Value) -> Result<Value, String> {
        patch.apply_to(&mut document, "the document", 1 << 20).map(|()| document).map_err(|fault| fault.to_string())
    }
}

#[cfg(feature = "cli")]
mod from_cli {
    use std::time::Duration;

    use serde_json::Value;

    use crate::cli::parsers;

    /// The documents of a YAML file, or of a JSON file: the line of each, and its value.
    pub fn documents(text: &str, json: bool) -> Vec<(usize, Result<Value, String>)> {
        parsers::read(text, json)
    }

    /// A time of the command line.
    pub fn duration(text: &str) -> Result<Duration, String> {
        parsers::duration(text)
    }
}
