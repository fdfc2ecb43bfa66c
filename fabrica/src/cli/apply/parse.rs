//! From the text of a file to JSON values, one a document.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::options::{AliasLimits, NonFiniteFloatPolicy};

use super::documents::{Chunk, split};

/// A document: its line, and its value or what keeps it from being read.
#[derive(Debug)]
pub(super) struct Document {
    /// The line that it begins at, from 1.
    pub(super) line: usize,
    pub(super) value: Result<Value, String>,
}

/// The documents of a YAML file. One that can't be read doesn't touch the others.
pub(super) fn yaml(text: &str) -> Vec<Document> {
    let document = |chunk: Chunk<'_>| Document { line: chunk.content_line, value: yaml_document(chunk) };
    split(text).into_iter().map(document).collect()
}

/// The documents of a JSON file, one after another. Behind one that can't be read, nothing can be.
pub(super) fn json(text: &str) -> Vec<Document> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Strict>();
    let mut documents = Vec::new();
    loop {
        let start = stream.byte_offset();
        let begin = start + text[start..].len() - text[start..].trim_start().len();
        let line = text[..begin].lines().count().max(1) + usize::from(text[..begin].ends_with('\n'));
        match stream.next() {
            None => return documents,
            Some(Ok(Strict(value))) => documents.push(Document { line, value: Ok(value) }),
            Some(Err(error)) => {
                documents.push(Document { line, value: Err(format!("is no JSON: {error}")) });
                return documents;
            }
        }
    }
}

/// The documents of a file, for tests that feed it anything.
#[cfg(feature = "testing")]
pub(crate) fn read(text: &str, is_json: bool) -> Vec<(usize, Result<Value, String>)> {
    let documents = if is_json { json(text) } else { yaml(text) };
    documents.into_iter().map(|document| (document.line, document.value)).collect()
}

fn yaml_document(chunk: Chunk<'_>) -> Result<Value, String> {
    match parse_yaml(chunk.text) {
        Ok(Strict(value)) => Ok(value),
        // Once more, with the lines before it empty, so that the message counts lines as the file does.
        Err(first) => {
            let padded = "\n".repeat(chunk.first_line - 1) + chunk.text;
            let error = parse_yaml(&padded).err().unwrap_or(first);
            Err(format!("is no YAML: {}", error.to_string().trim_end()))
        }
    }
}

fn parse_yaml(text: &str) -> Result<Strict, serde_saphyr::Error> {
    let mut options = serde_saphyr::Options::default();
    // As YAML 1.2 has it: `no` is a word, `0o17` an octal number and `017` neither.
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.underscored_numbers_as_strings = true;
    options.non_finite_float_policy = NonFiniteFloatPolicy::Reject;
    options.reject_unsupported_tags = true;
    options.with_snippet = false;
    let mut aliases = AliasLimits::default();
    aliases.max_total_replayed_events = MAX_REPLAYED;
    options.alias_limits = aliases;
    serde_saphyr::from_str_with_options(text, options)
}

/// How many nodes the aliases of a document may stand for, all together: enough for people, not for a bomb.
const MAX_REPLAYED: usize = 10_000;

