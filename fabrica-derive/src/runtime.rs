//! What every expansion has in common: the scope its code stands in, and the conditions it is compiled under.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Path};

/// Wraps generated items, so that they see the runtime as `__rt` whatever the user's crate calls things, and leave no
/// name behind. Generated code names everything through `__rt`: nothing is taken from the user's scope.
pub fn scope(runtime: &Path, conditions: &[&Attribute], items: &TokenStream) -> TokenStream {
    quote! {
        #(#conditions)*
        const _: () = {
            use #runtime::__private as __rt;
            #items
        };
    }
}

/// The `#[cfg(..)]`s of an item: what is generated from it must vanish with it.
pub fn conditions(attrs: &[Attribute]) -> Vec<&Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
}
