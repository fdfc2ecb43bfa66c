use std::cell::OnceCell;

use fabrica::prelude::*;
use fabrica::resource::{self, Object};
use fabrica::store::{EmbeddedStore, Key, Page, Store as _, Transaction};

use super::is_bounded;
use crate::folder::Folder;

/// What the stored objects are of.
#[derive(Clone, Debug, Resource)]
#[resource(group = "example.io", version = "v1", conditions(Ready), register = false)]
struct Device {
    metadata: Metadata,
    spec: DeviceSpec,
    status: DeviceStatus,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct DeviceSpec {
    on: bool,
    #[serde(default)]
    slots: Vec<u8>,
    note: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct DeviceStatus {
    on: bool,
    conditions: Conditions,
}

/// An object as the store holds it: what is read and written is read as the same.
pub(super) fn stored_object(bytes: &[u8]) {
    match resource::decode::<Device>(bytes) {
        Ok(device) => {
            let written = |device: &Device| {
                let mut out = Vec::new();
                device.encode(&mut out).map(|()| out).expect("an object that was read is written")
            };
            let first = written(&device);
            let again = resource::decode::<Device>(&first).unwrap_or_else(|error| panic!("{error:?}"));
            assert_eq!(written(&again), first);
        }
        Err(error) => is_bounded(&error.to_string(), bytes),
    }
}

/// The bytes of a store's file before they are changed, and what it holds.
struct Whole {
    file: Vec<u8>,
    entries: Vec<(Key, Vec<u8>)>,
}

thread_local! {
    static WHOLE: OnceCell<Whole> = const { OnceCell::new() };
}

/// Changes of a store's file, four bytes each: where, what, and how (set, cut off there, or fill a page with it). It is
/// refused, or what it holds is what was written once: never something else.
pub(super) fn stored_file(bytes: &[u8]) {
    WHOLE.with(|whole| damaged(whole.get_or_init(Whole::new), bytes));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

impl Whole {
    fn new() -> Self {
        let folder = Folder::in_memory("fuzz").expect("a folder");
        let path = folder.path().join(EmbeddedStore::FILE_NAME);
        let mut entries: Vec<(Key, Vec<u8>)> = Vec::new();
        runtime().block_on(async {
            let store = EmbeddedStore::open(&path).expect("a new store");
            for n in 0..24_usize {
                let (key, value) = (Key::from(format!("o/{}", n % 9)), vec![u8::try_from(n).unwrap_or(0); 40 * n]);
                store.txn(Transaction::new().put(key.clone(), value.clone())).await.expect("it is written");
                entries.push((key, value));
            }
        });
        Self { file: std::fs::read(&path).expect("it is there"), entries }
    }
}

fn damaged(whole: &Whole, bytes: &[u8]) {
    let folder = Folder::in_memory("fuzz").expect("a folder");
    let path = folder.path().join(EmbeddedStore::FILE_NAME);
    let mut file = whole.file.clone();
    for change in bytes.chunks_exact(4).take(64) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len().max(1);
        match change[3] % 16 {
            0 => file.truncate(place),
            1 => file.iter_mut().skip(place).take(4096).for_each(|byte| *byte = change[2]),
            _ => file.iter_mut().skip(place).take(1).for_each(|byte| *byte = change[2]),
        }
    }
    std::fs::write(&path, file).expect("it is written");
    runtime().block_on(async {
        match EmbeddedStore::open(&path) {
            Ok(store) => {
                let page = store.list(&Key::from("o/"), Page::first(100)).await;
                for entry in page.map(|page| page.entries).unwrap_or_default() {
                    let is_written =
                        whole.entries.iter().any(|(key, value)| *key == entry.key && *value == entry.value);
                    assert!(is_written, "{} holds what nobody wrote", entry.key);
                }
            }
            Err(error) => is_bounded(&error.to_string(), bytes),
        }
    });
}
