//! What every expansion has in common: the scope its code stands in.
//!
//! The `#[cfg]`s of an item need no copy: the compiler decides on all of them before it calls a macro, in any order.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

/// Wraps generated items, so that they see the runtime as `__rt` whatever the user's crate calls things, and leave no
/// name behind. Generated code names everything through `__rt`: nothing is taken from the user's scope.
pub fn scope(runtime: &Path, items: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            use #runtime::__private as __rt;
            #items
        };
    }
}
