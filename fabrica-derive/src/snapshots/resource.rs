const _: () = {
    use ::fabrica::__private as __rt;
    #[automatically_derived]
    impl __rt::Resource for Device {
        type Spec = DeviceSpec;
        type Status = DeviceStatus;
        const GROUP: &'static __rt::str = "example.io";
        const VERSION: &'static __rt::str = "v1";
        const KIND: &'static __rt::str = "Device";
        const PLURAL: &'static __rt::str = "devices";
        const SINGULAR: &'static __rt::str = "device";
        const API_VERSION: &'static __rt::str = "example.io/v1";
        const DESCRIPTION: &'static __rt::str = "A machine that should be running or stopped.";
        const NAMESPACED: __rt::bool = false;
        const HAS_STATUS: __rt::bool = true;
        const SHORT_NAMES: &'static [&'static __rt::str] = &["dev"];
        const CATEGORIES: &'static [&'static __rt::str] = &[];
        const CONDITIONS: &'static [&'static __rt::str] = &["Ready", "HTTPReachable"];
        const SELECTABLE: &'static [&'static __rt::str] = &[".spec.rack"];
        const COLUMNS: &'static [__rt::Column] = &[
            __rt::Column::new("State", ".status.state"),
        ];
        const TYPE: &'static __rt::ResourceType = &__rt::ResourceType::of::<Device>();
        fn metadata(&self) -> &__rt::Metadata {
            <Metadata as __rt::Is<__rt::Metadata>>::get(&self.metadata)
        }
        fn metadata_mut(&mut self) -> &mut __rt::Metadata {
            <Metadata as __rt::Is<__rt::Metadata>>::get_mut(&mut self.metadata)
        }
        fn spec(&self) -> &DeviceSpec {
            &self.spec
        }
        fn spec_mut(&mut self) -> &mut DeviceSpec {
            &mut self.spec
        }
        fn status(&self) -> &DeviceStatus {
            &self.status
        }
        fn status_mut(&mut self) -> &mut DeviceStatus {
            &mut self.status
        }
        fn from_parts(
            __metadata: __rt::Metadata,
            __spec: DeviceSpec,
            __status: DeviceStatus,
        ) -> Self {
            Self {
                metadata: <Metadata as __rt::Is<__rt::Metadata>>::make(__metadata),
                spec: __spec,
                status: __status,
            }
        }
    }
    #[automatically_derived]
    impl __rt::Conditioned for Device {
        fn conditions(&self) -> &__rt::Conditions {
            __rt::Is::<__rt::Conditions>::get(&self.status.conditions)
        }
        fn conditions_mut(&mut self) -> &mut __rt::Conditions {
            __rt::Is::<__rt::Conditions>::get_mut(&mut self.status.conditions)
        }
    }
    #[automatically_derived]
    #[allow(dead_code)]
    impl Device {
        /// A new `Device` with this name and spec; everything else is empty.
        #[must_use]
        pub fn new(name: impl __rt::Into<__rt::String>, spec: DeviceSpec) -> Self {
            __rt::new(name, spec)
        }
        /// Whether the condition `Ready` is `True`.
        #[must_use]
        pub fn is_ready(&self) -> __rt::bool {
            __rt::Conditioned::is_condition_true(self, "Ready")
        }
        /// The condition `Ready`, if it was ever set.
        #[must_use]
        pub fn ready(&self) -> __rt::Option<&__rt::Condition> {
            __rt::Conditioned::condition(self, "Ready")
        }
        /// Sets the condition `Ready`, and says whether that changed anything.
        pub fn set_ready(
            &mut self,
            status: impl __rt::Into<__rt::ConditionStatus>,
            reason: impl __rt::Into<__rt::String>,
            message: impl __rt::Into<__rt::String>,
        ) -> __rt::bool {
            __rt::Conditioned::set_condition(self, "Ready", status, reason, message)
        }
        /// Whether the condition `HTTPReachable` is `True`.
        #[must_use]
        pub fn is_http_reachable(&self) -> __rt::bool {
            __rt::Conditioned::is_condition_true(self, "HTTPReachable")
        }
        /// The condition `HTTPReachable`, if it was ever set.
        #[must_use]
        pub fn http_reachable(&self) -> __rt::Option<&__rt::Condition> {
            __rt::Conditioned::condition(self, "HTTPReachable")
        }
        /// Sets the condition `HTTPReachable`, and says whether that changed anything.
        pub fn set_http_reachable(
            &mut self,
            status: impl __rt::Into<__rt::ConditionStatus>,
            reason: impl __rt::Into<__rt::String>,
            message: impl __rt::Into<__rt::String>,
        ) -> __rt::bool {
            __rt::Conditioned::set_condition(
                self,
                "HTTPReachable",
                status,
                reason,
                message,
            )
        }
    }
    __rt::inventory::submit! {
        __rt::register_resource:: < Device > ()
    }
};
