use fabrica::event::{Event, Pattern};

use super::{is_bounded, two};

/// An event: what is read and written is read as the same.
pub(super) fn event(bytes: &[u8]) {
    match serde_json::from_slice::<Event>(bytes) {
        Ok(event) => {
            let written = serde_json::to_string(&event).expect("an event that was read is written");
            let again: Event = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
            assert_eq!(serde_json::to_string(&again).ok().as_ref(), Some(&written));
        }
        Err(error) => is_bounded(&error.to_string(), bytes),
    }
}

/// A pattern and a type, one a line: it matches what its definition says.
pub(super) fn event_pattern(bytes: &[u8]) {
    let (text, event_type) = two(bytes);
    match Pattern::parse(text) {
        Ok(pattern) => {
            assert_eq!(pattern.to_string(), text);
            let (segments, parts): (Vec<_>, Vec<_>) = (text.split('.').collect(), event_type.split('.').collect());
            assert_eq!(pattern.matches(event_type), matches(&segments, &parts), "{text} and {event_type}");
        }
        Err(error) => is_bounded(&error.to_string(), bytes),
    }
}

/// As it is defined, a table of which beginnings match: `**` stands for one segment or more.
fn matches(pattern: &[&str], parts: &[&str]) -> bool {
    let mut row = vec![false; parts.len() + 1];
    row[0] = true;
    for segment in pattern {
        let mut next = vec![false; parts.len() + 1];
        for (at, part) in parts.iter().enumerate() {
            next[at + 1] = match *segment {
                "**" => row[at] || next[at],
                "*" => row[at],
                literal => row[at] && literal == *part,
            };
        }
        row = next;
    }
    row[parts.len()]
}
