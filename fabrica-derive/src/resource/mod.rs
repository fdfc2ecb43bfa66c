//! `#[derive(Resource)]`.

mod emit;
mod model;
mod shape;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::errors::Errors;
use model::Model;

/// The code of a resource. With mistakes in its declaration: their errors, and whatever keeps the rest of the user's
/// crate from failing for want of the impls.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Some(input) = errors.take(syn::parse2::<DeriveInput>(input)) else {
        return errors.into_compile_errors();
    };
    let Some(model) = Model::new(&input, &mut errors) else {
        return errors.into_compile_errors();
    };
    let mut code = emit::resource(&model, errors.is_empty());
    code.extend(errors.into_compile_errors());
    code
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn mistakes(input: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        let input: DeriveInput = syn::parse2(input).unwrap_or_else(|error| panic!("{error}"));
        Model::new(&input, &mut errors);
        errors.messages()
    }

    fn with(attributes: &TokenStream) -> Vec<String> {
        mistakes(quote! {
            #[resource(group = "example.io", version = "v1", #attributes)]
            struct Device { metadata: Metadata, spec: DeviceSpec, status: DeviceStatus }
        })
    }

    #[test]
    fn every_attribute_is_accepted() {
        let messages = with(&quote!(
            kind = "Machine",
            plural = "machines",
            singular = "machine",
            namespaced,
            short_names(dev, "d-2"),
            categories(all),
            conditions(Ready, "HTTPReachable", r#Type),
            column(name = "State", path = ".status.state"),
            column(name = "Rack", path = ".spec.rack"),
            selectable = ".spec.rack",
            selectable = ".spec.slot",
            register = false,
            crate = fab,
        ));
        assert!(messages.is_empty(), "{messages:?}");
    }

    #[test]
    fn mistakes_are_told_one_by_one() {
        for (attributes, message) in [
            (quote!(kind = "machine"), "`machine` is no kind: a kind is in PascalCase, like `PowerSupply`"),
            (quote!(conditions(Ready, Ready)), "condition `Ready` is listed twice"),
            (
                quote!(conditions(IPReady, IpReady)),
                "condition `IpReady` and condition `IPReady` would both get a method `ip_ready`",
            ),
            (
                quote!(conditions(Ready, IsReady)),
                "condition `IsReady` and condition `Ready` would both get a method `is_ready`",
            ),
            (quote!(conditions(Name)), "condition `Name` would get a method `name`, which every resource has already"),
            (quote!(conditions(Crate)), "condition `Crate` would get a method `crate`, which is no name in Rust"),
            (quote!(conditions(ready)), "`ready` is no condition: a condition is in PascalCase, like `Ready`"),
            (quote!(column(name = "State")), "a column needs `path = \".status.state\"`"),
            (
                quote!(column(name = "State", path = "status.state")),
                "a column's path starts with a dot, like `.status.state`",
            ),
            (
                quote!(selectable = "spec.rack"),
                "`spec.rack` is no field: write its path from the root, like `.spec.rack`",
            ),
            (quote!(short_names(Dev)), "`Dev` is no short name: use lower-case letters, digits and inner dashes"),
            (quote!(categories(all, all)), "category `all` is listed twice"),
            (quote!(register = "no"), "write `register = true` or `register = false`"),
            (
                quote!(plural = "Devices"),
                "`Devices` is no plural: use lower-case letters, digits and inner dashes, starting with a letter",
            ),
        ] {
            assert_eq!(with(&attributes), [message]);
        }
    }

    #[test]
    fn the_core_group_belongs_to_the_runtime() {
        let device = |krate: &TokenStream| {
            mistakes(quote! {
                #[resource(group = "", version = "v1", crate = #krate)]
                struct Namespace { metadata: Metadata, spec: NamespaceSpec }
            })
        };
        assert!(device(&quote!(crate)).is_empty());
        assert_eq!(device(&quote!(::fabrica)).len(), 1);
    }

    #[test]
    fn independent_mistakes_are_all_reported() {
        let messages = mistakes(quote! {
            #[resource(version = "1", colour = "red")]
            struct Device { metdata: Metadata, spec: DeviceSpec, extra: u8 }
        });
        assert_eq!(messages.len(), 5, "{messages:?}");
    }
}
