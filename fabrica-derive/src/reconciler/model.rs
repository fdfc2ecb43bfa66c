//! What a reconciler is: every rule of its declaration.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, Type, Visibility};

use super::item::{Function, Impl, Item};
use super::options::Options;
use super::signature::{self, FINALIZER, Form, RECONCILER, Types};
use crate::errors::Errors;
use crate::names;

pub struct Model<'a> {
    pub options: Options,
    pub subject: Subject<'a>,
    /// The resource's type.
    pub object: Option<&'a Type>,
    pub name: String,
    pub reconcile: Call<'a>,
    pub finalize: Option<Call<'a>>,
}

/// What the reconciler stands on, and what therefore implements the runtime's trait.
pub enum Subject<'a> {
    /// A function: a marker type of its name, with its visibility.
    Function(&'a Visibility),
    /// An `impl` block: its type.
    Impl(&'a Type, Form),
}

/// A function that generated code calls.
pub struct Call<'a> {
    pub ident: &'a Ident,
    pub types: Types<'a>,
}

impl<'a> Model<'a> {
    /// Reads a declaration; what is wrong with it goes to `errors`. `None` if nothing sensible can be emitted for it.
    pub fn new(args: TokenStream, item: &'a Item, errors: &mut Errors) -> Option<Self> {
        let options = Options::parse(args, errors);
        match item {
            Item::Function(function) => Self::of_function(options, function, errors),
            Item::Impl(block) => Self::of_impl(options, block, errors),
        }
    }

    fn of_function(options: Options, function: &'a Function, errors: &mut Errors) -> Option<Self> {
        let Function { vis, sig, .. } = function;
        if let Some(receiver) = sig.receiver() {
            errors.on(receiver, "put `#[reconciler]` on the `impl` block");
            return None;
        }
        let types = signature::types(sig, Form::Free, &RECONCILER, errors);
        Some(Self {
            name: options.name.clone().unwrap_or_else(|| sig.ident.unraw().to_string()),
            options,
            subject: Subject::Function(vis),
            object: types.object,
            reconcile: Call { ident: &sig.ident, types },
            finalize: None,
        })
    }

    fn of_impl(options: Options, block: &'a Impl, errors: &mut Errors) -> Option<Self> {
        if block.is_of_trait {
            errors.on(block.keyword, "`#[reconciler]` stands on an `impl` block of the type itself, not of a trait");
            return None;
        }
        signature::check_generics(&block.generics, &RECONCILER, errors);
        let reconcile = reconcile_method(block, errors)?;
        let Some(form) = signature::form(reconcile.sig.receiver()) else {
            let place = reconcile
                .sig
                .inputs
                .first()
                .map_or_else(|| reconcile.sig.ident.to_token_stream(), ToTokens::to_token_stream);
            errors.on(place, "take `&mut self` on a resource, or `&self` on a reconciler with its own dependencies");
            return None;
        };
        let types = signature::types(&reconcile.sig, form, &RECONCILER, errors);
        let object = if form == Form::OnResource { Some(&block.ty) } else { types.object };
        let finalize = finalize_method(block, form, object, errors);
        if let (Some(path), Some(_)) = (&options.finalize, &finalize) {
            errors.on(path, "the `impl` block has a method `finalize` already");
        }
        block.generics.params.is_empty().then_some(Self {
            name: options.name.clone().unwrap_or_else(|| last_segment(&block.ty)),
            options,
            subject: Subject::Impl(&block.ty, form),
            object,
            reconcile: Call { ident: &reconcile.sig.ident, types },
            finalize,
        })
    }

    /// Where the reconciler is, for messages.
    pub fn place(&self) -> Span {
        match self.subject {
            Subject::Function(_) => self.reconcile.ident.span(),
            Subject::Impl(ty, _) => ty.span(),
        }
    }

    /// The type that implements the runtime's trait.
    pub fn implementor(&self) -> TokenStream {
        match self.subject {
            Subject::Function(_) => self.reconcile.ident.to_token_stream(),
            Subject::Impl(ty, _) => ty.to_token_stream(),
        }
    }
}

fn method<'a>(block: &'a Impl, name: &str, errors: &mut Errors) -> Option<&'a Function> {
    let method = block.methods.iter().find(|method| method.sig.ident.unraw() == format_ident!("{name}"))?;
    if let Some(attr) = method.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
        errors.on(attr, format!("`{name}` is always there: put the `#[cfg]` on the `impl` block"));
    }
    Some(method)
}

fn reconcile_method<'a>(block: &'a Impl, errors: &mut Errors) -> Option<&'a Function> {
    const NEEDED: &str =
        "a reconciler's `impl` block has a method `async fn reconcile(&mut self, ..) -> Result<Action>`";
    let found = method(block, "reconcile", errors);
    if found.is_none() {
        let idents = block.methods.iter().map(|method| &method.sig.ident);
        match idents.clone().find(|ident| names::nearest(&ident.to_string(), &["reconcile"]).is_some()) {
            Some(ident) => errors.on(ident, format!("{NEEDED}; did you mean `reconcile` here?")),
            None => errors.on(&block.ty, NEEDED),
        }
    }
    found
}

fn finalize_method<'a>(block: &'a Impl, form: Form, object: Option<&'a Type>, errors: &mut Errors) -> Option<Call<'a>> {
    let sig = &method(block, "finalize", errors)?.sig;
    if signature::form(sig.receiver()) != Some(form) {
        let receiver = if form == Form::OnResource { "&mut self" } else { "&self" };
        let place = sig.inputs.first().map_or_else(|| sig.ident.to_token_stream(), ToTokens::to_token_stream);
        errors.on(place, format!("`finalize` takes `{receiver}`, like `reconcile`"));
        return None;
    }
    let types = signature::types(sig, form, &FINALIZER, errors);
    if let (Form::OnController, Some(own), Some(object)) = (form, types.object, object) {
        let object = object.to_token_stream().to_string();
        if own.to_token_stream().to_string() != object {
            errors.on(own, format!("`finalize` takes the resource of `reconcile`: `&mut {object}`"));
        }
    }
    Some(Call { ident: &sig.ident, types })
}

fn last_segment(ty: &Type) -> String {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().map(|segment| segment.ident.unraw().to_string()).unwrap_or_default()
        }
        Type::Group(group) => last_segment(&group.elem),
        other => other.to_token_stream().to_string(),
    }
}
