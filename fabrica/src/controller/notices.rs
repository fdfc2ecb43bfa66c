//! What the controller notices about objects, for who keeps record of it.
//!
//! Nobody need listen: then a notice is not even made. Who listens never delays who says something: equal notices are
//! counted, and of too many different ones it is only counted how many are lost.

use std::borrow::Cow;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use hashbrown::HashMap;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

use crate::client::Client;
use crate::event::{About, Event};
use crate::resource::{Metadata, ObjectKey, ObjectRef, RecordedEvent, Resource as _, Timestamp};

/// How many different notices wait for the listener.
const LIMIT: usize = 4096;
/// How long a message may be, in bytes, as in Kubernetes.
const MESSAGE_MAX: usize = 1024;
const REASON_MAX: usize = 128;

/// Something that was noticed. Equal ones are one, with a count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Notice {
    pub(crate) about: Subject,
    pub(crate) is_warning: bool,
    /// Why, in one word in `CamelCase`.
    pub(crate) reason: String,
    /// At most 1 KiB.
    pub(crate) message: String,
    /// The reconciler's name; `None` is the program itself.
    pub(crate) reporter: Option<&'static str>,
}

/// The object that a notice is about, of a kind that the program need not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Subject {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) uid: String,
}

impl From<&ObjectKey> for Subject {
    fn from(key: &ObjectKey) -> Self {
        let ObjectKey { kind, uid } = key;
        Self { group: kind.group.to_owned(), kind: kind.kind.to_owned(), uid: uid.to_string() }
    }
}

impl From<&About> for Subject {
    fn from(about: &About) -> Self {
        Self { group: about.group.to_string(), kind: about.kind.to_string(), uid: about.uid.to_string() }
    }
}

impl Notice {
    pub(crate) fn warning(key: &ObjectKey, reason: &str, message: &str, reporter: Option<&'static str>) -> Self {
        Self::new(key.into(), true, reason.to_owned(), message, reporter)
    }

    pub(crate) fn normal(key: &ObjectKey, reason: &str, message: &str, reporter: Option<&'static str>) -> Self {
        Self::new(key.into(), false, reason.to_owned(), message, reporter)
    }

    fn new(about: Subject, is_warning: bool, reason: String, message: &str, reporter: Option<&'static str>) -> Self {
        Self { about, is_warning, reason, message: cut(message), reporter }
    }

    /// What an event of the user's says about an object; `None` if it is about none.
    ///
    /// The reason is the last segment of its type. The message is its data, if that is a string, or the data's
    /// `message`, or all of it as JSON; without data, its type. Data with the `type` `Warning` makes it a warning.
    pub(crate) fn of_event(event: &Event, reporter: Option<&'static str>) -> Option<Self> {
        let about = event.about()?;
        let data = event.data();
        let text = |key: &str| data.and_then(|data| data.get(key)).and_then(|value| value.as_str());
        let message = match data {
            None | Some(Value::Null) => event.event_type().into(),
            Some(Value::String(message)) => message.into(),
            Some(data) => text("message").map_or_else(|| json_start(data).into(), Cow::from),
        };
        let is_warning = text("type") == Some(RecordedEvent::WARNING);
        Some(Self::new(about.into(), is_warning, reason_of(event.event_type()), &message, reporter))
    }
}

/// The last segment in `CamelCase`: `io.example.device.powered-off` is `PoweredOff`.
fn reason_of(event_type: &str) -> String {
    let last = event_type.rsplit('.').find(|segment| segment.chars().any(char::is_alphanumeric)).unwrap_or_default();
    let words = last.split(|letter: char| !letter.is_alphanumeric());
    let camel = words.flat_map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<Vec<_>>()
    });
    let reason: String = camel.take(REASON_MAX).collect();
    if reason.is_empty() { RecordedEvent::KIND.to_owned() } else { reason }
}

/// The message, or the beginning of one that is too long.
fn cut(message: &str) -> String {
    const MORE: &str = "...";
    if message.len() <= MESSAGE_MAX {
        return message.to_owned();
    }
    format!("{}{MORE}", &message[..message.floor_char_boundary(MESSAGE_MAX - MORE.len())])
}

