//! What the macros write, as code to read: `UPDATE_SNAPSHOTS=1 cargo test -p fabrica-derive` writes it anew.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;

fn check(name: &str, code: TokenStream) {
    let file = syn::parse2(code).unwrap_or_else(|error| panic!("the expansion is no Rust: {error}"));
    let code = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &code).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(code == golden, "{} differs; the expansion is now\n{code}", path.display());
}

#[test]
fn the_code_of_a_resource() {
    let code = crate::resource::expand(quote! {
        /// A machine that should be running or stopped.
        #[derive(Clone, Debug, Resource)]
        #[resource(
            group = "example.io",
            version = "v1",
            short_names(dev),
            conditions(Ready, HTTPReachable),
            column(name = "State", path = ".status.state"),
            selectable = ".spec.rack",
        )]
        pub struct Device {
            pub metadata: Metadata,
            pub spec: DeviceSpec,
            pub status: DeviceStatus,
        }
    });
    check("resource.rs", code);
}

#[test]
fn the_code_of_a_reconciler() {
    let code = crate::reconciler::expand(
        quote! {
            finalize = release,
            timeout = "30s",
            backoff(base = "1s", max = "5m"),
            watches(Rack = devices_in),
            events("io.example.device.**"),
        },
        quote! {
            async fn reconcile_device(
                device: &mut Device,
                ctx: &Context,
                State(ipmi): State<Arc<Ipmi>>,
            ) -> Result<Action> {
                Ok(Action::AwaitChange)
            }
        },
    );
    check("reconciler.rs", code);
}
