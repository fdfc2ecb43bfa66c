//! Resources and reconcilers in a crate that calls its own things what generated code might name by accident.
//!
//! Each `edition*` folder compiles this file in its edition, with the runtime renamed to `fab` and every lint denied.

/// Plain data, in a module where names mean what they always do.
pub mod data {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    /// A spec.
    #[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
    pub struct Spec {
        /// A field.
        pub size: u8,
    }

    /// A status.
    #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    pub struct Status {
        /// What is true.
        pub conditions: fab::resource::Conditions,
    }

    /// What reconcilers share.
    #[derive(Clone, Copy, Debug)]
    pub struct Shared;
}

/// Names that are in scope of all that follows.
pub mod names {
    #![allow(missing_debug_implementations, missing_copy_implementations, non_camel_case_types, unused_macros)]
    macro_rules! hostile {
        ($($name:ident)*) => { $(/** Not what it seems. */ pub struct $name {})* };
    }
    hostile! {
        Option Result String Box Vec Some None Ok Err Into Default Send Sync Sized Future Arc Duration Clone Metadata
        Condition Conditions ConditionStatus Conditioned NoStatus Resource ResourceType Column Reconciler ReconcilerType
        Options Needs Extract Context State Action Finalize Watch Error Is str bool usize u64
    }

    /// Not what it seems.
    pub mod __rt {}
    /// Not what it seems.
    pub mod fabrica {}
    /// Not what it seems.
    pub mod std {}
    /// Not what it seems.
    pub mod core {}
    /// Not what it seems.
    pub mod inventory {}
}

/// One of everything.
pub mod everything {
    #[allow(unused_imports)] // It stays unused as long as generated code takes nothing from here.
    use super::names::*;

    /// Has every attribute.
    #[derive(Clone, Debug, fab::Resource)]
    #[resource(
        crate = ::fab,
        group = "hygiene.example.io",
        version = "v1beta1",
        kind = "Thing",
        plural = "things",
        singular = "thing",
        namespaced,
        short_names(th),
        categories(all),
        conditions(Ready, HTTPReachable, r#Type, "IPv4Ready"),
        column(name = "Size", path = ".spec.size"),
        column(name = "Ready", path = ".status.conditions"),
        selectable = ".spec.size"
    )]
    pub struct Everything {
        /// Metadata.
        pub metadata: fab::resource::Metadata,
        /// Spec.
        pub r#spec: super::data::Spec,
        /// Status.
        pub status: super::data::Status,
    }

    type Outcome<T> = ::std::result::Result<T, fab::Error>;

    /// Has every option.
    ///
    /// # Errors
    /// None.
    #[fab::reconciler(
        crate = ::fab,
        name = "everything",
        finalize = release,
        timeout = "30s",
        concurrency = 8,
        backoff(base = "1s", max = "5m"),
        resync = "10m",
        watches(super::plain::Plain = all_of),
        events("io.example.**", "io.fabrica.*.created")
    )]
    pub async fn r#match(
        mut thing: &mut Everything,
        fab::reconciler::State(_shared): fab::reconciler::State<super::data::Shared>,
        _: &fab::reconciler::Context,
    ) -> Outcome<fab::reconciler::Action> {
        thing = yielding(thing).await;
        let _ = thing.set_http_reachable(true, "Probed", "It answers");
        Outcome::Ok(fab::reconciler::Action::AwaitChange)
    }

    async fn yielding(thing: &mut Everything) -> &mut Everything {
        ::std::future::ready(thing).await
    }

    async fn release(_: &mut Everything, _: &fab::reconciler::Context) -> Outcome<()> {
        ::std::future::ready(Outcome::Ok(())).await
    }

    fn all_of(plain: &super::plain::Plain, _: &fab::client::Client) -> [fab::resource::Uid; 1] {
        [fab::resource::Resource::uid(plain).clone()]
    }
}

/// The shortest forms.
pub mod plain {
    #[allow(unused_imports)] // It stays unused as long as generated code takes nothing from here.
    use super::names::*;

    /// No status.
    #[derive(Clone, Debug, fab::Resource)]
    #[resource(group = "hygiene.example.io", version = "v1", crate = fab)]
    pub struct Plain {
        metadata: fab::resource::Metadata,
        spec: super::data::Spec,
    }

    #[fab::reconciler(crate = fab)]
    impl Plain {
        /// A member that is no method.
        pub const LIMIT: u8 = { 1 };

        async fn reconcile(&mut self) -> fab::Result<fab::reconciler::Action> {
            self.spec.size += 1;
            ::std::result::Result::Ok(fab::reconciler::Action::Requeue)
        }

        async fn finalize(
            &mut self,
            _shared: fab::reconciler::State<super::data::Shared>,
        ) -> ::std::result::Result<fab::reconciler::Finalize, ::std::io::Error> {
            self.spec.size += 1;
            ::std::result::Result::Ok(fab::reconciler::Finalize::Done)
        }
    }
}

/// A reconciler with its own dependencies.
pub mod controller {
    #[allow(unused_imports)] // It stays unused as long as generated code takes nothing from here.
    use super::names::*;

    /// What is reconciled.
    #[derive(Clone, Debug, fab::Resource)]
    #[resource(group = "hygiene.example.io", version = "v1", conditions(), crate = fab)]
    pub struct Switch {
        metadata: fab::resource::Metadata,
        spec: super::data::Spec,
        status: super::data::Status,
    }

