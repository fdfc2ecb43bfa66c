#[allow(clippy::unused_async)]
async fn reconcile_device(
    device: &mut Device,
    ctx: &Context,
    State(ipmi): State<Arc<Ipmi>>,
) -> Result<Action> {
    Ok(Action::AwaitChange)
}
#[doc(hidden)]
#[allow(non_camel_case_types, dead_code)]
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
struct reconcile_device {}
const _: () = {
    use ::fabrica::__private as __rt;
    #[automatically_derived]
    impl __rt::Reconciler for reconcile_device {
        type Resource = Device;
        const NAME: &'static __rt::str = "reconcile_device";
        const HAS_FINALIZE: __rt::bool = true;
        const TYPE: &'static __rt::ReconcilerType = &__rt::ReconcilerType::of::<
            reconcile_device,
        >();
        fn options() -> __rt::Options {
            __rt::Options::new()
                .timeout(__rt::Duration::from_millis(30000u64))
                .backoff(
                    __rt::Duration::from_millis(1000u64),
                    __rt::Duration::from_millis(300000u64),
                )
                .watch(__rt::Watch::of::<Rack, _, _>(devices_in))
                .events("io.example.device.**")
        }
        fn needs(__needs: &mut __rt::Needs) {
            <&Context as __rt::Extract<'_>>::needs(__needs);
            <State<Arc<Ipmi>> as __rt::Extract<'_>>::needs(__needs);
        }
        fn reconcile<'a>(
            __object: &'a mut Device,
            __ctx: &'a __rt::Context,
        ) -> impl __rt::Future<Output = __rt::Result<__rt::Action>> + __rt::Send + 'a {
            async move {
                <Result<
                    Action,
                > as __rt::IntoOutcome>::into_outcome(
                    reconcile_device(
                            __object,
                            <&Context as __rt::Extract<'_>>::extract(__ctx)?,
                            <State<Arc<Ipmi>> as __rt::Extract<'_>>::extract(__ctx)?,
                        )
                        .await,
                )
            }
        }
        fn finalize<'a>(
            __object: &'a mut Device,
            __ctx: &'a __rt::Context,
        ) -> impl __rt::Future<Output = __rt::Result<__rt::Finalize>> + __rt::Send + 'a {
            async move {
                __rt::finalize_with::<Device, _>(release, __object, __ctx).await
            }
        }
    }
    __rt::inventory::submit! {
        __rt::register_reconciler:: < reconcile_device > ()
    }
};
