//! Places in a list, and the form in which they are handed out.

use std::fmt;

use super::cache::{SEPARATOR, place};
use crate::{Error, Fault, Result};

/// A place in a list of one kind: that of a namespace and a name, whether or not there is an object.
///
/// The text form is for somebody to hand back; nothing else should be read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(String);

impl Place {
    /// The place that the cache knows.
    pub(super) fn new(place: &str) -> Self {
        Self(place.to_owned())
    }

    /// The place as the cache knows it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(feature = "api")]
    pub(super) fn namespace(&self) -> &str {
        self.0.split_once(SEPARATOR).unwrap_or_default().0
    }

    /// Reads the text form, in a list of the kind with that plural.
    ///
    /// # Errors
    /// `Invalid` if it is not one that was handed out.
    pub(crate) fn parse(plural: &str, text: &str) -> Result<Self> {
        match text.split_once('/') {
            Some((namespace, name)) if !name.is_empty() && !name.contains('/') && !text.contains(SEPARATOR) => {
                Ok(Self(place(namespace, name)))
            }
            _ => {
                let shown: String = text.chars().take(40).collect();
                let message = format!("{shown:?} is no such token: hand back the one of the page before, unchanged");
                Err(Error::invalid(format!("a list of {plural}"), vec![Fault::new("continue", message)]))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, name) = self.0.split_once(SEPARATOR).unwrap_or_default();
        write!(f, "{namespace}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_place_survives_its_text_form() {
        for (namespace, name) in [("", "a"), ("lab", "a.b-c")] {
            let there = Place::new(&place(namespace, name));
            assert_eq!(there.to_string(), format!("{namespace}/{name}"));
            assert_eq!(Place::parse("devices", &there.to_string()).unwrap(), there);
        }
    }

    #[test]
    fn a_made_up_place_is_refused() {
        for wrong in ["", "/", "a", "lab/", "lab/a/b", "lab/a\0b", "\0/a"] {
            let error = Place::parse("devices", wrong).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Invalid(_)), "{wrong:?}: {error}");
            assert!(error.to_string().contains("continue"), "{error}");
        }
    }
}
