//! The examples as programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use parking_lot::Mutex;

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Builds an example, unless it is built, and says where it is.
///
/// It is built as `cargo run --example` does it in the root, so that what is tested is what people run.
pub fn example(name: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    BUILT.lock().entry(name.to_owned()).or_insert_with(|| build(name)).clone()
}

fn build(name: &str) -> PathBuf {
    let build = Command::new(env!("CARGO"))
        .args(["build", "--message-format=json", "--example", name])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(build.status.success(), "the example {name} can't be built:\n{}", String::from_utf8_lossy(&build.stderr));
    let messages = build.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    messages
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap()
}
