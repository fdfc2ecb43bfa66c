//! Text that can't be parsed.

use std::fmt;

use super::names::quoted;

/// A selector or a path that can't be parsed: where it is wrong, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    what: &'static str,
    input: String,
    /// How many characters stand before the fault.
    pub position: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl SyntaxError {
    /// A fault at a byte of the input.
    /// That what was read is too long in the form that is displayed, if it is: it could not be parsed again.
    pub(super) fn check_shown(what: &'static str, input: &str, shown: &str, max: usize) -> Result<(), Self> {
        if shown.len() <= max {
            return Ok(());
        }
        let message = format!("has {} bytes in the form that is displayed; at most {max} are allowed", shown.len());
        Err(Self::at(what, input, 0, message))
    }

    pub(super) fn at(what: &'static str, input: &str, byte: usize, message: impl Into<String>) -> Self {
        let position = input.char_indices().take_while(|(start, _)| *start < byte).count();
        Self { what, input: quoted(input), position, message: message.into() }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, input, position, message } = self;
        write!(f, "{what} {input}: {message}, at character {}", position + 1)
    }
}

impl std::error::Error for SyntaxError {}
