//! Selecting objects by their labels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::SyntaxError;
use super::names::{label_value_problem, qualified_name_problem, quoted};

/// The longest selector, in bytes.
pub(super) const LENGTH_MAX: usize = 4096;
/// The most terms of a selector.
pub(super) const TERMS_MAX: usize = 64;

const WHAT: &str = "label selector";

/// Which objects, by their labels: those that satisfy every term. The default selects everything.
///
/// Parsed from the form that `kubectl -l` takes, at most 4 KiB and 64 terms. What parsing gave is displayed in a form
/// that parses to the same. The builders take any text: a key or value that no label can have selects accordingly.
///
/// ```
/// use fabrica::resource::LabelSelector;
///
/// let selector: LabelSelector = "rack=r1, tier in (web, db), !retired".parse()?;
/// let labels = [("rack", "r1"), ("tier", "db")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
/// assert!(selector.matches(&labels));
/// let same = LabelSelector::everything().equals("rack", "r1").any_of("tier", ["web", "db"]).lacks("retired");
/// assert_eq!(selector, same);
/// assert_eq!(selector.to_string(), "rack=r1,tier in (db,web),!retired");
/// # Ok::<(), fabrica::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LabelSelector {
    terms: Vec<LabelTerm>,
}

/// One term of a [`LabelSelector`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelTerm {
    /// The label's key.
    pub key: String,
    /// What must be true of it.
    pub test: LabelTest,
}

/// What must be true of a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LabelTest {
    /// It is there, with one of these values.
    In(BTreeSet<String>),
    /// It is not there, or has none of these values.
    NotIn(BTreeSet<String>),
    /// It is there.
    Exists,
    /// It is not there.
    NotExists,
}

impl LabelSelector {
    /// Selects everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::default()
    }

    /// Parses the form that `kubectl -l` takes; empty selects everything.
    ///
    /// # Errors
    /// The text is no selector, or too long; the error has the position.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let selector = Parser::new(text)?.selector()?;
        SyntaxError::check_shown(WHAT, text, &selector.to_string(), LENGTH_MAX)?;
        Ok(selector)
    }

    /// Also asks for a label with that value.
    #[must_use]
    pub fn equals(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.any_of(key, [value])
    }

    /// Also asks for no label with that value; objects without the label are selected.
    #[must_use]
    pub fn differs(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.none_of(key, [value])
    }

    /// Also asks for a label with one of these values.
    #[must_use]
    pub fn any_of(self, key: impl Into<String>, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(key, LabelTest::In(values.into_iter().map(Into::into).collect()))
    }

    /// Also asks for a label with none of these values; objects without the label are selected.
    #[must_use]
    pub fn none_of(self, key: impl Into<String>, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.with(key, LabelTest::NotIn(values.into_iter().map(Into::into).collect()))
    }

    /// Also asks that the label is there.
    #[must_use]
    pub fn has(self, key: impl Into<String>) -> Self {
        self.with(key, LabelTest::Exists)
    }

    /// Also asks that the label is not there.
    #[must_use]
    pub fn lacks(self, key: impl Into<String>) -> Self {
        self.with(key, LabelTest::NotExists)
    }

    fn with(mut self, key: impl Into<String>, test: LabelTest) -> Self {
        self.terms.push(LabelTerm { key: key.into(), test });
        self
    }

    /// The terms, in the order in which they were given.
    #[must_use]
    pub fn terms(&self) -> &[LabelTerm] {
        &self.terms
    }

    /// Does it select every object?
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// Does it select an object with these labels?
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.terms.iter().all(|term| term.test.holds(labels.get(&term.key).map(String::as_str)))
    }
}

impl LabelTest {
    fn holds(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (Self::In(values), Some(value)) => values.contains(value),
            (Self::NotIn(values), Some(value)) => !values.contains(value),
            (Self::Exists, value) => value.is_some(),
            (Self::NotExists, value) => value.is_none(),
            (Self::In(_), None) => false,
            (Self::NotIn(_), None) => true,
        }
    }
}

