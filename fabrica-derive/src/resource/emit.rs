//! The code of a resource: impls and constants over the runtime.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::model::{Condition, Model};
use crate::runtime;

/// Everything that a declaration stands for; without its registration if it is not `sound`.
pub fn resource(model: &Model<'_>, sound: bool) -> TokenStream {
    let mut items = impl_resource(model);
    items.extend(model.conditions.as_ref().map(|_| impl_conditioned(model)));
    items.extend(inherent(model));
    if sound && model.register {
        items.extend(registration(model));
    }
    runtime::scope(&model.runtime, &items)
}

fn impl_resource(model: &Model<'_>) -> TokenStream {
    let Model { input, group, version, kind, plural, singular, description, namespaced, .. } = model;
    let Model { short_names, categories, selectable, shape, .. } = model;
    let ident = &input.ident;
    let api_version = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
    let has_status = shape.status.is_some();
    let conditions = model.conditions.iter().flatten().map(|condition| &condition.name);
    let columns = model.columns.iter().map(|(name, path)| quote!(__rt::Column::new(#name, #path)));
    let types = Types::of(model);
    let Types { spec, status, .. } = &types;
    let parts = parts(model, &types);
    // The runtime asks where it was called from: that is the place of the resource in its messages.
    let of = quote_spanned!(ident.span()=> &__rt::ResourceType::of::<#ident>());
    quote! {
        #[automatically_derived]
        impl __rt::Resource for #ident {
            type Spec = #spec;
            type Status = #status;
            const GROUP: &'static __rt::str = #group;
            const VERSION: &'static __rt::str = #version;
            const KIND: &'static __rt::str = #kind;
            const PLURAL: &'static __rt::str = #plural;
            const SINGULAR: &'static __rt::str = #singular;
            const API_VERSION: &'static __rt::str = #api_version;
            const DESCRIPTION: &'static __rt::str = #description;
            const NAMESPACED: __rt::bool = #namespaced;
            const HAS_STATUS: __rt::bool = #has_status;
            const SHORT_NAMES: &'static [&'static __rt::str] = &[#(#short_names),*];
            const CATEGORIES: &'static [&'static __rt::str] = &[#(#categories),*];
            const CONDITIONS: &'static [&'static __rt::str] = &[#(#conditions),*];
            const SELECTABLE: &'static [&'static __rt::str] = &[#(#selectable),*];
            const COLUMNS: &'static [__rt::Column] = &[#(#columns),*];
            const TYPE: &'static __rt::ResourceType = #of;
            #parts
        }
    }
}

/// The types of the three parts, as the user wrote them.
struct Types {
    metadata: TokenStream,
    spec: TokenStream,
    status: TokenStream,
}

impl Types {
    fn of(model: &Model<'_>) -> Self {
        let ty = |field: Option<&syn::Field>, missing: TokenStream| {
            field.map_or(missing, |field| field.ty.to_token_stream())
        };
        Self {
            metadata: ty(model.shape.metadata, quote!(__rt::Metadata)),
            spec: ty(model.shape.spec, quote!(__rt::NoStatus)),
            status: ty(model.shape.status, quote!(__rt::NoStatus)),
        }
    }
}

/// The accessors. Where a field is missing they are stubs: its own error has been reported.
fn parts(model: &Model<'_>, types: &Types) -> TokenStream {
    let shape = &model.shape;
    let Types { metadata, spec, status } = types;
    // One trait in all three places, named at the user's type, makes a wrong type one error there.
    let is = quote_spanned!(metadata.span()=> <#metadata as __rt::Is<__rt::Metadata>>);
    let name = |field: Option<&syn::Field>| field.and_then(|field| field.ident.clone());
    let (get_metadata, get_metadata_mut) = match name(shape.metadata) {
        Some(field) => (quote!(#is::get(&self.#field)), quote!(#is::get_mut(&mut self.#field))),
        None => (stub(), stub()),
    };
    let (get_spec, get_spec_mut) = match name(shape.spec) {
        Some(field) => (quote!(&self.#field), quote!(&mut self.#field)),
        None => (stub(), stub()),
    };
    let (get_status, get_status_mut) = match name(shape.status) {
        Some(field) => (quote!(&self.#field), quote!(&mut self.#field)),
        None => (quote!(&__rt::NoStatus), quote!(__rt::NoStatus::get_mut())),
    };
    let from_parts = match (shape.is_complete(), name(shape.metadata), name(shape.spec), name(shape.status)) {
        (true, Some(metadata), Some(spec), Some(status)) => {
            quote!(Self { #metadata: #is::make(__metadata), #spec: __spec, #status: __status })
        }
        (true, Some(metadata), Some(spec), None) => {
            quote!({ let __rt::NoStatus = __status; Self { #metadata: #is::make(__metadata), #spec: __spec } })
        }
        _ => stub(),
    };
    quote! {
        fn metadata(&self) -> &__rt::Metadata {
            #get_metadata
        }
        fn metadata_mut(&mut self) -> &mut __rt::Metadata {
            #get_metadata_mut
        }
        fn spec(&self) -> &#spec {
            #get_spec
        }
        fn spec_mut(&mut self) -> &mut #spec {
            #get_spec_mut
        }
        fn status(&self) -> &#status {
            #get_status
        }
        fn status_mut(&mut self) -> &mut #status {
            #get_status_mut
        }
        fn from_parts(__metadata: __rt::Metadata, __spec: #spec, __status: #status) -> Self {
            #from_parts
        }
    }
}

fn stub() -> TokenStream {
    quote!(loop {})
}

fn impl_conditioned(model: &Model<'_>) -> TokenStream {
    let ident = &model.input.ident;
    let status = model.shape.status.and_then(|field| Some((field.ident.as_ref()?, &field.ty)));
    let (get, get_mut) = match status {
        Some((field, ty)) => {
            // A status without conditions is one error at its type, because all of both uses stands there.
            let place = ty.span().resolved_at(Span::call_site());
            let mut field = field.clone();
            field.set_span(place);
            (
                quote_spanned!(place=> __rt::Is::<__rt::Conditions>::get(&self.#field.conditions)),
                quote_spanned!(place=> __rt::Is::<__rt::Conditions>::get_mut(&mut self.#field.conditions)),
            )
        }
        None => (stub(), stub()),
    };
    quote! {
        #[automatically_derived]
        impl __rt::Conditioned for #ident {
            fn conditions(&self) -> &__rt::Conditions {
                #get
            }
            fn conditions_mut(&mut self) -> &mut __rt::Conditions {
                #get_mut
            }
        }
    }
}

fn inherent(model: &Model<'_>) -> TokenStream {
    let (ident, vis, kind) = (&model.input.ident, &model.input.vis, &model.kind);
    let Types { spec, .. } = Types::of(model);
    let conditions = model.conditions.iter().flatten().map(|condition| helpers(condition, vis));
    let doc = format!(" A new `{kind}` with this name and spec; everything else is empty.");
    quote! {
        #[automatically_derived]
        #[allow(dead_code)]
        impl #ident {
            #[doc = #doc]
            #[must_use]
            #vis fn new(name: impl __rt::Into<__rt::String>, spec: #spec) -> Self {
                __rt::new(name, spec)
            }
            #(#conditions)*
        }
    }
}

fn helpers(condition: &Condition, vis: &syn::Visibility) -> TokenStream {
    let Condition { name, snake, span } = condition;
    let get = syn::parse_str::<Ident>(snake)
        .map_or_else(|_| Ident::new_raw(snake, *span), |ident| Ident::new(&ident.to_string(), *span));
    let is = format_ident!("is_{snake}", span = *span);
    let set = format_ident!("set_{snake}", span = *span);
    let is_doc = format!(" Whether the condition `{name}` is `True`.");
    let get_doc = format!(" The condition `{name}`, if it was ever set.");
    let set_doc = format!(" Sets the condition `{name}`, and says whether that changed anything.");
    quote! {
        #[doc = #is_doc]
        #[must_use]
        #vis fn #is(&self) -> __rt::bool {
            __rt::Conditioned::is_condition_true(self, #name)
        }
        #[doc = #get_doc]
        #[must_use]
        #vis fn #get(&self) -> __rt::Option<&__rt::Condition> {
            __rt::Conditioned::condition(self, #name)
        }
        #[doc = #set_doc]
        #vis fn #set(
            &mut self,
            status: impl __rt::Into<__rt::ConditionStatus>,
            reason: impl __rt::Into<__rt::String>,
            message: impl __rt::Into<__rt::String>,
        ) -> __rt::bool {
            __rt::Conditioned::set_condition(self, #name, status, reason, message)
        }
    }
}

fn registration(model: &Model<'_>) -> TokenStream {
    let ident = &model.input.ident;
    quote! {
        __rt::inventory::submit! {
            __rt::register_resource::<#ident>()
        }
    }
}
