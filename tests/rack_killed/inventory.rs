//! What stands in a store's file, and what should.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::program::Data;

/// The kinds of the rack.
const GROUP: &str = "rack.example.io";

/// All objects of the rack's kinds.
pub struct Inventory {
    objects: Vec<Value>,
    /// The uid that each name leads to.
    names: BTreeMap<String, String>,
}

/// An object that should be there.
struct Expected {
    kind: &'static str,
    name: String,
    owner: Option<(&'static str, String)>,
    finalizers: Value,
}

impl Expected {
    fn new(kind: &'static str, name: impl Into<String>, owner: Option<(&'static str, &str)>) -> Self {
        let finalizers = match kind {
            "RackTemplate" | "Node" => json!([format!("{}.{GROUP}/finalizer", kind.to_lowercase())]),
            _ => json!([]),
        };
        Self { kind, name: name.into(), owner: owner.map(|(kind, name)| (kind, name.to_owned())), finalizers }
    }

    /// A rack of two chassis, of four blades each, of two nodes and one BMC each: 34 objects, the rack and its template.
    fn all() -> Vec<Self> {
        let mut all = vec![Self::new("RackTemplate", "small", None), Self::new("Rack", "r1", None)];
        for chassis in ["r1-c0", "r1-c1"] {
            all.push(Self::new("Chassis", chassis, Some(("Rack", "r1"))));
            for number in 0..4 {
                let blade = format!("{chassis}-b{number}");
                let owner = Some(("Blade", &*blade));
                all.push(Self::new("Blade", &*blade, Some(("Chassis", chassis))));
                all.push(Self::new("BMC", format!("{blade}-bmc0"), owner));
                all.extend([0, 1].map(|number| Self::new("Node", format!("{blade}-n{number}"), owner)));
            }
        }
        all
    }
}

impl Inventory {
    /// Reads data that no program holds.
    pub fn read(data: &Data) -> Self {
        let (mut objects, mut names) = (Vec::new(), BTreeMap::new());
        for line in data.show().lines() {
            let (key, value) = line.split_once(' ').unwrap();
            if key.starts_with(&format!("o/{GROUP}/")) {
                objects.push(serde_json::from_str(value).unwrap());
            } else if key.starts_with(&format!("n/{GROUP}/")) {
                names.insert(key.to_owned(), value.to_owned());
            }
        }
        Self { objects, names }
    }

    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.names.is_empty()
    }

    /// What is not as it is in a rack that is complete.
    pub fn faults(&self) -> Vec<String> {
        let expected = Expected::all();
        let is_expected =
            |object: &&Value| expected.iter().any(|one| object["kind"] == one.kind && name(object) == one.name);
        let strays = self.objects.iter().filter(|object| !is_expected(object));
        let strays = strays.map(|object| format!("there should be no {} {}", kind(object), name(object)));
        let mut faults: Vec<String> = strays.chain(expected.iter().flat_map(|one| self.faults_of(one))).collect();
        if self.names.len() != self.objects.len() {
            faults.push(format!("there are {} names for {} objects", self.names.len(), self.objects.len()));
        }
        let counts = json!({ "chassis": 2, "blades": 8, "nodes": 16, "bmcs": 8 });
        for rack in self.find("Rack", "r1") {
            let status = &rack["status"];
            if status["phase"] != "Ready" || status["total"] != counts || status["ready"] != counts {
                faults.push(format!("the rack's status is {status}"));
            }
        }
        faults
    }

    fn faults_of(&self, expected: &Expected) -> Vec<String> {
        let Expected { kind, name, owner, finalizers } = expected;
        let [object] = self.find(kind, name)[..] else {
            return vec![format!("{kind} {name} is there {} times", self.find(kind, name).len())];
        };
        let metadata = &object["metadata"];
        let owners = metadata["ownerReferences"].as_array().cloned().unwrap_or_default();
        let owned_by = |(owner_kind, owner_name): &(&str, String)| match &owners[..] {
            [one] => {
                one["controller"] == true && self.find(owner_kind, owner_name).iter().any(|o| *uid(o) == one["uid"])
            }
            _ => false,
        };
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
        let checks = [
            (owner.as_ref().map_or(owners.is_empty(), owned_by), "owners are", &metadata["ownerReferences"]),
            (metadata.get("deletionTimestamp").is_none(), "deletion is asked for", &metadata["deletionTimestamp"]),
            (metadata.get("finalizers").unwrap_or(&json!([])) == finalizers, "finalizers are", &metadata["finalizers"]),
            (
                self.names.get(&format!("n/{GROUP}/{kind}//{name}")).is_some_and(|known| uid(object) == known),
                "name leads elsewhere than to",
                &metadata["uid"],
            ),
            (ready.is_none_or(|ready| ready["status"] == "True"), "status is", &object["status"]),
        ];
        let wrong = checks.into_iter().filter(|(is_right, ..)| !is_right);
        wrong.map(|(_, what, value)| format!("{kind} {name}: its {what} {value}")).collect()
    }

    /// What was there earlier, and is there no more or has been replaced.
    pub fn faults_since(&self, before: &Self) -> Vec<String> {
        let stays = |old: &&Value| self.find(kind(old), name(old)).iter().any(|new| uid(new) == uid(old));
        let replaced = before.objects.iter().filter(|old| !stays(old));
        replaced.map(|old| format!("{} {} was there, and is another now", kind(old), name(old))).collect()
    }

    fn find(&self, kind: &str, name: &str) -> Vec<&Value> {
        self.objects.iter().filter(|object| object["kind"] == kind && object["metadata"]["name"] == name).collect()
    }
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn uid(object: &Value) -> &Value {
    &object["metadata"]["uid"]
}

impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for object in &self.objects {
            let metadata = &object["metadata"];
            let [uid, finalizers, deletion] = ["uid", "finalizers", "deletionTimestamp"].map(|key| &metadata[key]);
            let owner = &metadata["ownerReferences"][0]["name"];
            writeln!(f, "{} {} uid {uid} of {owner}, {finalizers}, deletion {deletion}", kind(object), name(object))?;
        }
        write!(f, "{} objects, {} names", self.objects.len(), self.names.len())
    }
}