/// A JSON value in which a key that is given twice is an error, and so is a number that JSON doesn't have.
#[derive(Debug)]
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = serde_json::Number::from_f64(value);
        number.map(Value::Number).ok_or_else(|| E::custom(format_args!("{value} is no number that JSON has")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if values.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` is given twice")));
            }
            let Strict(value) = map.next_value()?;
            values.insert(key, value);
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cli::dump::document;

    fn value(text: &str) -> Value {
        yaml(text).remove(0).value.unwrap()
    }

    fn fault(text: &str) -> String {
        yaml(text).remove(0).value.unwrap_err()
    }

    #[test]
    fn a_64_bit_number_stays_exact() {
        assert_eq!(value("a: 18446744073709551615\nb: -9223372036854775808"), json!({ "a": u64::MAX, "b": i64::MIN }));
        assert_eq!(super::json("[18446744073709551615]").remove(0).value, Ok(json!([u64::MAX])));
    }

    #[test]
    fn words_that_only_old_yaml_takes_for_values_are_words() {
        assert_eq!(
            value("a: no\nb: 0755\nc: 1_000\nd: true"),
            json!({ "a": "no", "b": "0755", "c": "1_000", "d": true })
        );
    }

    #[test]
    fn a_key_that_is_given_twice_is_an_error() {
        assert!(fault("a: 1\na: 2").contains("duplicate"), "{}", fault("a: 1\na: 2"));
        let text = r#"{"a": 1, "a": 2}"#;
        assert!(super::json(text).remove(0).value.unwrap_err().contains("the key `a` is given twice"));
    }

    #[test]
    fn a_broken_document_leaves_the_others_alone_and_is_reported_at_its_line() {
        let documents = yaml("a: 1\n---\nb: [1\nc: 2\n---\nd: 4\n");
        assert_eq!(documents.len(), 3);
        assert_eq!(documents[0].value, Ok(json!({ "a": 1 })));
        assert_eq!(documents[2].value, Ok(json!({ "d": 4 })));
        let fault = documents[1].value.as_ref().unwrap_err();
        assert!(fault.contains("line 4") || fault.contains("line 3"), "{fault}");
        assert_eq!(documents[1].line, 3);
    }

    #[test]
    fn aliases_work_and_an_alias_bomb_does_not() {
        assert_eq!(value("a: &x {b: 1}\nc: *x"), json!({ "a": { "b": 1 }, "c": { "b": 1 } }));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb = format!("{bomb}a{level}: &a{level} [{aliases}]\n");
        }
        assert!(fault(&bomb).contains("alias"), "{}", fault(&bomb));
    }

    #[test]
    fn what_json_can_not_hold_is_an_error() {
        fault("a: .nan");
        fault("a: .inf");
        fault("a: !mine x");
    }

    #[test]
    fn a_json_file_may_hold_several_documents() {
        let documents = super::json("{\"a\": 1}\n\n{\"b\": 2}\n{");
        assert_eq!(documents.iter().map(|document| document.line).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(documents[1].value, Ok(json!({ "b": 2 })));
        assert!(documents[2].value.is_err());
        assert!(super::json("").is_empty());
    }

    /// Texts that YAML, old or new, could take for something else.
    fn text() -> impl Strategy<Value = String> {
        let odd = [
            "",
            "~",
            "null",
            "no",
            "on",
            "Yes",
            "true",
            ".nan",
            "-.inf",
            "0755",
            "0o17",
            "0x1f",
            "1_000",
            "1e3",
            "1.",
            "+1",
            "12:30:45",
            "2026-01-01",
            "---",
            "...",
            "--- a",
            "- a",
            "a: b",
            "a #b",
            "#",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@",
            "`",
            "'",
            "\"",
            "\\",
            " a",
            "a ",
            "a\n",
            "\na",
            "a\n\n",
            "a\n b\n",
            "\ta",
            "a\tb",
            "a\r\nb",
            "\u{feff}",
            "\u{85}",
            "\u{2028}",
            "\u{0}",
            "<<",
            "=",
            "[",
            "{",
            "}",
            ",",
            "?",
            "? a",
            ":",
            "a:",
        ];
        prop_oneof![prop::sample::select(odd.to_vec()).prop_map(str::to_owned), "\\PC{0,20}", "[ -~\n]{0,120}"]
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("a number of JSON", |n| serde_json::Number::from_f64(n).map(Value::Number)),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_dumped_is_read_again(value in any_value()) {
            let object = json!({ "spec": value });
            let yaml = document(&object).unwrap();
            let read = super::yaml(&yaml);
            prop_assert_eq!(read.len(), 1, "{}", yaml);
            prop_assert_eq!(read[0].value.as_ref(), Ok(&object), "{}", yaml);
        }
    }
}
