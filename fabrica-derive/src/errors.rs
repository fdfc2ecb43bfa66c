//! Every mistake of a declaration, reported at once.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Collects mistakes, so that the user sees all of them after one compilation.
///
/// The parsers that take one report to it and go on; whether something was reported decides what is emitted.
#[derive(Default)]
pub struct Errors {
    all: Option<syn::Error>,
}

impl Errors {
    /// Reports a mistake that spans all of `tokens`.
    pub fn on(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// Reports a mistake at one span.
    pub fn at(&mut self, span: Span, message: impl Display) {
        self.add(syn::Error::new(span, message));
    }

    /// Reports what `syn` found.
    pub fn add(&mut self, error: syn::Error) {
        match &mut self.all {
            Some(all) => all.combine(error),
            None => self.all = Some(error),
        }
    }

    /// Reports the error of `result`, and gives its value if there is none.
    pub fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_none()
    }

    /// One `compile_error!` for each mistake; nothing if there is none.
    pub fn into_compile_errors(self) -> TokenStream {
        self.all.map(|error| error.to_compile_error()).unwrap_or_default()
    }

    #[cfg(test)]
    pub fn messages(self) -> Vec<String> {
        self.all.map(|error| error.into_iter().map(|error| error.to_string()).collect()).unwrap_or_default()
    }
}
