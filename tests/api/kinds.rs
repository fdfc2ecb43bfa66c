//! The kinds that are served.

use fabrica::prelude::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceSpec {
    /// At most 3000.
    #[schemars(range(max = 3000))]
    pub watts: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rack: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<u64>,
    #[serde(default)]
    pub power: Power,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    #[default]
    Stopped,
    Running,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeviceStatus {
    pub state: String,
    pub count: u64,
}

/// Of the whole cluster, with a status.
#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", selectable = ".spec.rack", register = false)]
pub struct Device {
    pub metadata: Metadata,
    pub spec: DeviceSpec,
    pub status: DeviceStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoteSpec {
    pub text: String,
}

/// In a namespace, without a status.
#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", namespaced, register = false)]
pub struct Note {
    pub metadata: Metadata,
    pub spec: NoteSpec,
}
