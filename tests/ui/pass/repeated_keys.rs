use fabrica::prelude::*;

#[derive(Clone, Debug, Resource)]
#[resource(
    group = "example.io",
    version = "v1",
    column(name = "Rack", path = ".spec.rack"),
    column(name = "Slot", path = ".spec.slot"),
    selectable = ".spec.rack",
    selectable = ".spec.slot"
)]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    rack: String,
    slot: u8,
}

fn main() {
    assert_eq!(Device::SELECTABLE, [".spec.rack", ".spec.slot"]);
    assert_eq!(Device::COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>(), ["Rack", "Slot"]);
}