    /// What reconciles.
    #[derive(Debug)]
    pub struct SwitchController {
        name: ::std::string::String,
    }

    #[fab::reconciler(crate = fab)]
    impl SwitchController {
        async fn reconcile(
            &self,
            switch: &mut Switch,
        ) -> ::std::result::Result<fab::reconciler::Action, ::std::io::Error> {
            switch.metadata.name = ::std::future::ready(self.name.clone()).await;
            ::std::result::Result::Ok(fab::reconciler::Action::AwaitChange)
        }

        async fn finalize(&self, _switch: &mut Switch, _: &fab::reconciler::Context) -> fab::Result<()> {
            ::std::result::Result::Ok(())
        }
    }
}

/// Declarations that a macro writes.
pub mod generated {
    macro_rules! declare {
        ($kind:ident, $group:literal, $spec:ty, $condition:ident, $function:ident, $timeout:expr) => {
            /// Written by a macro.
            #[derive(Clone, Debug, fab::Resource)]
            #[resource(group = $group, version = "v1", conditions($condition), crate = fab)]
            pub struct $kind {
                metadata: fab::resource::Metadata,
                spec: $spec,
                status: super::data::Status,
            }

            /// Written by a macro.
            ///
            /// # Errors
            /// The event is refused.
            #[fab::reconciler(timeout = $timeout, crate = fab)]
            pub async fn $function(
                object: &mut $kind,
                ctx: &fab::reconciler::Context,
            ) -> fab::Result<fab::reconciler::Action> {
                ctx.emit("io.example.seen", object).await?;
                Ok(fab::reconciler::Action::AwaitChange)
            }
        };
    }
    declare!(First, "hygiene.example.io", super::data::Spec, Ready, reconcile_first, "30s");
    declare!(Second, "hygiene.example.io", super::data::Spec, OSReady, reconcile_second, "1m");
}

/// Declarations that are not compiled.
pub mod absent {
    /// Is there.
    #[derive(Clone, Debug, fab::Resource)]
    #[resource(group = "hygiene.example.io", version = "v1", crate = fab)]
    pub struct Present {
        metadata: fab::resource::Metadata,
        spec: super::data::Spec,
    }

    /// Is not there.
    #[derive(Clone, Debug, fab::Resource)]
    #[resource(group = "hygiene.example.io", version = "v1", crate = fab)]
    #[cfg(any())]
    pub struct Absent {
        metadata: nothing::Metadata,
        spec: nothing::Spec,
    }

    #[fab::reconciler(crate = fab)]
    #[cfg(any())]
    async fn reconcile_absent(_: &mut Absent) -> nothing::Result {}

    #[fab::reconciler(crate = fab)]
    #[cfg(any())]
    impl Absent {
        async fn reconcile(&mut self) -> nothing::Result {}
    }
}

/// Declarations in the body of a function.
#[must_use]
pub const fn inside() -> &'static str {
    #[derive(Clone, Debug, fab::Resource)]
    #[resource(group = "hygiene.example.io", version = "v1", register = false, crate = fab)]
    struct Inner {
        metadata: fab::resource::Metadata,
        spec: data::Spec,
    }

    #[fab::reconciler(register = false, crate = fab)]
    async fn reconcile_inner(inner: &mut Inner) -> fab::Result<fab::reconciler::Action> {
        inner.spec.size += 1;
        Ok(fab::reconciler::Action::AwaitChange)
    }

    <reconcile_inner as fab::reconciler::Reconciler>::NAME
}

#[cfg(test)]
mod tests {
    use fab::registry::Registry;

    use super::*;

    #[test]
    fn everything_is_registered_under_its_name() {
        let registry = Registry::discover();
        let kinds: Vec<&str> = registry.resources().iter().map(|resource| resource.kind).collect();
        assert_eq!(kinds, ["First", "Plain", "Present", "Second", "Switch", "Thing"]);
        let names: Vec<&str> = registry.reconcilers().iter().map(|reconciler| reconciler.name).collect();
        assert_eq!(names, ["reconcile_first", "Plain", "reconcile_second", "SwitchController", "everything"]);
        assert_eq!(inside(), "reconcile_inner");
    }

    #[test]
    fn a_declaration_knows_its_place() {
        let registry = Registry::discover();
        for (kind, line) in [("Thing", "pub struct Everything"), ("Plain", "pub struct Plain")] {
            let resource = registry.resources().iter().find(|resource| resource.kind == kind).unwrap();
            let text = include_str!("hostile.rs").lines().nth(resource.location.line() as usize - 1).unwrap();
            assert!(text.contains(line), "{} is {text:?}", resource.location);
        }
    }

    #[test]
    fn helpers_have_the_names_that_people_expect() {
        let mut thing = everything::Everything::new("a", data::Spec::default());
        assert!(thing.set_ipv4_ready(true, "Leased", "It has an address"));
        assert!(!thing.set_ipv4_ready(true, "Leased", "It has an address"));
        assert!(thing.is_ipv4_ready() && thing.r#type().is_none() && !thing.is_http_reachable());
        let second = generated::Second::new("b", data::Spec::default());
        assert!(second.os_ready().is_none());
    }
}
