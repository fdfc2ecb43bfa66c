//! Paths to the fields of an object.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::SyntaxError;
use super::names::quoted;

/// The longest path, in bytes.
const LENGTH_MAX: usize = 1024;

const WHAT: &str = "path";

/// Where a field stands in the JSON of an object: the part of JSON path that columns and field selectors need.
///
/// `.spec.items[0].name` and `spec.items[0].name` are the same path. A key that is more than letters, digits, `_`, `-`,
/// `/`, `:` and `$` stands in brackets and quotes, as in `metadata.labels['app.kubernetes.io/name']`, or has a `\` before
/// each such character. At most 1 KiB, as given and as displayed.
///
/// ```
/// use fabrica::resource::FieldPath;
///
/// let path: FieldPath = ".spec.items[0].name".parse()?;
/// let object = serde_json::json!({ "spec": { "items": [{ "name": "a" }] } });
/// assert_eq!(path.text(&object).as_deref(), Some("a"));
/// assert_eq!(path.to_string(), "spec.items[0].name");
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    segments: Vec<FieldSegment>,
}

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldSegment {
    /// The field of that name.
    Key(String),
    /// The element at that place, counted from 0.
    Index(usize),
}

impl FieldPath {
    /// Parses a path.
    ///
    /// # Errors
    /// The text is no path, or too long; the error has the position.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let path = Parser::new(text)?.path()?;
        SyntaxError::check_shown(WHAT, text, &path.to_string(), LENGTH_MAX)?;
        Ok(path)
    }

    /// The steps, outermost first; there is at least one.
    #[must_use]
    pub fn segments(&self) -> &[FieldSegment] {
        &self.segments
    }

    /// The value at this path, if it is there.
    #[must_use]
    pub fn get<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.segments.iter().try_fold(object, |value, segment| match segment {
            FieldSegment::Key(key) => value.as_object()?.get(key),
            FieldSegment::Index(index) => value.as_array()?.get(*index),
        })
    }

    /// The value at this path as people read it: a string without quotes, lists and maps as JSON. `None` if it is absent
    /// or null.
    #[must_use]
    pub fn text(&self, object: &Value) -> Option<String> {
        match self.get(object)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            value => Some(value.to_string()),
        }
    }

    /// The path as a custom resource definition writes it, with a `.` in front.
    #[must_use]
    pub fn json_path(&self) -> String {
        let text = self.to_string();
        if text.starts_with('[') { text } else { format!(".{text}") }
    }
}

impl FromStr for FieldPath {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            match segment {
                FieldSegment::Index(place) => write!(f, "[{place}]")?,
                FieldSegment::Key(key) if !key.is_empty() && key.chars().all(is_plain) => {
                    write!(f, "{}{key}", if index == 0 { "" } else { "." })?;
                }
                FieldSegment::Key(key) => write!(f, "['{}']", key.replace('\\', r"\\").replace('\'', r"\'"))?,
            }
        }
        Ok(())
    }
}

