//! Times as Kubernetes writes them: to the second, or to the microsecond with exactly six digits, which is all that
//! programs made with its Go client read.

use serde_json::Value;

use crate::resource::Timestamp;

/// A field of the spec with its times as they are written.
pub(super) fn shown(field: &str, value: &Value) -> Value {
    match field {
        "firstTimestamp" | "lastTimestamp" => rewritten(value, seconds),
        "eventTime" => rewritten(value, micros),
        "series" => {
            let mut series = value.clone();
            if let Some(time) = series.get_mut("lastObservedTime") {
                *time = rewritten(time, micros);
            }
            series
        }
        _ => value.clone(),
    }
}

fn rewritten(value: &Value, write: fn(Timestamp) -> String) -> Value {
    let time = value.as_str().and_then(|text| text.parse().ok());
    time.map_or_else(|| value.clone(), |time| write(time).into())
}

fn seconds(time: Timestamp) -> String {
    format!("{:.0}", jiff::Timestamp::from(time))
}

fn micros(time: Timestamp) -> String {
    format!("{:.6}", jiff::Timestamp::from(time))
}
