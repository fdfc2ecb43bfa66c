//! Objects as readers see them: the stored bytes, with what the store knows of them spliced in.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::cached::CachedObject;
use crate::resource::Uid;
use crate::store::Revision;

/// Where the metadata stand. A part that is there twice is left to [`slow`].
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
}

/// Where those fields of the metadata stand that the store knows better.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Known<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    resource_version: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    uid: Option<&'a RawValue>,
}

/// A null that is there has a place, too.
fn present<'de, D: Deserializer<'de>>(part: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(part).map(Some)
}

impl CachedObject {
    /// The envelope as a reader sees it: the bytes that are stored, with the version and the uid in the metadata. It is
    /// always a JSON object with metadata, whatever is stored.
    ///
    /// Costs a pass over the bytes.
    pub(crate) fn json(&self) -> Bytes {
        self.json_as(self.modified())
    }

    /// As [`Self::json`], with another version.
    pub(crate) fn json_as(&self, version: Revision) -> Bytes {
        spliced(&self.raw, self.uid(), version).unwrap_or_else(|| slow(&self.raw, self.uid(), version))
    }
}

/// `None` if the envelope is not one as the client writes it.
fn spliced(raw: &[u8], uid: &Uid, version: Revision) -> Option<Bytes> {
    // A part that is skipped is not checked to be text.
    let text = std::str::from_utf8(raw).ok()?;
    let Envelope { metadata } = serde_json::from_str(text).ok()?;
    if !metadata.get().starts_with('{') || !raw.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let known: Known<'_> = serde_json::from_str(metadata.get()).ok()?;
    let place = |part: &RawValue| -> Range<usize> {
        let start = part.get().as_ptr() as usize - raw.as_ptr() as usize;
        start..start + part.get().len()
    };
    let metadata = place(metadata);
    let is_empty = raw.get(metadata.start + 1..)?.trim_ascii_start().starts_with(b"}");
    let fields = [
        ("resourceVersion", known.resource_version, format!("\"{version}\"")),
        ("uid", known.uid, serde_json::to_string(&**uid).ok()?),
    ];
    // What has no place yet goes to the beginning of the metadata.
    let mut missing = String::new();
    let mut replaced: Vec<(Range<usize>, &str)> = Vec::with_capacity(fields.len() + 1);
    for (name, stored, value) in &fields {
        match stored {
            Some(stored) => replaced.push((place(stored), value)),
            None => missing = [&missing, "\"", name, "\":", value, ","].concat(),
        }
    }
    if is_empty {
        missing.pop();
    }
    replaced.push((metadata.start + 1..metadata.start + 1, &missing));
    replaced.sort_unstable_by_key(|(place, _)| place.start);

    let added: usize = replaced.iter().map(|(_, part)| part.len()).sum();
    let mut json = Vec::with_capacity(raw.len() + added);
    let mut done = 0;
    for (place, part) in replaced {
        json.extend_from_slice(raw.get(done..place.start)?);
        json.extend_from_slice(part.as_bytes());
        done = place.end;
    }
    json.extend_from_slice(raw.get(done..)?);
    Some(json.into())
}