/// As much of the JSON as a message can hold, and a little more if there is more: large data must not hold its publisher up.
fn json_start(data: &Value) -> String {
    struct Start(Vec<u8>);

    impl io::Write for Start {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() > MESSAGE_MAX {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.0.extend_from_slice(&bytes[..bytes.len().min(MESSAGE_MAX)]);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut start = Start(Vec::new());
    // An error means that there is enough.
    let _ = serde_json::to_writer(&mut start, data);
    String::from_utf8_lossy(&start.0).into_owned()
}

/// How often something was noticed, and what was known of its object when it first was.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "api"), expect(dead_code, reason = "nobody can listen"))]
pub(crate) struct Noticed {
    pub(crate) notice: Notice,
    pub(crate) object: ObjectRef,
    pub(crate) count: u32,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// Where notices wait for the one who listens.
#[derive(Debug)]
pub(crate) struct Notices {
    client: Client,
    is_heard: AtomicBool,
    waiting: Mutex<Waiting>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// In the order in which they came.
    noticed: Vec<Noticed>,
    places: HashMap<Notice, usize>,
    lost: u64,
}

impl Notices {
    pub(super) fn new(client: Client) -> Self {
        let (is_heard, waiting, came) = Default::default();
        Self { client, is_heard, waiting, came }
    }

    /// Says that something was noticed. Costs a look at a flag if nobody listens.
    pub(crate) fn say(&self, notice: impl FnOnce() -> Option<Notice>) {
        if !self.is_heard.load(Ordering::Acquire) {
            return;
        }
        let Some(notice) = notice().filter(|notice| !notice.about.is_record()) else { return };
        let now = Timestamp::now();
        let mut waiting = self.waiting.lock();
        let place = waiting.places.get(&notice).copied();
        if let Some(noticed) = place.and_then(|place| waiting.noticed.get_mut(place)) {
            noticed.count = noticed.count.saturating_add(1);
            noticed.last = now;
            return;
        }
        if waiting.noticed.len() >= LIMIT {
            waiting.lost += 1;
            return;
        }
        // Now: an object that says good-bye is gone when the record is written.
        let object = notice.about.reference(&self.client);
        let noticed = Noticed { notice: notice.clone(), object, count: 1, first: now, last: now };
        let place = waiting.noticed.len();
        waiting.places.insert(notice, place);
        waiting.noticed.push(noticed);
        drop(waiting);
        self.came.notify_one();
    }
}

#[cfg(feature = "api")]
impl Notices {
    /// From now on somebody takes what is said, or nobody does any more.
    pub(crate) fn listen(&self, is_heard: bool) {
        self.is_heard.store(is_heard, Ordering::Release);
    }

    /// Waits until something was said. One may listen at a time.
    pub(crate) async fn wait(&self) {
        self.came.notified().await;
    }

    /// What was said since the last time, the oldest first, and how much of it was lost.
    pub(crate) fn take(&self) -> (Vec<Noticed>, u64) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        (waiting.noticed, waiting.lost)
    }
}

impl Subject {
    /// Records are not recorded about.
    fn is_record(&self) -> bool {
        self.group.is_empty() && self.kind == RecordedEvent::KIND
    }

    /// What is known of the object now; of one that is gone, or of a kind that the program doesn't know, what was said.
    fn reference(&self, client: &Client) -> ObjectRef {
        let mut reference =
            ObjectRef { kind: Some(self.kind.clone()), uid: Some(self.uid.clone()), ..ObjectRef::default() };
        let mut known = client.kinds().iter();
        let Some(type_) = known.find(|type_| type_.group == self.group && type_.kind == self.kind) else {
            return reference;
        };
        reference.api_version = Some(type_.api_version.to_owned());
        let uid = self.uid.as_str().into();
        let key = ObjectKey { kind: type_.group_kind(), uid };
        let Some(object) = client.cached(&key) else { return reference };
        let metadata = object.metadata_ref(&key.uid);
        let Metadata { name, namespace, resource_version, .. } = &*metadata;
        reference.name = (!name.is_empty()).then(|| name.clone());
        reference.namespace = (type_.namespaced && !namespace.is_empty()).then(|| namespace.clone());
        reference.resource_version = Some(resource_version.to_string());
        reference
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn noticed(event_type: &str, data: Option<serde_json::Value>) -> Notice {
        let event = Event::builder(event_type).about("example.io", "Device", "dev-1");
        let event = if let Some(data) = data { event.data(&data) } else { event };
        Notice::of_event(&event.build().unwrap(), None).unwrap()
    }

    #[test]
    fn the_reason_of_an_event_is_the_last_segment_of_its_type() {
        let reason = |event_type| noticed(event_type, None).reason;
        assert_eq!(reason("io.example.device.started"), "Started");
        assert_eq!(reason("io.example.device.powered-off_again"), "PoweredOffAgain");
        assert_eq!(reason("started."), "Started");
        assert_eq!(reason("..."), "Event");
        assert_eq!(reason(&"x".repeat(500)).len(), REASON_MAX);
    }

    #[test]
    fn the_message_of_an_event_is_what_its_data_says() {
        let message = |data| noticed("a.b", data).message;
        assert_eq!(message(None), "a.b");
        assert_eq!(message(Some(json!(null))), "a.b");
        assert_eq!(message(Some(json!("It runs"))), "It runs");
        assert_eq!(message(Some(json!({ "message": "It runs", "watts": 7 }))), "It runs");
        assert_eq!(message(Some(json!({ "watts": 7 }))), r#"{"watts":7}"#);
        let large = message(Some(json!({ "large": "ä".repeat(2_000_000), "rest": [1, 2, 3] })));
        assert!(
            large.len() <= MESSAGE_MAX && large.starts_with(r#"{"large":"ää"#) && large.ends_with("ä..."),
            "{large}"
        );
        let long = message(Some(json!("ä".repeat(2000))));
        assert!(long.len() <= MESSAGE_MAX && long.len() > MESSAGE_MAX - 5 && long.ends_with("ä..."), "{}", long.len());
    }

    #[test]
    fn an_event_is_a_warning_if_its_data_says_so() {
        assert!(!noticed("a.failed", Some(json!({ "message": "no" }))).is_warning);
        assert!(noticed("a.failed", Some(json!({ "message": "no", "type": "Warning" }))).is_warning);
    }

    #[test]
    fn an_event_about_nothing_is_no_notice() {
        assert_eq!(Notice::of_event(&Event::new("a.b").unwrap(), None), None);
    }
}
