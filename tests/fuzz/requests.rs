use fabrica::testing::parsers;

use super::{is_bounded, text};

/// An `Accept` header: what is not understood gives 406, and nothing else.
pub(super) fn accept(bytes: &[u8]) {
    if let Some(Ok(said) | Err(said)) = parsers::accept(bytes) {
        is_bounded(&said, &[]);
    }
}

/// A `continue`: what is handed out for it is read as the same.
pub(super) fn continue_token(bytes: &[u8]) {
    if let Some(token) = parsers::continued(text(bytes)) {
        assert_eq!(parsers::continued(&token).as_ref(), Some(&token));
    }
}

/// A body in Protocol Buffers: what is read is an object that names its kind.
pub(super) fn protobuf(bytes: &[u8]) {
    match parsers::protobuf(bytes) {
        Ok(Some(object)) => {
            assert!(object["apiVersion"].is_string() && object["kind"].is_string(), "{object}");
            is_bounded(&object.to_string(), bytes);
        }
        Ok(None) => {}
        Err(error) => is_bounded(&error, &[]),
    }
}

/// The parameters of a request.
pub(super) fn query(bytes: &[u8]) {
    match parsers::query(text(bytes)) {
        Ok((said, is_watch)) => {
            is_bounded(&said, bytes);
            assert!(is_watch || !said.contains("watch: true"), "{said}");
        }
        Err(error) => is_bounded(&error, &[]),
    }
}

/// The path of a request: its parts, written down again, name the same.
pub(super) fn target_path(bytes: &[u8]) {
    let Some(parts) = parsers::target(text(bytes)) else { return };
    let [group, version, namespace, ..] = &parts;
    let mut written = if group.is_empty() { vec!["/api"] } else { vec!["/apis", group] };
    written.push(version);
    if !namespace.is_empty() {
        written.extend(["namespaces", namespace]);
    }
    written.extend(parts[3..].iter().map(String::as_str).filter(|part| !part.is_empty()));
    let escaped = |part: &str| part.replace('%', "%25").replace('/', "%2f");
    let path = written[1..].iter().fold(written[0].to_owned(), |path, part| path + "/" + &escaped(part));
    // A group that is empty stands for the core group only under `/api`.
    if !(group.is_empty() && text(bytes).trim_matches('/').starts_with("apis")) {
        assert_eq!(parsers::target(&path), Some(parts), "{path}");
    }
}