/// What can be shown of anything.
fn slow(raw: &[u8], uid: &Uid, version: Revision) -> Bytes {
    let mut envelope = match serde_json::from_slice(raw) {
        Ok(Value::Object(envelope)) => envelope,
        _ => Map::new(),
    };
    let mut metadata = match envelope.remove("metadata") {
        Some(Value::Object(metadata)) => metadata,
        // Without a name it couldn't be told from others.
        _ => Map::from_iter([("name".to_owned(), Value::from(&**uid))]),
    };
    metadata.insert("resourceVersion".to_owned(), version.to_string().into());
    metadata.insert("uid".to_owned(), Value::from(&**uid));
    envelope.insert("metadata".to_owned(), metadata.into());
    Value::Object(envelope).to_string().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::client::kinds::Kinds;
    use crate::client::sample::Device;
    use crate::resource::{GroupKind, Resource};
    use crate::store::Entry;

    fn cached(raw: &[u8]) -> CachedObject {
        let kinds = Kinds::new(&[Device::TYPE], "x").unwrap();
        let (created, modified) = (Revision::new(1), Revision::new(7));
        let entry = Entry { key: "o".into(), value: Bytes::copy_from_slice(raw), created, modified };
        CachedObject::read(kinds.get(GroupKind::of::<Device>()).unwrap(), &"u-1".into(), &entry)
    }

    fn shown(raw: &str) -> String {
        String::from_utf8(cached(raw.as_bytes()).json().to_vec()).unwrap()
    }

    #[test]
    fn version_and_uid_are_put_into_the_metadata_and_all_other_bytes_stay() {
        for (raw, expected) in [
            (
                r#"{"kind":"Device","metadata":{"name":"a","uid":"u-1"},"spec":{"n": 1.10}}"#,
                r#"{"kind":"Device","metadata":{"resourceVersion":"7","name":"a","uid":"u-1"},"spec":{"n": 1.10}}"#,
            ),
            (r#"{"metadata":{"name":"a"}}"#, r#"{"metadata":{"resourceVersion":"7","uid":"u-1","name":"a"}}"#),
            (r#"{"metadata": { } }"#, r#"{"metadata": {"resourceVersion":"7","uid":"u-1" } }"#),
            (
                r#" {"metadata":{"uid":null,"resourceVersion" : "3","uids":["uid"]}}"#,
                r#" {"metadata":{"uid":"u-1","resourceVersion" : "7","uids":["uid"]}}"#,
            ),
            (
                r#"{"spec":{"metadata":{"uid":"x"}},"metadata":{"labels":{"uid":"y"},"uid":"z"}}"#,
                r#"{"spec":{"metadata":{"uid":"x"}},"metadata":{"resourceVersion":"7","labels":{"uid":"y"},"uid":"u-1"}}"#,
            ),
        ] {
            assert_eq!(shown(raw), expected);
        }
    }

    #[test]
    fn whatever_is_stored_is_shown_as_an_object_with_name_and_uid() {
        let unnamed = json!({ "metadata": { "name": "u-1", "uid": "u-1", "resourceVersion": "7" } });
        for raw in ["", "nothing", "[]", "7", "{", r#"[{"name":"a"}]"#, "\u{0}", r#"{"metadata":{}"#, "{}"] {
            assert_eq!(serde_json::from_str::<Value>(&shown(raw)).unwrap(), unnamed, "{raw}");
        }
        assert_eq!(
            serde_json::from_slice::<Value>(&cached(b"{\"metadata\":{\"x\":\"\xff\"}}").json()).unwrap(),
            unnamed
        );
        for raw in [r#"{"spec":1,"metadata":null}"#, r#"{"spec":1,"metadata":["a"]}"#, r#"{"metadata":"{","spec":1}"#] {
            let shown: Value = serde_json::from_str(&shown(raw)).unwrap();
            assert_eq!((&shown["metadata"], &shown["spec"]), (&unnamed["metadata"], &json!(1)), "{raw}");
        }
    }

    #[test]
    fn the_last_of_two_fields_counts_and_is_the_only_one() {
        let twice = r#"{"metadata":{"name":"a"},"metadata":{"name":"b","uid":"x","uid":"y"}}"#;
        assert_eq!(shown(twice).matches("uid").count(), 1);
        assert_eq!(serde_json::from_str::<Value>(&shown(twice)).unwrap()["metadata"]["name"], "b");
    }

    #[test]
    fn another_version_can_be_shown() {
        let shown = cached(br#"{"metadata":{"name":"a","uid":"u-1"}}"#).json_as(Revision::new(12));
        assert_eq!(&shown[..], br#"{"metadata":{"resourceVersion":"12","name":"a","uid":"u-1"}}"#);
    }

    /// JSON with whitespace, in which the fields that matter are frequent.
    fn any_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("-1.5e3".to_owned()),
            Just("18446744073709551615".to_owned()),
            Just("\"u-1\"".to_owned()),
            any::<String>().prop_map(|text| Value::from(text).to_string()),
        ];
        let key = prop_oneof![
            Just("\"metadata\"".to_owned()),
            Just("\"uid\"".to_owned()),
            Just("\"\\u0075id\"".to_owned()),
            Just("\"resourceVersion\"".to_owned()),
            Just("\"name\"".to_owned()),
            any::<String>().prop_map(|text| Value::from(text).to_string()),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            let field = (key.clone(), "[ \n]{0,2}", inner.clone())
                .prop_map(|(key, space, value)| [&key, space.as_str(), ":", space.as_str(), &value].concat());
            prop_oneof![
                1 => (prop::collection::vec(inner, 0..3), "[ \t]{0,1}")
                    .prop_map(|(items, space)| format!("[{space}{}]", items.join(","))),
                4 => (prop::collection::vec(field, 0..5), "[ \t]{0,1}")
                    .prop_map(|(fields, space)| format!("{space}{{{space}{}{space}}}", fields.join(", "))),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_spliced_json_means_what_the_parsed_way_gives(
            raw in any_json(),
            inner in any_json(),
            wrap in any::<bool>(),
        ) {
            let raw = if wrap { format!("{{\"a\":{raw},\"metadata\":{inner}, \"b\":[]}}") } else { raw };
            let (uid, version) = ("u-1".into(), Revision::new(7));
            let shown = cached(raw.as_bytes()).json();
            let parsed: Value = serde_json::from_slice(&slow(raw.as_bytes(), &uid, version)).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Value>(&shown).unwrap(), parsed);
            // No field of the metadata is there twice: some readers take the first.
            if let Ok(metadata) = serde_json::from_slice::<Envelope<'_>>(&shown) {
                prop_assert!(serde_json::from_str::<Known<'_>>(metadata.metadata.get()).is_ok());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            let shown: Value = serde_json::from_slice(&cached(&raw).json()).unwrap();
            prop_assert_eq!(&shown["metadata"]["uid"], "u-1");
        }
    }
}
