//! Reading JSON, with an eye on fields that are there twice.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};
use serde_json::{Map, Number, Value};

/// How many fields that are there twice are told of.
const DUPLICATES_MAX: usize = 32;

/// How much of such a field's path is told.
const PATH_MAX: usize = 256;

/// JSON that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Document {
    /// What it says. Of a field that is there twice, the last one counts.
    pub(super) value: Value,
    /// The paths of the fields that are there twice, as in `spec.ports[0].name`.
    pub(super) duplicates: Vec<String>,
}

/// Reads a whole document. What is nested too deep is refused by the parser.
///
/// # Errors
/// It is no JSON; the error has line and column.
pub(super) fn parse(json: &[u8]) -> Result<Document, serde_json::Error> {
    let mut reading = Reading::default();
    let mut parser = serde_json::Deserializer::from_slice(json);
    let value = (&mut reading).deserialize(&mut parser)?;
    parser.end()?;
    Ok(Document { value, duplicates: reading.duplicates })
}

#[derive(Default)]
struct Reading {
    /// Where in the document what is read now stands.
    path: String,
    duplicates: Vec<String>,
}

impl Reading {
    /// Reads something whose path is longer by `step`.
    fn within<T>(&mut self, step: impl fmt::Display, read: impl FnOnce(&mut Self) -> T) -> T {
        use fmt::Write as _;
        let length = self.path.len();
        // A string takes everything.
        let _ = write!(self.path, "{step}");
        let result = read(self);
        self.path.truncate(length);
        result
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reading {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
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

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is too large"))
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        loop {
            let index = all.len();
            match self.within(format_args!("[{index}]"), |reading| elements.next_element_seed(reading))? {
                Some(element) => all.push(element),
                None => return Ok(Value::Array(all)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let dot = if self.path.is_empty() { "" } else { "." };
            let value = self.within(format_args!("{dot}{name}"), |reading| {
                if all.contains_key(&name) && reading.duplicates.len() < DUPLICATES_MAX {
                    reading.duplicates.push(reading.path.chars().take(PATH_MAX).collect());
                }
                fields.next_value_seed(reading)
            })?;
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_that_are_there_twice_are_found_wherever_they_are() {
        let json = br#"{"a":1,"b":{"c":[{"d":1},{"d":1,"d":2,"d":3}]},"a":{"e":null,"e":0},"f":{"a":1}}"#;
        let document = parse(json).unwrap();
        assert_eq!(document.duplicates, ["b.c[1].d", "b.c[1].d", "a", "a.e"]);
        assert_eq!(document.value, json!({ "a": { "e": 0 }, "b": { "c": [{ "d": 1 }, { "d": 3 }] }, "f": { "a": 1 } }));
        let escaped = parse(br#"{"a":1,"\u0061":2}"#).unwrap();
        assert_eq!(escaped.duplicates, ["a"], "however it is written");
    }

    #[test]
    fn what_is_no_json_is_an_error_with_its_place() {
        for (json, place) in
            [(&b""[..], "line 1 column 0"), (b"{\n\"a\" 1}", "line 2 column 5"), (b"{} {}", "line 1 column 4")]
        {
            assert!(parse(json).unwrap_err().to_string().contains(place), "{json:?}");
        }
        let bomb = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert!(parse(&bomb).unwrap_err().to_string().contains("recursion limit"));
    }

    #[test]
    fn the_number_of_duplicates_told_of_is_bounded() {
        let json = format!("{{{}}}", vec![r#""a":1"#; 10_000].join(","));
        assert_eq!(parse(json.as_bytes()).unwrap().duplicates.len(), DUPLICATES_MAX);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(".{0,3}", inner, 0..5)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_what_the_ordinary_parser_reads(value in any_value()) {
            let json = value.to_string();
            let document = parse(json.as_bytes()).unwrap();
            prop_assert_eq!(&document.value, &serde_json::from_str::<Value>(&json).unwrap());
            prop_assert_eq!(document.duplicates.len(), 0);
        }

        #[test]
        fn no_bytes_make_it_panic(json in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(parse(&json).is_ok(), serde_json::from_slice::<Value>(&json).is_ok());
        }
    }
}