impl FromStr for LabelSelector {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for LabelTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let (values, single, several) = match &self.test {
            LabelTest::Exists => return f.write_str(key),
            LabelTest::NotExists => return write!(f, "!{key}"),
            LabelTest::In(values) => (values, "=", "in"),
            LabelTest::NotIn(values) => (values, "!=", "notin"),
        };
        match values.first() {
            Some(value) if values.len() == 1 => write!(f, "{key}{single}{value}"),
            _ => {
                let list = values.iter().map(String::as_str).collect::<Vec<_>>().join(",");
                write!(f, "{key} {several} ({list})")
            }
        }
    }
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

    fn selector(mut self) -> Result<LabelSelector, SyntaxError> {
        let mut terms = Vec::new();
        self.skip_space();
        if self.rest().is_empty() {
            return Ok(LabelSelector { terms });
        }
        loop {
            let start = self.at;
            terms.push(self.term()?);
            if terms.len() > TERMS_MAX {
                return Err(self.error(start, format!("more than {TERMS_MAX} terms")));
            }
            if self.rest().is_empty() {
                return Ok(LabelSelector { terms });
            }
            if !self.take(",") {
                return Err(self.expected("`,` or the end after a term"));
            }
        }
    }

    fn term(&mut self) -> Result<LabelTerm, SyntaxError> {
        if self.take("!") {
            return Ok(LabelTerm { key: self.key()?, test: LabelTest::NotExists });
        }
        let key = self.key()?;
        let test = if self.take("!=") {
            LabelTest::NotIn(BTreeSet::from([self.value()?]))
        } else if self.take("==") || self.take("=") {
            LabelTest::In(BTreeSet::from([self.value()?]))
        } else {
            let start = self.at;
            match self.word() {
                "in" => LabelTest::In(self.values()?),
                "notin" => LabelTest::NotIn(self.values()?),
                "" => LabelTest::Exists,
                word => {
                    let message = format!("expected `=`, `!=`, `in` or `notin` after a key, found {}", quoted(word));
                    return Err(self.error(start, message));
                }
            }
        };
        Ok(LabelTerm { key, test })
    }

    fn key(&mut self) -> Result<String, SyntaxError> {
        self.skip_space();
        let start = self.at;
        let word = self.word();
        if word.is_empty() {
            return Err(self.expected("a label's key"));
        }
        match qualified_name_problem(word) {
            Some(problem) => Err(self.error(start, format!("the key {problem}"))),
            None => Ok(word.to_owned()),
        }
    }

    /// A value; nothing at all is the empty value.
    fn value(&mut self) -> Result<String, SyntaxError> {
        self.skip_space();
        let start = self.at;
        let word = self.word();
        match label_value_problem(word) {
            Some(problem) => Err(self.error(start, format!("the value {problem}"))),
            None => Ok(word.to_owned()),
        }
    }

    fn values(&mut self) -> Result<BTreeSet<String>, SyntaxError> {
        if !self.take("(") {
            return Err(self.expected("`(` and the values"));
        }
        let mut values = BTreeSet::new();
        loop {
            values.insert(self.value()?);
            if self.take(")") {
                return Ok(values);
            }
            if !self.take(",") {
                return Err(self.expected("`,` or `)` after a value"));
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// The characters up to the next one that means something, and the space after them.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find([' ', '\t', '\r', '\n', '=', '!', '(', ')', ',', '<', '>']).unwrap_or(rest.len());
        self.at += end;
        self.skip_space();
        rest.get(..end).unwrap_or_default()
    }

    fn take(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
            self.skip_space();
        }
        found
    }

    fn expected(&self, what: &str) -> SyntaxError {
        let found = self.rest().chars().next().map_or("the end".to_owned(), |c| quoted(&c.to_string()));
        self.error(self.at, format!("expected {what}, found {found}"))
    }

    fn error(&self, byte: usize, message: String) -> SyntaxError {
        SyntaxError::at(WHAT, self.text, byte, message)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn matches(selector: &str, pairs: &[(&str, &str)]) -> bool {
        LabelSelector::parse(selector).unwrap().matches(&labels(pairs))
    }

    #[test]
    fn every_form_of_the_grammar_is_understood() {
        let text = "a=b,c==d,e!=f,g in (x,y),h notin (z),i,!j";
        let selector = LabelSelector::parse(text).unwrap();
        let built = LabelSelector::everything()
            .equals("a", "b")
            .equals("c", "d")
            .differs("e", "f")
            .any_of("g", ["x", "y"])
            .none_of("h", ["z"])
            .has("i")
            .lacks("j");
        assert_eq!(selector, built);
        assert_eq!(selector.to_string(), "a=b,c=d,e!=f,g in (x,y),h!=z,i,!j");
        assert!(selector.matches(&labels(&[("a", "b"), ("c", "d"), ("g", "y"), ("i", "")])));
    }

    #[test]
    fn a_term_says_what_it_says_in_kubernetes() {
        assert!(matches("", &[]) && matches("  ", &[("a", "b")]));
        assert!(matches("a!=b", &[]) && matches("a notin (b)", &[]), "an absent label differs from every value");
        assert!(!matches("a=", &[]) && matches("a=", &[("a", "")]), "an empty value is a value");
        assert!(matches("a in ()", &[("a", "")]) && !matches("a in ()", &[("a", "b")]));
        assert!(matches("a in (,b)", &[("a", "")]));
        assert!(matches("a", &[("a", "")]) && !matches("!a", &[("a", "")]) && matches("! a", &[]));
        assert!(matches("in in (in), notin", &[("in", "in"), ("notin", "")]), "the words are keys too");
        assert!(matches(" x/y = z ,\n b ", &[("x/y", "z"), ("b", "")]));
    }

    #[test]
    fn a_wrong_selector_is_an_error_with_its_position() {
        for (text, position, part) in [
            ("a=b,", 4, "expected a label's key, found the end"),
            ("a=b,,c", 4, "expected a label's key, found `,`"),
            ("a=b c", 4, "expected `,` or the end after a term, found `c`"),
            ("ä in b", 0, "the key `ä`"),
            ("a in b", 5, "expected `(` and the values, found `b`"),
            ("a in (b", 7, "expected `,` or `)` after a value"),
            ("a like b", 2, "expected `=`, `!=`, `in` or `notin`"),
            ("a=ü", 2, "the value `ü`"),
            ("!a=b", 2, "expected `,` or the end"),
            ("a>1", 1, "found `>`"),
        ] {
            let error = LabelSelector::parse(text).unwrap_err();
            assert!(error.position == position && error.to_string().contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_selector_is_bounded() {
        let terms = |count: usize| vec!["a"; count].join(",");
        assert!(LabelSelector::parse(&terms(64)).is_ok());
        assert!(LabelSelector::parse(&terms(65)).unwrap_err().message.contains("more than 64 terms"));
        let spaces = " ".repeat(LENGTH_MAX);
        assert!(LabelSelector::parse(&spaces).is_ok() && LabelSelector::parse(&format!("{spaces} ")).is_err());
    }

    fn term() -> impl Strategy<Value = LabelTerm> {
        let key = "([a-z]{1,3}/)?[a-zA-Z0-9]([-_.]?[a-z]){0,2}";
        let values = prop::collection::btree_set("([a-z0-9]{1,3})?", 1..4);
        let test = prop_oneof![
            values.clone().prop_map(LabelTest::In),
            values.prop_map(LabelTest::NotIn),
            Just(LabelTest::Exists),
            Just(LabelTest::NotExists),
        ];
        (key, test).prop_map(|(key, test)| LabelTerm { key, test })
    }

    proptest! {
        #[test]
        fn what_is_displayed_parses_to_the_same(terms in prop::collection::vec(term(), 0..8)) {
            let selector = LabelSelector { terms };
            prop_assert_eq!(LabelSelector::parse(&selector.to_string()), Ok(selector));
        }

        #[test]
        fn no_input_makes_the_parser_panic(any in any::<String>(), near in "[a-c=!,() \u{e4}\u{a0}innot]{0,24}") {
            for text in [any, near] {
                if let Ok(selector) = LabelSelector::parse(&text) {
                    prop_assert_eq!(LabelSelector::parse(&selector.to_string()), Ok(selector));
                }
            }
        }
    }
}
