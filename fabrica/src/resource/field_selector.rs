//! Selecting objects by their fields.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::label_selector::{LENGTH_MAX, TERMS_MAX};
use super::{FieldPath, SyntaxError};

const WHAT: &str = "field selector";

/// Which objects, by their fields: those that satisfy every term. The default selects everything.
///
/// Parsed from the form that `kubectl --field-selector` takes, at most 4 KiB and 64 terms; in a value, `\` stands before
/// a `,`, a `=` or a `\` that is meant. What parsing gave is displayed in a form that parses to the same.
/// A field that is absent has the empty value, as in Kubernetes.
///
/// ```
/// use fabrica::resource::FieldSelector;
///
/// let selector: FieldSelector = "metadata.name=dev-1,.spec.rack!=r2".parse()?;
/// assert_eq!(selector.to_string(), "metadata.name=dev-1,spec.rack!=r2");
/// let object = serde_json::json!({ "metadata": { "name": "dev-1" }, "spec": { "rack": "r1" } });
/// assert!(selector.matches(&object));
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldSelector {
    terms: Vec<FieldTerm>,
}

/// One term of a [`FieldSelector`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldTerm {
    /// The field.
    pub path: FieldPath,
    /// The value that it is compared with, as text.
    pub value: String,
    /// Must it differ from the value, instead of being equal?
    pub negated: bool,
}

impl FieldSelector {
    /// The same selector with other paths; the first path that has no other, if there is one.
    #[cfg(feature = "api")]
    pub(crate) fn with_paths(self, other: impl Fn(&FieldPath) -> Option<FieldPath>) -> Result<Self, FieldPath> {
        let terms = self.terms.into_iter().map(|term| match other(&term.path) {
            Some(path) => Ok(FieldTerm { path, ..term }),
            None => Err(term.path),
        });
        Ok(Self { terms: terms.collect::<Result<_, _>>()? })
    }

    /// Selects everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Parses the form that `kubectl --field-selector` takes; empty selects everything.
    ///
    /// # Errors
    /// The text is no selector, or too long; the error has the position.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        if text.len() > LENGTH_MAX {
            let message = format!("has {} bytes; at most {LENGTH_MAX} are allowed", text.len());
            return Err(SyntaxError::at(WHAT, text, 0, message));
        }
        let mut terms = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let (term, end) = term(text, at)?;
            // As in Kubernetes, nothing between two commas is no term.
            terms.extend(term);
            if terms.len() > TERMS_MAX {
                return Err(SyntaxError::at(WHAT, text, at, format!("more than {TERMS_MAX} terms")));
            }
            at = end;
        }
        let selector = Self { terms };
        SyntaxError::check_shown(WHAT, text, &selector.to_string(), LENGTH_MAX)?;
        Ok(selector)
    }

    /// Also asks that a field has that value.
    #[must_use]
    pub fn equals(mut self, path: FieldPath, value: impl Into<String>) -> Self {
        self.terms.push(FieldTerm { path, value: value.into(), negated: false });
        self
    }

    /// Also asks that a field has another value.
    #[must_use]
    pub fn differs(mut self, path: FieldPath, value: impl Into<String>) -> Self {
        self.terms.push(FieldTerm { path, value: value.into(), negated: true });
        self
    }

    /// The terms, in the order in which they were given.
    #[must_use]
    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }

    /// Does it select every object?
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// Does it select an object, given by its envelope?
    #[must_use]
    pub fn matches(&self, envelope: &Value) -> bool {
        self.matches_with(|path| path.text(envelope))
    }

    /// Does it select the object whose fields the function tells? `None` is an absent field.
    pub fn matches_with(&self, mut field: impl FnMut(&FieldPath) -> Option<String>) -> bool {
        self.terms.iter().all(|term| (field(&term.path).unwrap_or_default() == term.value) != term.negated)
    }
}

impl FromStr for FieldSelector {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            write!(f, "{}{term}", if index > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for FieldTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.replace('\\', r"\\").replace(',', r"\,").replace('=', r"\=");
        write!(f, "{}{}{value}", self.path, if self.negated { "!=" } else { "=" })
    }
}

