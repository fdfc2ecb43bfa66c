//! Kinds for the tests of this folder.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DeviceSpec {
    pub(crate) watts: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub(crate) rack: Option<String>,
}

/// Without a default for any field: a status must be whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DeviceStatus {
    pub(crate) count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    pub(crate) seen: u64,
    pub(crate) conditions: Conditions,
}

#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", conditions(Ready), selectable = ".spec.rack", register = false)]
pub(crate) struct Device {
    pub(crate) metadata: Metadata,
    pub(crate) spec: DeviceSpec,
    pub(crate) status: DeviceStatus,
}

/// Another type for the same kind.
pub(crate) mod other {
    use super::DeviceSpec;
    use crate::prelude::*;

    #[derive(Clone, Debug, Resource)]
    #[resource(group = "example.io", version = "v1", register = false)]
    pub(crate) struct Device {
        pub(crate) metadata: Metadata,
        pub(crate) spec: DeviceSpec,
    }
}

/// A device whose uid is its name.
pub(crate) fn device(name: &str) -> Device {
    Device::new(name, DeviceSpec::default()).with_uid(name)
}
