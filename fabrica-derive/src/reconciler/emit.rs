//! The code of a reconciler: one impl over the runtime, and its registration.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Path, Type};

use super::model::{Call, Model, Subject};
use super::options::{Options, Watch};
use super::signature::Form;
use crate::runtime;

/// What is emitted beside the item. If the declaration is not `sound`, what it promises to the rest of the user's crate
/// is there, without code behind it and without a registration.
pub fn reconciler(model: &Model<'_>, sound: bool) -> TokenStream {
    let mut code = TokenStream::new();
    if let Subject::Function(vis) = model.subject {
        let ident = model.reconcile.ident;
        code.extend(quote! {
            #[doc(hidden)]
            #[allow(non_camel_case_types, dead_code)]
            #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
            #vis struct #ident {}
        });
    }
    if let Some(object) = model.object {
        let mut items = impl_reconciler(model, object, sound);
        if sound && model.options.register {
            items.extend(registration(model));
        }
        code.extend(runtime::scope(&model.options.runtime, &items));
    }
    code
}

fn impl_reconciler(model: &Model<'_>, object: &Type, sound: bool) -> TokenStream {
    let implementor = model.implementor();
    let name = &model.name;
    let has_finalize = model.finalize.is_some() || model.options.finalize.is_some();
    let options = options(&model.options);
    let needs = needs(model);
    // The runtime asks where it was called from: that is the place of the reconciler in its messages.
    let of = quote_spanned!(model.place()=> &__rt::ReconcilerType::of::<#implementor>());
    let reconcile =
        function(Kind::RECONCILE, model, object, sound.then(|| call(model, &model.reconcile, Kind::RECONCILE)));
    let finalize = finalize(model, object, sound);
    // Spanned as a whole, because a resource that is more private than its reconciler is an error at the whole of it.
    let resource = quote_spanned!(object.span()=> type Resource = #object;);
    quote! {
        #[automatically_derived]
        impl __rt::Reconciler for #implementor {
            #resource
            const NAME: &'static __rt::str = #name;
            const HAS_FINALIZE: __rt::bool = #has_finalize;
            const TYPE: &'static __rt::ReconcilerType = #of;
            fn options() -> __rt::Options {
                #options
            }
            fn needs(__needs: &mut __rt::Needs) {
                #needs
            }
            #reconcile
            #finalize
        }
    }
}

/// The two functions of the runtime's trait.
#[derive(Clone, Copy)]
struct Kind {
    function: &'static str,
    output: &'static str,
    into: (&'static str, &'static str),
}

impl Kind {
    const RECONCILE: Self = Self { function: "reconcile", output: "Action", into: ("IntoOutcome", "into_outcome") };
    const FINALIZE: Self = Self { function: "finalize", output: "Finalize", into: ("IntoFinalize", "into_finalize") };
}

fn finalize(model: &Model<'_>, object: &Type, sound: bool) -> TokenStream {
    if let Some(own) = &model.finalize {
        return function(Kind::FINALIZE, model, object, sound.then(|| call(model, own, Kind::FINALIZE)));
    }
    let Some(path) = &model.options.finalize else { return TokenStream::new() };
    let finalize =
        bounded(path, |span| quote_spanned!(span=> __rt::finalize_with::<#object, _>), &quote!(, __object, __ctx));
    let body = quote!(#finalize.await);
    function(Kind::FINALIZE, model, object, sound.then_some(body))
}

/// Passes the function at `path` to one whose bounds say what it must be. The whole call gets the place of the path, so
/// that a function that is wrong in several respects is one error there.
fn bounded(path: &Path, callee: impl FnOnce(Span) -> TokenStream, rest: &TokenStream) -> TokenStream {
    let mut tokens = path.to_token_stream().into_iter();
    let first = tokens.next().map_or_else(Span::call_site, |token| token.span());
    let last = tokens.last().map_or(first, |token| token.span());
    let callee = callee(first);
    let mut arguments = Group::new(Delimiter::Parenthesis, quote!(#path #rest));
    arguments.set_span(last);
    quote!(#callee #arguments)
}

fn function(kind: Kind, model: &Model<'_>, object: &Type, body: Option<TokenStream>) -> TokenStream {
    let ident = |name: &str| syn::Ident::new(name, Span::call_site());
    let (function, output) = (ident(kind.function), ident(kind.output));
    let body = body.unwrap_or_else(|| quote!(loop {}));
    let place = match (&model.finalize, kind.function) {
        (Some(own), "finalize") => own.ident.span(),
        _ => model.reconcile.ident.span(),
    };
    // A future that is not `Send` is shown at the user's function.
    let future = quote_spanned! {place.resolved_at(Span::call_site())=>
        impl __rt::Future<Output = __rt::Result<__rt::#output>> + __rt::Send + 'a
    };
    quote! {
        fn #function<'a>(__object: &'a mut #object, __ctx: &'a __rt::Context) -> #future {
            async move { #body }
        }
    }
}

/// Calls a function of the user's with what it asks for.
fn call(model: &Model<'_>, call: &Call<'_>, kind: Kind) -> TokenStream {
    let ident = call.ident;
    let arguments = call.types.extractors.iter().map(|ty| {
        let extract = extract(ty);
        quote!(#extract::extract(__ctx)?)
    });
    let (receiver, function) = match model.subject {
        Subject::Function(_) => (TokenStream::new(), ident.to_token_stream()),
        Subject::Impl(ty, Form::OnController) => {
            let state = extract(&controller(ty));
            (quote!(let __controller = #state::extract(__ctx)?;), quote!(<#ty>::#ident))
        }
        Subject::Impl(ty, _) => (TokenStream::new(), quote!(<#ty>::#ident)),
    };
    let this = matches!(model.subject, Subject::Impl(_, Form::OnController)).then(|| quote!(&__controller.0,));
    let (into, method) =
        (syn::Ident::new(kind.into.0, Span::call_site()), syn::Ident::new(kind.into.1, Span::call_site()));
    let into = call.types.output.map(|ty| quote_spanned!(ty.span()=> <#ty as __rt::#into>));
    quote! {
        #receiver
        #into::#method(#function(#this __object #(, #arguments)*).await)
    }
}

/// Names the extractor's trait at the user's type: a type that is none is one error there.
fn extract(ty: &Type) -> TokenStream {
    quote_spanned!(ty.span()=> <#ty as __rt::Extract<'_>>)
}

fn controller(ty: &Type) -> Type {
    syn::parse_quote_spanned!(ty.span()=> __rt::State<__rt::Arc<#ty>>)
}

fn needs(model: &Model<'_>) -> TokenStream {
    let mut needs = TokenStream::new();
    if let Subject::Impl(ty, Form::OnController) = model.subject {
        let state = extract(&controller(ty));
        needs.extend(quote!(#state::needs(__needs);));
    }
    let calls = [Some(&model.reconcile), model.finalize.as_ref()];
    for ty in calls.into_iter().flatten().flat_map(|call| &call.types.extractors) {
        let extract = extract(ty);
        needs.extend(quote!(#extract::needs(__needs);));
    }
    if needs.is_empty() { quote!(let _ = __needs;) } else { needs }
}

fn options(options: &Options) -> TokenStream {
    let millis = |millis: u64| quote!(__rt::Duration::from_millis(#millis));
    let mut chain = quote!(__rt::Options::new());
    if let Some(timeout) = options.timeout.map(millis) {
        chain.extend(quote!(.timeout(#timeout)));
    }
    if let Some(concurrency) = &options.concurrency {
        chain.extend(quote!(.concurrency(#concurrency)));
    }
    if let Some((base, max)) = options.backoff {
        let (base, max) = (millis(base), millis(max));
        chain.extend(quote!(.backoff(#base, #max)));
    }
    if let Some(resync) = options.resync.map(millis) {
        chain.extend(quote!(.resync(#resync)));
    }
    for Watch { kind, mapping } in &options.watches {
        let watch = bounded(mapping, |span| quote_spanned!(span=> __rt::Watch::of::<#kind, _, _>), &TokenStream::new());
        chain.extend(quote!(.watch(#watch)));
    }
    for pattern in &options.events {
        chain.extend(quote!(.events(#pattern)));
    }
    chain
}

fn registration(model: &Model<'_>) -> TokenStream {
    let implementor = model.implementor();
    quote! {
        __rt::inventory::submit! {
            __rt::register_reconciler::<#implementor>()
        }
    }
}