/// The term that begins at a byte, if there is one, and where the next begins.
fn term(text: &str, start: usize) -> Result<(Option<FieldTerm>, usize), SyntaxError> {
    let rest = text.get(start..).unwrap_or_default();
    let Some(operator) = operator(rest) else {
        return match rest.strip_prefix(',') {
            Some(_) => Ok((None, start + 1)),
            None => Err(SyntaxError::at(WHAT, text, start, "expected `field=value` or `field!=value`")),
        };
    };
    let (field, after) = rest.split_at_checked(operator).unwrap_or_default();
    let symbol = ["!=", "==", "="].into_iter().find(|symbol| after.starts_with(symbol)).unwrap_or("=");
    let path = FieldPath::parse(field).map_err(|error| {
        let byte = field.char_indices().nth(error.position).map_or(field.len(), |(byte, _)| byte);
        SyntaxError::at(WHAT, text, start + byte, error.message)
    })?;
    let value_start = start + operator + symbol.len();
    let (value, end) = value(text, value_start)?;
    Ok((Some(FieldTerm { path, value, negated: symbol == "!=" }), end))
}

/// Where the operator of the first term begins: not in quotes, and before any `,`.
fn operator(rest: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '=') => return Some(at),
            (None, '!') if rest.get(at..).is_some_and(|rest| rest.starts_with("!=")) => return Some(at),
            (None, ',') => return None,
            _ => {}
        }
    }
    None
}

/// The value that begins at a byte, and where the next term begins.
fn value(text: &str, start: usize) -> Result<(String, usize), SyntaxError> {
    let rest = text.get(start..).unwrap_or_default();
    let mut value = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            ',' => return Ok((value, start + at + 1)),
            '=' => return Err(SyntaxError::at(WHAT, text, start + at, "a `=` in a value needs a `\\` before it")),
            '\\' => {
                let Some((_, escaped @ ('\\' | ',' | '='))) = characters.next() else {
                    let message = "only `\\`, `,` and `=` can have a `\\` before them";
                    return Err(SyntaxError::at(WHAT, text, start + at, message));
                };
                value.push(escaped);
            }
            _ => value.push(c),
        }
    }
    Ok((value, text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_be_displayed_too_long_to_be_read_again_is_refused() {
        let escaped = |count| format!("spec{}=x", r".\=c".repeat(count));
        assert!(FieldSelector::parse(&escaped(160)).is_ok());
        let error = FieldSelector::parse(&escaped(190)).unwrap_err();
        assert!(error.to_string().contains("displayed"), "{error}");
    }

    #[test]
    fn a_term_compares_a_field_as_text() {
        let selector = FieldSelector::parse(r"spec.count=3,spec.rack!=r1,metadata.annotations['a=b']==x\,y").unwrap();
        let fields = |path: &FieldPath| match path.to_string().as_str() {
            "spec.count" => Some("3".to_owned()),
            "metadata.annotations['a=b']" => Some("x,y".to_owned()),
            _ => None,
        };
        assert!(selector.matches_with(fields), "an absent field differs from every value but the empty one");
        assert_eq!(selector.terms().len(), 3);
        assert!(!FieldSelector::parse("spec.rack!=").unwrap().matches_with(fields));
        assert!(FieldSelector::parse("involved.namespace=,").unwrap().matches_with(fields));
        assert!(FieldSelector::parse("").unwrap().is_everything());
    }

    #[test]
    fn a_wrong_selector_is_an_error_with_its_position() {
        for (text, position) in [
            ("spec.rack", 0),
            ("a=b,c", 4),
            ("=b", 0),
            ("a=b=c", 3),
            (r"a=\b", 2),
            ("ä!b", 0),
            ("a=b, c=d", 4),
            ("spec..x=1", 5),
        ] {
            let error = FieldSelector::parse(text).unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
        }
        assert!(FieldSelector::parse(&["a=b"; 65].join(",")).is_err());
        assert!(FieldSelector::parse(&"a".repeat(4097)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_displayed_parses_to_the_same(
            terms in prop::collection::vec(("[a-c.='\\\\,\u{e4}]{1,6}", "[a-c=,\\\\!' ]{0,6}", any::<bool>()), 0..5)
        ) {
            let terms: Vec<_> = terms
                .into_iter()
                .filter_map(|(key, value, negated)| {
                    let key = format!("spec['{}']", key.replace('\\', r"\\").replace('\'', r"\'"));
                    Some(FieldTerm { path: FieldPath::parse(&key).ok()?, value, negated })
                })
                .collect();
            let selector = FieldSelector { terms };
            prop_assert_eq!(FieldSelector::parse(&selector.to_string()), Ok(selector));
        }

        #[test]
        fn no_input_makes_the_parser_panic(any in any::<String>(), near in "[a.=!,'\\[\\]\\\\ \u{e4}]{0,16}") {
            for text in [any, near] {
                if let Ok(selector) = FieldSelector::parse(&text) {
                    prop_assert_eq!(FieldSelector::parse(&selector.to_string()), Ok(selector));
                }
            }
        }
    }
}
