//! Reading a long list in pages that all show one revision.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::{Entry, Key, Revision, StoreError};

/// Which part of a list is asked for. The default is all of it at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The greatest number of entries. Default: no limit.
    pub limit: Option<usize>,
    /// Where to go on: [`ListPage::next`] of the page before. Default: from the beginning, at the store's
    /// newest revision.
    pub token: Option<PageToken>,
}

impl Page {
    /// The whole list.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The first `limit` entries.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { limit: Some(limit), token: None }
    }

    /// The page after the one whose token this is, with the same limit.
    #[must_use]
    pub fn after(self, token: PageToken) -> Self {
        Self { token: Some(token), ..self }
    }
}

/// A place in a list, at the revision of its first page.
///
/// The text form is for a client to hand back; nothing else should be read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken {
    revision: Revision,
    after: Key,
}

impl PageToken {
    /// For a backend: the token of the page at `revision` that begins after the key `after`.
    #[must_use]
    pub fn new(revision: Revision, after: Key) -> Self {
        Self { revision, after }
    }

    /// The revision that all pages show.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The last key of the page before.
    #[must_use]
    pub fn after(&self) -> &Key {
        &self.after
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.revision)?;
        self.after.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for PageToken {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let parse = || {
            let (revision, after) = text.split_once('.')?;
            Some(Self::new(revision.parse().ok()?, from_hex(after)?.into()))
        };
        parse().ok_or_else(|| {
            let mut shown = String::new();
            // Writing to a string can't fail.
            let _ = write!(shown, "{}", text.chars().take(40).collect::<String>().escape_debug());
            StoreError::Invalid(format!(
                "\"{shown}\" is not a page token: hand back the one of the page before, unchanged"
            ))
        })
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let [high, low] = pair else { return None };
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        })
        .collect()
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// The entries, ordered by key.
    pub entries: Vec<Entry>,
    /// The revision that this and all other pages of the list show. A watch after it misses nothing.
    pub revision: Revision,
    /// The token of the next page; `None` on the last one.
    pub next: Option<PageToken>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_form() {
        for key in [Key::EVERYTHING, Key::from("/a"), Key::from(vec![0, 255, 16])] {
            let token = PageToken::new(Revision::new(7), key);
            assert_eq!(token.to_string().parse::<PageToken>(), Ok(token));
        }
    }

    #[test]
    fn a_made_up_token_is_refused() {
        for wrong in ["", ".", "7", "x.00", "7.0", "7.0g", "-1.00", "7.é0"] {
            let error = wrong.parse::<PageToken>().unwrap_err();
            assert!(error.to_string().contains("not a page token"), "{wrong}");
        }
    }
}
