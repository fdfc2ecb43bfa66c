//! The store-wide counter of committed transactions.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in the history of a store.
///
/// It is one number for the whole store, and each committed transaction that changes something gets a
/// greater one than all before it. On the wire it is a string of decimal digits, so that no JSON reader
/// rounds it.
///
/// ```
/// use fabrica::store::Revision;
///
/// let revision: Revision = "42".parse()?;
/// assert_eq!(revision, Revision::new(42));
/// assert!(revision > Revision::ZERO);
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The revision of a store in which nothing was ever written.
    pub const ZERO: Self = Self(0);

    /// The revision with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The revision that comes right after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Revision {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;

        impl de::Visitor<'_> for Digits {
            type Value = Revision;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a revision: a string of decimal digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Revision, E> {
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_string_on_the_wire() {
        let written = serde_json::to_string(&Revision::new(u64::MAX)).unwrap();
        assert_eq!(written, format!("\"{}\"", u64::MAX));
        assert_eq!(serde_json::from_str::<Revision>(&written).unwrap(), Revision::new(u64::MAX));
    }

    #[test]
    fn anything_but_digits_is_refused() {
        for wrong in ["\"\"", "\"-1\"", "\"1x\"", "7", "null"] {
            assert!(serde_json::from_str::<Revision>(wrong).is_err(), "{wrong}");
        }
    }
}
