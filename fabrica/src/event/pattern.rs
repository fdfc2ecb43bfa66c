//! Patterns over event types.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// How many segments a pattern may have.
const MAX_SEGMENTS: usize = 64;

/// Which event types are meant.
///
/// A type is taken as segments between dots. `*` stands for exactly one segment, `**` for one or more; both may stand
/// anywhere, and anything else means exactly itself. A pattern has at most 64 segments; a type may have any number.
///
/// ```
/// use fabrica::event::Pattern;
///
/// let created = Pattern::parse("**.created")?;
/// assert!(created.matches("io.example.device.created"));
/// assert!(!created.matches("io.example.device.deleted"));
/// assert!(!created.matches("created"), "`**` is one segment at least");
/// assert!(Pattern::parse("io.dev*").is_err(), "a wildcard is a whole segment");
/// # Ok::<(), fabrica::event::PatternError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    segments: Arc<[Segment]>,
}

/// What one segment of a pattern stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    /// Itself.
    Literal(Box<str>),
    /// `*`: one segment.
    One,
    /// `**`: one segment or more.
    Many,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    pattern: String,
    fault: String,
}

impl Pattern {
    /// The pattern that a text describes.
    ///
    /// # Errors
    /// The text is empty, has an empty segment, more than 64 segments, or a `*` beside other characters in a segment.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let error = |fault: String| PatternError { pattern: text.to_owned(), fault };
        if text.is_empty() {
            return Err(error("it is empty; `**` matches every event".to_owned()));
        }
        if text.split('.').nth(MAX_SEGMENTS).is_some() {
            return Err(error(format!("it has more than {MAX_SEGMENTS} segments")));
        }
        let segments = text.split('.').enumerate().map(|(place, segment)| match segment {
            "" => Err(error(format!("segment {} is empty; write `*` for any one segment", place + 1))),
            "*" => Ok(Segment::One),
            "**" => Ok(Segment::Many),
            _ if segment.contains('*') => {
                Err(error(format!("`{segment}` mixes a wildcard with text; `*` and `**` stand for whole segments")))
            }
            _ => Ok(Segment::Literal(segment.into())),
        });
        Ok(Self { segments: segments.collect::<Result<_, _>>()? })
    }

    /// The pattern `**`, which matches every event.
    #[must_use]
    pub fn all() -> Self {
        Self { segments: Arc::new([Segment::Many]) }
    }

    /// Is an event type meant? Costs at most the product of both numbers of segments, and no memory.
    #[must_use]
    pub fn matches(&self, event_type: &str) -> bool {
        let mut pattern = &*self.segments;
        let mut rest = event_type.split('.');
        // The newest `**`: what follows it in the pattern, and the type beyond what it has taken so far. Going back to
        // the newest one alone is enough: whatever an older one could take, the newest can take instead.
        let mut last_many = None;
        loop {
            let matched = match (pattern.split_first(), rest.next()) {
                (None, None) => return true,
                (Some(_), None) => return false,
                (None, Some(_)) => false,
                (Some((Segment::Literal(literal), after)), Some(segment)) => {
                    pattern = after;
                    **literal == *segment
                }
                (Some((Segment::One, after)), Some(_)) => {
                    pattern = after;
                    true
                }
                (Some((Segment::Many, after)), Some(_)) => {
                    last_many = Some((after, rest.clone()));
                    pattern = after;
                    true
                }
            };
            if !matched {
                let Some((after, mut taken)) = last_many else { return false };
                if taken.next().is_none() {
                    return false;
                }
                last_many = Some((after, taken.clone()));
                (pattern, rest) = (after, taken);
            }
        }
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Does it match one type only, which is its own text?
    pub(super) fn is_exact(&self) -> bool {
        self.segments.iter().all(|segment| matches!(segment, Segment::Literal(_)))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.segments.iter().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            f.write_str(match segment {
                Segment::Literal(literal) => literal,
                Segment::One => "*",
                Segment::Many => "**",
            })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({self})")
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an event pattern: {}", self.pattern, self.fault)
    }
}

impl std::error::Error for PatternError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, written down as it is: correct, and slow.
    fn naive(pattern: &[&str], event_type: &[&str]) -> bool {
        match (pattern.split_first(), event_type.split_first()) {
            (None, None) => true,
            (Some((&"**", after)), Some((_, rest))) => naive(after, rest) || naive(pattern, rest),
            (Some((segment, after)), Some((first, rest))) => {
                (*segment == "*" || segment == first) && naive(after, rest)
            }
            _ => false,
        }
    }

    #[test]
    fn a_wildcard_stands_for_what_it_says() {
        for (pattern, yes, no) in [
            ("a.b", &["a.b"][..], &["a", "a.b.c", "a.c", "A.b", ""][..]),
            ("*", &["a", ""], &["a.b"]),
            ("**", &["a", "a.b", "a.b.c", ""], &[]),
            ("a.*", &["a.b"], &["a", "a.b.c", "b.b"]),
            ("a.**", &["a.b", "a.b.c"], &["a", "b.a"]),
            ("**.created", &["a.created", "a.b.created", "created.created"], &["created", "a.deleted", "a.created.x"]),
            ("*.b.*", &["a.b.c"], &["b", "a.b", "b.c", "a.b.c.d"]),
            ("a.**.z", &["a.b.z", "a.b.c.z", "a.z.z"], &["a.z", "a.b", "a.b.z.y"]),
            ("**.**", &["a.b", "a.b.c"], &["a"]),
            ("**.a.**.a", &["x.a.y.a", "x.a.a.a", "a.a.a.a.a"], &["a.a", "x.a.a", "x.a.y.b"]),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert!(yes.iter().all(|event_type| pattern.matches(event_type)), "{pattern} should match each of {yes:?}");
            assert!(!no.iter().any(|event_type| pattern.matches(event_type)), "{pattern} should match none of {no:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_pattern_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "it is empty"),
            ("a..b", "segment 2 is empty"),
            (".a", "segment 1 is empty"),
            ("a.", "segment 2 is empty"),
            ("a.**b", "`**b` mixes a wildcard with text"),
            ("dev*", "`dev*` mixes"),
            ("a.***", "`***` mixes"),
        ] {
            let error = Pattern::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is not an event pattern: {reason}")), "{error}");
        }
        assert!(Pattern::parse(&vec!["a"; MAX_SEGMENTS].join(".")).is_ok());
        assert!(Pattern::parse(&vec!["a"; MAX_SEGMENTS + 1].join(".")).is_err());
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        let pattern = Pattern::parse(&format!("{}.x", vec!["**"; 60].join("."))).unwrap();
        let event_type = vec!["a"; 10_000].join(".");
        // With one choice more for each `**` this would not end.
        assert!(!pattern.matches(&event_type));
        assert!(pattern.matches(&format!("{event_type}.x")));
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_definition(
            pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "**"]), 1..7),
            event_type in prop::collection::vec(prop::sample::select(vec!["a", "b", ""]), 1..9),
        ) {
            let text = pattern.join(".");
            let parsed = Pattern::parse(&text).unwrap();
            prop_assert_eq!(parsed.to_string(), text);
            prop_assert_eq!(parsed.matches(&event_type.join(".")), naive(&pattern, &event_type));
        }

        #[test]
        fn no_text_makes_parsing_or_matching_panic(text in "[a*. é]{0,12}", event_type in "[a. é]{0,12}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                let _ = pattern.matches(&event_type);
            }
        }
    }
}
