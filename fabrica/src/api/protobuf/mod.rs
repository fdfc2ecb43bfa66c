//! Bodies in Protocol Buffers, in which the tools of Kubernetes send objects of built-in kinds.
//!
//! Only the few messages that are sent are known, and of those every field that means something here. What is read
//! becomes the JSON that the same tool would have sent.

mod messages;
mod wire;

use serde_json::Value;

use self::messages::OBJECTS;
use self::wire::{Error, Fields};

/// What such a body is called in headers.
pub(super) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What such a body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Reads an object in its envelope, as JSON. `None` if it is of a kind whose message is not known here.
///
/// # Errors
/// It is none.
pub(super) fn decode(body: &[u8]) -> Result<Option<Value>, Error> {
    let Some(envelope) = body.strip_prefix(MAGIC) else { return Err(Error("doesn't begin with `k8s`")) };
    let (mut api_version, mut kind, mut raw) = ("", "", &[][..]);
    for field in Fields::of(envelope) {
        match field? {
            (1, content) => {
                for field in Fields::of(content.bytes()?) {
                    match field? {
                        (1, content) => api_version = content.text()?,
                        (2, content) => kind = content.text()?,
                        _ => {}
                    }
                }
            }
            (2, content) => raw = content.bytes()?,
            _ => {}
        }
    }
    let known = OBJECTS.iter().find(|object| object.api_version == api_version && object.kind == kind);
    let Some(object) = known else { return Ok(None) };
    let mut value = wire::read(object.message, raw)?;
    value.insert("apiVersion".to_owned(), api_version.into());
    value.insert("kind".to_owned(), kind.into());
    Ok(Some(value.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A field that holds bytes.
    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        assert!(length < 0x80);
        [&[number << 3 | 2, length], content].concat()
    }

    fn text(number: u8, content: &str) -> Vec<u8> {
        bytes(number, content.as_bytes())
    }

    fn object(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let type_meta = bytes(1, &[text(1, api_version), text(2, kind)].concat());
        [MAGIC, &type_meta, &bytes(2, raw), &text(3, ""), &text(4, "")].concat()
    }

    #[test]
    fn a_namespace_as_kubectl_sends_it_is_read() {
        let label = bytes(11, &[text(1, "team"), text(2, "blue")].concat());
        let created = bytes(8, &[1 << 3, 0x80, 0x94, 0xeb, 0xdc, 0x03]);
        let metadata = [text(1, "lab"), text(2, ""), text(5, ""), vec![7 << 3, 0], created, label.clone()].concat();
        let raw = [bytes(1, &metadata), bytes(2, &text(1, "kubernetes")), bytes(3, &text(1, ""))].concat();
        let expected = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": "lab", "creationTimestamp": "2001-09-09T01:46:40Z", "labels": { "team": "blue" } },
            "spec": { "finalizers": ["kubernetes"] },
            "status": {},
        });
        assert_eq!(decode(&object("v1", "Namespace", &raw)), Ok(Some(expected)));
    }

    #[test]
    fn delete_options_are_read() {
        let preconditions = bytes(2, &text(1, "u-1"));
        let raw = [preconditions, vec![3 << 3, 0], text(4, "Orphan"), text(5, "All")].concat();
        let expected = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": "u-1" },
            "orphanDependents": false,
            "propagationPolicy": "Orphan",
            "dryRun": ["All"],
        });
        assert_eq!(decode(&object("v1", "DeleteOptions", &raw)), Ok(Some(expected)));
    }

    #[test]
    fn what_is_no_such_body_is_an_error() {
        let whole = object("v1", "Namespace", &bytes(1, &text(1, "lab")));
        assert!(decode(&whole).is_ok());
        // It ends with two fields of two bytes each that say nothing.
        for end in [0, 3, 10, whole.len() - 5, whole.len() - 3] {
            assert!(decode(&whole[..end]).is_err(), "{end}");
        }
        for wrong in [b"{}".to_vec(), object("v1", "Namespace", &[0xff; 16])] {
            assert!(decode(&wrong).is_err());
        }
        assert_eq!(decode(&object("v1", "Secret", b"")), Ok(None));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..120), any in any::<Vec<u8>>()) {
            let _ = decode(&any);
            let _ = decode(&[MAGIC, &any].concat());
            for kind in ["Namespace", "DeleteOptions"] {
                let _ = decode(&object("v1", kind, &raw));
            }
        }

        #[test]
        fn what_is_broken_in_one_place_makes_no_panic(at in 0_usize..60, byte in any::<u8>()) {
            let label = bytes(11, &[text(1, "team"), text(2, "blue")].concat());
            let mut body = object("v1", "Namespace", &bytes(1, &[text(1, "lab"), label].concat()));
            if let Some(place) = body.get_mut(at) {
                *place = byte;
            }
            let _ = decode(&body);
        }
    }
}