/// Can the character stand in a key without quotes?
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_-/:$".contains(c)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, SyntaxError> {
        if text.len() > LENGTH_MAX {
            let message = format!("has {} bytes; at most {LENGTH_MAX} are allowed", text.len());
            return Err(SyntaxError::at(WHAT, text, 0, message));
        }
        Ok(Self { text, at: 0 })
    }

    fn path(mut self) -> Result<FieldPath, SyntaxError> {
        let mut segments = Vec::new();
        loop {
            match self.peek() {
                None if segments.is_empty() => return Err(self.expected("a field, as in `.spec.rack`")),
                None => return Ok(FieldPath { segments }),
                Some('[') => {
                    self.next();
                    segments.push(self.bracket()?);
                }
                Some('.') => {
                    self.next();
                    segments.push(self.key()?);
                }
                Some(_) if segments.is_empty() => segments.push(self.key()?),
                Some(_) => return Err(self.expected("`.`, `[` or the end")),
            }
        }
    }

    fn key(&mut self) -> Result<FieldSegment, SyntaxError> {
        let mut key = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.next();
                let Some(escaped) = self.next() else { return Err(self.expected("a character after `\\`")) };
                key.push(escaped);
            } else if is_plain(c) {
                self.next();
                key.push(c);
            } else {
                break;
            }
        }
        if key.is_empty() { Err(self.expected("a field's name")) } else { Ok(FieldSegment::Key(key)) }
    }

    /// What stands in brackets, and the closing one.
    fn bracket(&mut self) -> Result<FieldSegment, SyntaxError> {
        let start = self.at;
        let segment = match self.peek() {
            Some(quote @ ('\'' | '"')) => {
                self.next();
                self.quoted_key(quote)?
            }
            Some('0'..='9') => {
                while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    self.next();
                }
                let digits = self.text.get(start..self.at).unwrap_or_default();
                let too_big = |_| SyntaxError::at(WHAT, self.text, start, "the index is too big");
                FieldSegment::Index(digits.parse().map_err(too_big)?)
            }
            _ => return Err(self.expected("an index or a quoted name, as in `[0]` or `['a.b']`")),
        };
        if self.peek() != Some(']') {
            return Err(self.expected("`]`"));
        }
        self.next();
        Ok(segment)
    }

    fn quoted_key(&mut self, quote: char) -> Result<FieldSegment, SyntaxError> {
        let mut key = String::new();
        loop {
            match self.next() {
                Some(c) if c == quote => return Ok(FieldSegment::Key(key)),
                Some('\\') => match self.next() {
                    Some(escaped) => key.push(escaped),
                    None => return Err(self.expected("a character after `\\`")),
                },
                Some(c) => key.push(c),
                None => return Err(self.expected("the closing quote")),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let found = self.peek().map_or("the end".to_owned(), |c| quoted(&c.to_string()));
        SyntaxError::at(WHAT, self.text, self.at, format!("expected {what}, found {found}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn text(path: &str) -> Option<String> {
        let object = json!({
            "metadata": { "labels": { "app": "web" }, "annotations": { "a.b/c": "note", "it's": "q" } },
            "spec": { "items": [{ "name": "a" }, { "name": null }], "count": 3, "on": true, "": "empty" },
        });
        FieldPath::parse(path).unwrap().text(&object)
    }

    #[test]
    fn a_path_finds_what_stands_there() {
        assert_eq!(text(".spec.items[0].name").as_deref(), Some("a"));
        assert_eq!(text("metadata.labels.app").as_deref(), Some("web"));
        for path in
            ["metadata.annotations['a.b/c']", r#".metadata.annotations["a.b/c"]"#, r"metadata.annotations.a\.b/c"]
        {
            assert_eq!(text(path).as_deref(), Some("note"), "{path}");
        }
        assert_eq!(text(r"metadata.annotations['it\'s']").as_deref(), Some("q"));
        assert_eq!(text("spec['']").as_deref(), Some("empty"));
        assert_eq!((text("spec.count").as_deref(), text("spec.on").as_deref()), (Some("3"), Some("true")));
        assert_eq!(text("metadata.labels").as_deref(), Some(r#"{"app":"web"}"#));
        for absent in ["spec.items[1].name", "spec.items[2]", "spec.count.x", "spec[0]", "nothing"] {
            assert_eq!(text(absent), None, "{absent}");
        }
    }

    #[test]
    fn both_ways_to_write_a_path_are_the_same_path() {
        let (one, other) = (FieldPath::parse(".spec['rack']").unwrap(), FieldPath::parse("spec.rack").unwrap());
        assert_eq!(one, other);
        assert_eq!((one.to_string(), one.json_path()), ("spec.rack".to_owned(), ".spec.rack".to_owned()));
    }

    #[test]
    fn a_wrong_path_is_an_error_with_its_position() {
        for (text, position) in [
            ("", 0),
            (".", 1),
            ("spec.", 5),
            ("spec..a", 5),
            ("spec[", 5),
            ("spec[0", 6),
            ("spec[a]", 5),
            ("spec['a]", 8),
            ("spec[99999999999999999999999]", 5),
            ("sp ec", 2),
            ("spec[0]x", 7),
            ("spec\\", 5),
        ] {
            let error = FieldPath::parse(text).unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
        }
        assert!(FieldPath::parse(&"a".repeat(1025)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_displayed_parses_to_the_same(
            segments in prop::collection::vec(
                prop_oneof![any::<String>().prop_map(FieldSegment::Key), any::<usize>().prop_map(FieldSegment::Index)], 1..4
            )
        ) {
            let path = FieldPath { segments };
            if path.to_string().len() <= LENGTH_MAX {
                prop_assert_eq!(FieldPath::parse(&path.to_string()), Ok(path));
            }
        }

        #[test]
        fn no_input_makes_the_parser_panic(any in any::<String>(), near in "[a.\\[\\]'\"\\\\0 \u{e4}]{0,16}") {
            for text in [any, near] {
                if let Ok(path) = FieldPath::parse(&text) {
                    let _ = path.get(&json!({ "a": [[0]] }));
                    prop_assert_eq!(FieldPath::parse(&path.json_path()), Ok(path));
                }
            }
        }
    }
}
