//! `#[reconciler]`.

mod emit;
mod item;
mod model;
mod options;
mod signature;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;
use item::Item;
use model::Model;

/// The item as it was written, and the code of a reconciler beside it. With mistakes: their errors, and whatever
/// keeps the rest of the user's crate from failing for want of the reconciler.
pub fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut code = TokenStream::new();
    match syn::parse2::<Item>(item.clone()) {
        Ok(parsed) => {
            // A reconciler is async whether it waits for anything or not.
            code.extend(quote!(#[allow(clippy::unused_async)] #item));
            if let Some(model) = Model::new(args, &parsed, &mut errors) {
                code.extend(emit::reconciler(&model, errors.is_empty()));
            }
        }
        Err(error) => {
            code.extend(item);
            errors.add(error);
        }
    }
    code.extend(errors.into_compile_errors());
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: &str = "a reconciler's first parameter is its resource: write `device: &mut Device` or the like";

    fn mistakes(args: TokenStream, item: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        if let Some(item) = errors.take(syn::parse2::<Item>(item)) {
            Model::new(args, &item, &mut errors);
        }
        errors.messages()
    }

    fn with(args: TokenStream) -> Vec<String> {
        mistakes(args, quote!(async fn reconcile(device: &mut Device) -> Result<Action> { not even rust }))
    }

    #[test]
    fn every_option_is_accepted() {
        let messages = with(quote!(
            finalize = cleanup::run::<A, B>,
            timeout = "30s",
            concurrency = 8,
            backoff(base = "1s", max = "5m"),
            resync = "10m",
            watches(RackTemplate = racks_using, other::Kind = other::owners),
            events("io.example.device.**"),
            name = "devices",
            register = false,
            crate = fab
        ));
        assert!(messages.is_empty(), "{messages:?}");
    }

    #[test]
    fn mistakes_in_options_are_told_one_by_one() {
        for (args, message) in [
            (quote!(timeot = "1s"), "unknown key `timeot`; did you mean `timeout`?"),
            (
                quote!(timeout = "30"),
                "`30` is no duration longer than zero: write `250ms`, `30s`, `5m`, `1h30m` or the like",
            ),
            (
                quote!(resync = "0s"),
                "`0s` is no duration longer than zero: write `250ms`, `30s`, `5m`, `1h30m` or the like",
            ),
            (quote!(concurrency = 0), "expected a whole number from 1 to 4294967295: `concurrency = 8`"),
            (quote!(backoff(base = "1s")), "a backoff needs both ends: `backoff(base = \"1s\", max = \"5m\")`"),
            (
                quote!(backoff(base = "5m", max = "1s")),
                "the longest pause of a backoff must not be shorter than its first",
            ),
            (quote!(watches(Rack)), "write `watches(Kind = a_function)`"),
            (quote!(watches(Rack = a, Rack = b)), "`Rack` is watched twice"),
            (quote!(watches()), "`watches` names nothing: write `watches(Kind = a_function)`"),
            (
                quote!(events("a..b")),
                "`a..b` is no event pattern: segments stand between dots, `*` is one and `**` one or more",
            ),
            (quote!(name = ""), "a reconciler's name must not be empty"),
            (quote!(finalize = "cleanup"), "expected a path: `finalize = some::path`"),
        ] {
            assert_eq!(with(args), [message]);
        }
    }

    #[test]
    fn mistakes_in_signatures_are_told_one_by_one() {
        for (item, message) in [
            (
                quote!(
                    fn f(d: &mut D) -> Result<Action> {}
                ),
                "a reconciler is an `async fn`",
            ),
            (
                quote!(
                    async fn f() -> Result<Action> {}
                ),
                SHAPE,
            ),
            (
                quote!(
                    async fn f(ctx: &Context) -> Result<Action> {}
                ),
                SHAPE,
            ),
            (
                quote!(
                    async fn f(d: Device) -> Result<Action> {}
                ),
                SHAPE,
            ),
            (
                quote!(
                    async fn f(c: &Context, d: &mut D) -> Result<Action> {}
                ),
                "a reconciler's resource comes first: move `&mut D` here",
            ),
            (
                quote!(
                    async fn f(d: &mut D) {}
                ),
                "a reconciler returns `Result<Action>`",
            ),
            (
                quote!(
                    async unsafe fn f(d: &mut D) -> Result<Action> {}
                ),
                "a reconciler cannot be `unsafe`",
            ),
            (
                quote!(
                    async extern "C" fn f(d: &mut D) -> Result<Action> {}
                ),
                "a reconciler cannot be `extern`",
            ),
            (
                quote!(
                    async fn f<T>(d: &mut D) -> Result<Action> {}
                ),
                "a reconciler cannot be generic, not even over a lifetime: leave these out",
            ),
            (
                quote!(
                    async fn f(d: &mut D, s: impl Sized) -> Result<Action> {}
                ),
                "a reconciler's parameters have one concrete type each",
            ),
        ] {
            assert_eq!(mistakes(TokenStream::new(), item), [message]);
        }
    }

    #[test]
    fn mistakes_in_items_are_told_one_by_one() {
        for (item, message) in [
            (
                quote!(
                    async fn f(&mut self) -> Result<Action> {}
                ),
                "put `#[reconciler]` on the `impl` block",
            ),
            (
                quote!(
                    struct F;
                ),
                "`#[reconciler]` stands on an `async fn` or on an `impl` block",
            ),
            (
                quote!(impl D {}),
                "a reconciler's `impl` block has a method `async fn reconcile(&mut self, ..) -> Result<Action>`",
            ),
            (
                quote!(impl D { async fn recnocile(&mut self) -> Result<Action> {} }),
                "a reconciler's `impl` block has a method `async fn reconcile(&mut self, ..) -> Result<Action>`; did you mean `reconcile` here?",
            ),
            (
                quote!(impl R for D { async fn reconcile(&mut self) -> Result<Action> {} }),
                "`#[reconciler]` stands on an `impl` block of the type itself, not of a trait",
            ),
            (
                quote!(
                    impl<T> D<T> {
                        async fn reconcile(&mut self) -> Result<Action> {}
                    }
                ),
                "a reconciler cannot be generic, not even over a lifetime: leave these out",
            ),
            (
                quote!(impl D { async fn reconcile(self) -> Result<Action> {} }),
                "take `&mut self` on a resource, or `&self` on a reconciler with its own dependencies",
            ),
            (
                quote!(impl D { async fn reconcile(x: u8) -> Result<Action> {} }),
                "take `&mut self` on a resource, or `&self` on a reconciler with its own dependencies",
            ),
            (quote!(impl C { async fn reconcile(&self, ctx: &Context) -> Result<Action> {} }), SHAPE),
            (
                quote!(impl D { async fn reconcile(&mut self) -> Result<Action> {} async fn finalize(&self) -> Result<()> {} }),
                "`finalize` takes `&mut self`, like `reconcile`",
            ),
            (
                quote!(impl C { async fn reconcile(&self, d: &mut D) -> Result<Action> {} async fn finalize(&self, d: &mut E) -> Result<()> {} }),
                "`finalize` takes the resource of `reconcile`: `&mut D`",
            ),
            (
                quote!(impl D { async fn reconcile(&mut self) -> Result<Action> {} fn finalize(&mut self) -> Result<()> {} }),
                "a finalizer is an `async fn`",
            ),
        ] {
            assert_eq!(mistakes(TokenStream::new(), item), [message]);
        }
    }

    #[test]
    fn a_finalizer_is_given_once() {
        let item = quote! {
            impl Device {
                async fn reconcile(&mut self) -> Result<Action> {}
                async fn finalize(&mut self, ctx: &Context) -> Result<()> {}
            }
        };
        let messages = mistakes(quote!(finalize = cleanup), item);
        assert_eq!(messages, ["the `impl` block has a method `finalize` already"]);
    }

    #[test]
    fn independent_mistakes_are_all_reported() {
        let item = quote!(
            fn f(device: &Device, log: impl Sized) {}
        );
        assert_eq!(mistakes(quote!(timeout = "x", speed = 3), item).len(), 6);
    }
}
