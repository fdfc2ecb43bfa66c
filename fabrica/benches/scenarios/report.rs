//! What a run is measured by, and how that is printed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use crate::Options;

/// What a scenario found.
pub struct Outcome {
    /// The time of what is measured, without its preparation.
    pub seconds: f64,
    /// Memory that the objects took, if the scenario tells.
    pub bytes: Option<u64>,
    /// Objects that never came through.
    pub lost: u64,
    /// What else was measured, by name.
    pub figures: Vec<(&'static str, f64)>,
}

impl Outcome {
    /// It took this long, and nothing was lost.
    pub fn of(seconds: f64) -> Self {
        Self { seconds, bytes: None, lost: 0, figures: Vec::new() }
    }
}

/// A key as controllers use it: the kind, and a uid of 36 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    kind: &'static str,
    uid: Arc<str>,
}

/// The keys with these numbers.
pub fn keys(numbers: std::ops::Range<usize>) -> Vec<Key> {
    let key = |n| Key { kind: "Device.example.io", uid: format!("018f3c1e-7b2a-7000-8000-{n:012x}").into() };
    numbers.map(key).collect()
}

/// The most memory that this process has held.
pub fn peak_rss() -> u64 {
    status_bytes("self", "VmHWM:")
}

/// The memory that it holds now.
pub fn rss() -> u64 {
    status_bytes("self", "VmRSS:")
}

/// The memory that another process holds now.
#[cfg(feature = "api")]
pub fn rss_of(process: u32) -> u64 {
    status_bytes(&process.to_string(), "VmRSS:")
}

/// A field of a process' `/proc/<process>/status`; 0 where there is none.
fn status_bytes(process: &str, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// How fast this machine is right now: keys a second through a hash map, in and out, on one thread.
#[allow(clippy::cast_precision_loss)]
fn calibration(objects: usize) -> f64 {
    let keys = keys(0..objects);
    let start = Instant::now();
    let mut set = HashSet::new();
    for key in &keys {
        set.insert(key.clone());
    }
    for key in &keys {
        set.remove(key);
    }
    objects as f64 / start.elapsed().as_secs_f64()
}

/// One row with what else was measured below it, or one line of JSON.
#[allow(clippy::cast_precision_loss)]
pub fn print(scenario: &str, options: &Options, outcome: &Outcome, json: bool) {
    let peak = peak_rss();
    let calibration = calibration(options.objects.clamp(1, 1_000_000));
    let per_second = options.objects as f64 / outcome.seconds;
    let per_object = outcome.bytes.unwrap_or(peak) as f64 / options.objects.max(1) as f64;
    if json {
        let mut line = serde_json::json!({
            "scenario": scenario, "objects": options.objects, "workers": options.workers,
            "seconds": outcome.seconds, "per_second": per_second.round(), "peak_rss_bytes": peak,
            "bytes_per_object": per_object.round(), "lost": outcome.lost,
            "calibration_per_second": calibration.round(),
        });
        for (name, figure) in &outcome.figures {
            line[name] = (*figure).into();
        }
        println!("{line}");
    } else {
        println!("| scenario | objects | seconds | per second | peak RSS MiB | bytes/object | lost | calibration/s |");
        println!(
            "| {scenario} | {} | {:.3} | {per_second:.0} | {:.1} | {per_object:.0} | {} | {calibration:.0} |",
            options.objects,
            outcome.seconds,
            peak as f64 / f64::from(1 << 20),
            outcome.lost,
        );
        for (name, figure) in &outcome.figures {
            println!("  {name}: {figure:.3}");
        }
    }
}
