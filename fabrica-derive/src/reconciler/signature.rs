//! The rules for what a reconciler and a finalizer take and return.

use quote::ToTokens;
use syn::{FnArg, PatType, Receiver, ReceiverKind, ReturnType, Safety, Signature, Type};

use crate::errors::Errors;

/// What a method is called on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A free function.
    Free,
    /// `&mut self`: the resource itself.
    OnResource,
    /// `&self`: a value with the reconciler's own dependencies.
    OnController,
}

/// The two functions of a reconciler: what they are called, and what they return.
pub struct Role {
    pub name: &'static str,
    pub returns: &'static str,
}

pub const RECONCILER: Role = Role { name: "reconciler", returns: "Result<Action>" };
pub const FINALIZER: Role = Role { name: "finalizer", returns: "Result<Finalize>` or `Result<()>" };

/// The types in a signature; what is faulty is left out.
pub struct Types<'a> {
    /// The resource, without its `&mut`; `None` on a resource, where it is `Self`.
    pub object: Option<&'a Type>,
    pub extractors: Vec<&'a Type>,
    pub output: Option<&'a Type>,
}

/// What the receiver of a method makes of it.
pub fn form(receiver: Option<&Receiver>) -> Option<Form> {
    match receiver.map(|receiver| &receiver.kind) {
        Some(ReceiverKind::Reference(_, None, Some(_))) => Some(Form::OnResource),
        Some(ReceiverKind::Reference(_, None, None)) => Some(Form::OnController),
        _ => None,
    }
}

/// Checks a signature and takes it apart.
pub fn types<'a>(sig: &'a Signature, form: Form, role: &Role, errors: &mut Errors) -> Types<'a> {
    check_qualifiers(sig, role, errors);
    let mut parameters = Vec::new();
    for input in &sig.inputs {
        if let FnArg::Typed(parameter) = input {
            check_attributes(parameter, role, errors);
            parameters.push(parameter);
        }
    }
    let (object, rest) = match (form, parameters.split_first()) {
        (Form::OnResource, _) => (None, &parameters[..]),
        (_, Some((first, rest))) => (object(first, rest, role, errors), rest),
        (_, None) => {
            errors.on(&sig.ident, first_parameter(role));
            (None, &parameters[..])
        }
    };
    // Where the resource stands in a wrong place, that was reported already.
    let extractors = rest
        .iter()
        .filter(|parameter| {
            mutable(&parameter.ty).is_none_or(|ty| !object.is_some_and(|object| std::ptr::eq(ty, object)))
        })
        .filter_map(|parameter| extractor(&parameter.ty, role, errors))
        .collect();
    Types { object, extractors, output: output(sig, role, errors) }
}

fn check_qualifiers(sig: &Signature, role: &Role, errors: &mut Errors) {
    let name = role.name;
    if sig.asyncness.is_none() {
        errors.on(sig.fn_token, format!("a {name} is an `async fn`"));
    }
    if let Some(constness) = &sig.constness {
        errors.on(constness, format!("a {name} cannot be `const`"));
    }
    match &sig.safety {
        Safety::Unsafe(token) => errors.on(token, format!("a {name} cannot be `unsafe`")),
        Safety::Safe(token) => errors.on(token, format!("a {name} cannot be `safe`: leave it out")),
        Safety::Default => {}
    }
    if let Some(abi) = &sig.abi {
        errors.on(abi, format!("a {name} cannot be `extern`"));
    }
    if let Some(variadic) = &sig.variadic {
        errors.on(variadic, format!("a {name} has a fixed number of parameters"));
    }
    check_generics(&sig.generics, role, errors);
}

/// Generated code names the types of a signature outside it, where no parameter of it is known.
pub fn check_generics(generics: &syn::Generics, role: &Role, errors: &mut Errors) {
    if !generics.params.is_empty() {
        let name = role.name;
        errors.on(generics, format!("a {name} cannot be generic, not even over a lifetime: leave these out"));
    }
}

fn check_attributes(parameter: &PatType, role: &Role, errors: &mut Errors) {
    if let Some(attr) = parameter.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
        errors.on(attr, format!("a {}'s parameter is always there: put the `#[cfg]` on the whole item", role.name));
    }
}

fn first_parameter(role: &Role) -> String {
    format!("a {}'s first parameter is its resource: write `device: &mut Device` or the like", role.name)
}

fn object<'a>(first: &'a PatType, rest: &[&'a PatType], role: &Role, errors: &mut Errors) -> Option<&'a Type> {
    let name = role.name;
    if let Some(object) = mutable(&first.ty) {
        check_concrete(object, role, errors).then_some(object)
    } else if let Some(resource) = rest.iter().find_map(|parameter| mutable(&parameter.ty)) {
        let ty = resource.to_token_stream();
        errors.on(&first.ty, format!("a {name}'s resource comes first: move `&mut {ty}` here"));
        Some(resource)
    } else if let Type::Reference(reference) = bare(&first.ty)
        && !is_context(&reference.elem)
    {
        let ty = reference.elem.to_token_stream();
        errors.on(&first.ty, format!("a {name} changes its resource: write `&mut {ty}`"));
        Some(&reference.elem)
    } else {
        errors.on(&first.ty, first_parameter(role));
        None
    }
}

fn mutable(ty: &Type) -> Option<&Type> {
    match bare(ty) {
        Type::Reference(reference) if reference.mutability.is_some() => Some(&reference.elem),
        _ => None,
    }
}

fn extractor<'a>(ty: &'a Type, role: &Role, errors: &mut Errors) -> Option<&'a Type> {
    if mutable(ty).is_some() {
        errors.on(ty, format!("a {} has one resource: its first parameter", role.name));
        return None;
    }
    check_concrete(ty, role, errors).then_some(ty)
}

fn check_concrete(ty: &Type, role: &Role, errors: &mut Errors) -> bool {
    let concrete = !matches!(bare(ty), Type::ImplTrait(_) | Type::Infer(_));
    if !concrete {
        errors.on(ty, format!("a {}'s parameters have one concrete type each", role.name));
    }
    concrete
}

fn output<'a>(sig: &'a Signature, role: &Role, errors: &mut Errors) -> Option<&'a Type> {
    let Role { name, returns } = role;
    match &sig.output {
        ReturnType::Type(_, ty) if matches!(bare(ty), Type::ImplTrait(_)) => {
            errors.on(ty, format!("a {name} returns `{returns}`"));
            None
        }
        ReturnType::Type(_, ty) => Some(ty),
        ReturnType::Default => {
            errors.on(&sig.ident, format!("a {name} returns `{returns}`"));
            None
        }
    }
}

/// Whether a type looks like the runtime's context: then the resource was forgotten, and not its `mut`.
fn is_context(ty: &Type) -> bool {
    matches!(bare(ty), Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Context"))
}

/// A type without the invisible groups and parentheses around it.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}
