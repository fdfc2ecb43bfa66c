//! Resources for tests, written by hand: one with everything that a schema can be made of, one with nothing.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Column, Conditions, Metadata, NoStatus, Resource, ResourceType, Timestamp};

/// A machine that should be running or stopped.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) metadata: Metadata,
    pub(crate) spec: DeviceSpec,
    pub(crate) status: DeviceStatus,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceSpec {
    /// The power state to bring the device to.
    pub(crate) desired: Power,
    /// The rack it stands in.
    #[serde(default)]
    pub(crate) rack: String,
    pub(crate) config: Option<String>,
    #[serde(default)]
    pub(crate) ports: Vec<Port>,
    /// The port to reach it by.
    pub(crate) main_port: Option<Port>,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) groups: BTreeSet<String>,
    #[serde(default)]
    pub(crate) slots: BTreeMap<u32, Port>,
    pub(crate) boot: Option<Boot>,
    pub(crate) disk: Option<Disk>,
    pub(crate) source: Option<Source>,
    pub(crate) max_unavailable: Option<IntOrString>,
    pub(crate) place: Option<(i32, i32)>,
    pub(crate) extra: Option<serde_json::Value>,
    #[serde(default)]
    pub(crate) replicas: u32,
    pub(crate) weight: Option<f64>,
    pub(crate) offset: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Power {
    #[default]
    Stopped,
    Running,
}

/// How the device works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Mode {
    /// With all its strength.
    #[default]
    Normal,
    /// With as little power as it can.
    Saving,
    Test,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Port {
    pub(crate) name: String,
    #[serde(default = "http")]
    #[schemars(range(min = 1))]
    pub(crate) number: u16,
}

fn http() -> u16 {
    80
}

/// How the device boots (an internally tagged enum).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Boot {
    /// From the network.
    Net {
        url: String,
        retries: u32,
    },
    Disk {
        label: String,
    },
    Port(Port),
}

/// Its disk (an externally tagged enum).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Disk {
    Local { size: u64 },
    Remote(Port),
}

/// Where its image is from (an adjacently tagged enum with a unit variant).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "value")]
pub(crate) enum Source {
    Nowhere,
    Url(String),
    Port(Port),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum IntOrString {
    Int(i32),
    String(String),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeviceStatus {
    pub(crate) state: Power,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) conditions: Conditions,
}

impl Device {
    pub(crate) fn new(name: &str, spec: DeviceSpec) -> Self {
        Self { metadata: Metadata::named(name), spec, status: DeviceStatus::default() }
    }
}

impl Resource for Device {
    type Spec = DeviceSpec;
    type Status = DeviceStatus;

    const GROUP: &'static str = "example.io";
    const VERSION: &'static str = "v1";
    const KIND: &'static str = "Device";
    const PLURAL: &'static str = "devices";
    const SINGULAR: &'static str = "device";
    const API_VERSION: &'static str = "example.io/v1";
    const DESCRIPTION: &'static str = "A machine that should be running or stopped.";
    const NAMESPACED: bool = false;
    const HAS_STATUS: bool = true;
    const SHORT_NAMES: &'static [&'static str] = &["dev"];
    const CATEGORIES: &'static [&'static str] = &["all"];
    const CONDITIONS: &'static [&'static str] = &["Ready"];
    const COLUMNS: &'static [Column] = &[
        Column::new("State", ".status.state"),
        Column::new("Seen", ".status.lastSeen"),
        Column::new("Replicas", ".spec.replicas"),
        Column::new("Port", ".spec.ports[0].name"),
    ];
    const SELECTABLE: &'static [&'static str] = &[".spec.rack", ".status.state"];
    const TYPE: &'static ResourceType = &ResourceType::of::<Self>();

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
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

    fn from_parts(metadata: Metadata, spec: DeviceSpec, status: DeviceStatus) -> Self {
        Self { metadata, spec, status }
    }
}

/// A kind of one spec type, namespaced, without a status: what is needed to look at that type's schema.
#[derive(Clone, Debug)]
pub(crate) struct Plain<S> {
    pub(crate) metadata: Metadata,
    pub(crate) spec: S,
    status: NoStatus,
}

impl<S: super::Data> Resource for Plain<S> {
    type Spec = S;
    type Status = NoStatus;

    const GROUP: &'static str = "example.io";
    const VERSION: &'static str = "v1alpha1";
    const KIND: &'static str = "Plain";
    const PLURAL: &'static str = "plains";
    const SINGULAR: &'static str = "plain";
    const API_VERSION: &'static str = "example.io/v1alpha1";
    const DESCRIPTION: &'static str = "";
    const NAMESPACED: bool = true;
    const HAS_STATUS: bool = false;
    const SHORT_NAMES: &'static [&'static str] = &[];
    const CATEGORIES: &'static [&'static str] = &[];
    const CONDITIONS: &'static [&'static str] = &[];
    const COLUMNS: &'static [Column] = &[];
    const SELECTABLE: &'static [&'static str] = &[];
    const TYPE: &'static ResourceType = &ResourceType::of::<Self>();

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    fn spec(&self) -> &S {
        &self.spec
    }

    fn spec_mut(&mut self) -> &mut S {
        &mut self.spec
    }

    fn status(&self) -> &NoStatus {
        &self.status
    }

    fn status_mut(&mut self) -> &mut NoStatus {
        &mut self.status
    }

    fn from_parts(metadata: Metadata, spec: S, status: NoStatus) -> Self {
        Self { metadata, spec, status }
    }
}
