//! The program's kinds, as somebody writes them down who only knows its API.

use std::borrow::Cow;

use kube::api::{ObjectMeta, TypeMeta};
use kube::core::{ClusterResourceScope, NamespaceResourceScope};
use serde::{Deserialize, Serialize};

macro_rules! resource {
    ($kind:ident, $plural:literal, $scope:ty) => {
        impl kube::Resource for $kind {
            type DynamicType = ();
            type Scope = $scope;

            fn kind((): &()) -> Cow<'_, str> {
                stringify!($kind).into()
            }

            fn group((): &()) -> Cow<'_, str> {
                "lab.example.io".into()
            }

            fn version((): &()) -> Cow<'_, str> {
                "v1".into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

/// The kind that the program reconciles.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Device {
    #[serde(flatten)]
    pub types: TypeMeta,
    pub metadata: ObjectMeta,
    pub spec: DeviceSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeviceStatus>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceSpec {
    pub desired: String,
    #[serde(default)]
    pub rack: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeviceStatus {
    pub power: String,
}

resource!(Device, "devices", ClusterResourceScope);

impl Device {
    pub fn new(name: &str, rack: &str) -> Self {
        Self {
            types: TypeMeta::resource::<Self>(),
            metadata: named(name),
            spec: DeviceSpec { desired: "running".into(), rack: rack.into(), slots: None },
            status: None,
        }
    }

    pub fn runs(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.power == "running")
    }
}

/// The kind that the program leaves to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    #[serde(flatten)]
    pub types: TypeMeta,
    pub metadata: ObjectMeta,
    pub spec: SampleSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SampleStatus>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SampleSpec {
    pub mass: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SampleStatus {
    #[serde(default)]
    pub result: Option<String>,
}

resource!(Sample, "samples", NamespaceResourceScope);

impl Sample {
    pub fn new(name: &str, mass: u64) -> Self {
        Self {
            types: TypeMeta::resource::<Self>(),
            metadata: named(name),
            spec: SampleSpec { mass, label: None },
            status: None,
        }
    }

    pub fn labelled(mut self, key: &str, value: &str) -> Self {
        self.metadata.labels.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn result(&self) -> Option<&str> {
        self.status.as_ref()?.result.as_deref()
    }
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}
