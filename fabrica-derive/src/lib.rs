//! The macros of Fabrica. Use them through the `fabrica` crate, which documents them where it re-exports them.
//!
//! Each macro parses into a model (`model.rs`), which holds every rule of a declaration, and emits thin code from it
//! (`emit.rs`): trait impls and constants, with the logic left to the runtime.

// Text here would stand a second time below that of the re-export.
#![allow(missing_docs)]

mod args;
mod duration;
mod errors;
mod names;
mod reconciler;
mod resource;
mod runtime;
#[cfg(test)]
mod snapshots;

use proc_macro::TokenStream;

#[proc_macro_derive(Resource, attributes(resource))]
pub fn derive_resource(input: TokenStream) -> TokenStream {
    resource::expand(input.into()).into()
}

#[proc_macro_attribute]
pub fn reconciler(args: TokenStream, item: TokenStream) -> TokenStream {
    reconciler::expand(args.into(), item.into()).into()
}
