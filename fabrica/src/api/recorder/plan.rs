//! What notices about one object make of its stored events.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::budget::Budget;
use crate::controller::{Notice, Noticed, Subject};
use crate::resource::{
    EventSource, Namespace, ObjectRef, RecordedEvent, RecordedEventSpec, Resource, Timestamp, Uid, is_dns_subdomain,
};

/// From so many on, what differs in the message only is combined, if it happened within [`SIMILAR_WITHIN`].
const SIMILAR: usize = 10;
const SIMILAR_WITHIN: Duration = Duration::from_secs(10 * 60);
const COMBINED: &str = "(combined from similar events): ";

/// How many events an object has at most.
pub(super) const MOST_OF_ONE: usize = 100;

/// The longest name of an object.
const NAME_MAX: usize = 253;

/// Something to write. It can be done again if it is not known whether it was: it says what is to be, and new events
/// have their uid already.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) event: RecordedEvent,
    pub(super) is_new: bool,
    /// How many notices are in it.
    pub(super) count: u32,
}

/// What is to be done about one object.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) writes: Vec<Write>,
    /// The oldest, which are too many.
    pub(super) surplus: Vec<Arc<RecordedEvent>>,
    /// How many notices there is no room for.
    pub(super) dropped: u64,
}

/// An event as it is stored, or is to be.
struct Draft {
    stored: Option<Arc<RecordedEvent>>,
    spec: RecordedEventSpec,
    added: u32,
    about: ObjectRef,
}

/// Who is said to have seen what the program notices.
pub(super) struct Reporter<'a> {
    pub(super) program: &'a str,
}

impl Reporter<'_> {
    fn component(&self, notice: &Notice) -> &str {
        notice.reporter.unwrap_or(self.program)
    }
}

impl Plan {
    /// `stored` are the object's events, `noticed` what was noticed about it, in its order.
    pub(super) fn new(
        about: &Subject,
        stored: Vec<Arc<RecordedEvent>>,
        noticed: Vec<Noticed>,
        reporter: &Reporter<'_>,
        budget: &mut Budget,
    ) -> Self {
        let draft = |event: Arc<RecordedEvent>| {
            let spec = event.spec.clone();
            Draft { stored: Some(event), about: spec.involved_object.clone(), spec, added: 0 }
        };
        let mut drafts: Vec<Draft> = stored.into_iter().map(draft).collect();
        for noticed in noticed {
            place(&mut drafts, noticed, reporter);
        }
        let mut plan = Self::default();
        plan.write(about, &mut drafts, budget);
        plan.limit(drafts);
        plan
    }

    fn write(&mut self, about: &Subject, drafts: &mut Vec<Draft>, budget: &mut Budget) {
        let now = Instant::now();
        drafts.retain_mut(|draft| {
            if draft.added == 0 {
                return true;
            }
            match (&draft.stored, budget.take(about, now)) {
                (None, false) => {
                    self.dropped += u64::from(draft.added);
                    return false;
                }
                (Some(stored), false) => budget.owe(about, &stored.metadata.uid, draft.added, now),
                (None, true) => self.writes.push(draft.write(draft.new_event())),
                (Some(stored), true) => {
                    let owed = budget.settle(about, &stored.metadata.uid);
                    draft.spec.count = Some(counted(draft.spec.count, owed));
                    let mut event = RecordedEvent::clone(stored);
                    event.spec = draft.spec.clone();
                    self.writes.push(draft.write(event));
                }
            }
            true
        });
    }

    /// The oldest go that are too many. What is written now is the newest.
    fn limit(&mut self, drafts: Vec<Draft>) {
        let too_many = drafts.len().saturating_sub(MOST_OF_ONE);
        if too_many > 0 {
            let idle = drafts.into_iter().filter(|draft| draft.added == 0).filter_map(|draft| draft.stored);
            let mut idle: Vec<_> = idle.collect();
            idle.sort_by_key(|event| event.last_seen());
            idle.truncate(too_many);
            self.surplus = idle;
        }
    }
}

/// Counts a notice where it belongs: with what is equal, with what is combined, or by itself.
fn place(drafts: &mut Vec<Draft>, noticed: Noticed, reporter: &Reporter<'_>) {
    let Noticed { notice, object, count, first, last } = noticed;
    let component = reporter.component(&notice);
    let type_ = if notice.is_warning { RecordedEvent::WARNING } else { RecordedEvent::NORMAL };
    let is_similar = |spec: &RecordedEventSpec| {
        spec.type_.as_deref() == Some(type_)
            && spec.reason.as_deref() == Some(&notice.reason)
            && spec.reporting_component.as_deref() == Some(component)
    };
    let message_of = |spec: &RecordedEventSpec| spec.message.clone().unwrap_or_default();
    let is_combined = |spec: &RecordedEventSpec| message_of(spec).starts_with(COMBINED);
    let mut similar: Vec<&mut Draft> = drafts.iter_mut().filter(|draft| is_similar(&draft.spec)).collect();
    if let Some(equal) = similar.iter_mut().find(|draft| message_of(&draft.spec) == notice.message) {
        return equal.add(count, last);
    }
    let is_recent = |spec: &RecordedEventSpec| {
        spec.last_timestamp.is_some_and(|seen| last.since(seen) < SIMILAR_WITHIN) && !is_combined(spec)
    };
    let recent = similar.iter().filter(|draft| is_recent(&draft.spec)).count();
    let mut message = notice.message;
    if recent + 1 >= SIMILAR {
        message.insert_str(0, COMBINED);
        if let Some(combined) = similar.into_iter().find(|draft| is_combined(&draft.spec)) {
            combined.spec.message = Some(message);
            return combined.add(count, last);
        }
    }
    let spec = RecordedEventSpec {
        involved_object: object.clone(),
        reason: Some(notice.reason),
        message: Some(message),
        type_: Some(type_.to_owned()),
        first_timestamp: Some(first),
        last_timestamp: Some(last),
        source: Some(EventSource { component: Some(component.to_owned()), host: None }),
        reporting_component: Some(component.to_owned()),
        reporting_instance: Some(reporter.program.to_owned()).filter(|program| program != component),
        ..RecordedEventSpec::default()
    };
    let mut draft = Draft { stored: None, spec, added: 0, about: object };
    draft.add(count, last);
    drafts.push(draft);
}

impl Draft {
    fn add(&mut self, count: u32, last: Timestamp) {
        let so_far = match (self.spec.count, &self.stored) {
            // One that says nothing happened once.
            (None, Some(_)) => Some(1),
            (so_far, _) => so_far,
        };
        self.spec.count = Some(counted(so_far, count));
        self.spec.last_timestamp = self.spec.last_timestamp.max(Some(last));
        self.added = self.added.saturating_add(count);
    }

    fn write(&self, event: RecordedEvent) -> Write {
        Write { event, is_new: self.stored.is_none(), count: self.added }
    }

    fn new_event(&self) -> RecordedEvent {
        let namespace = self.about.namespace.as_deref().unwrap_or(Namespace::DEFAULT);
        renewed(RecordedEvent::new("", self.spec.clone()).in_namespace(namespace))
    }
}

/// The event with a uid and a name of its own.
pub(super) fn renewed(mut event: RecordedEvent) -> RecordedEvent {
    let unique = uuid::Uuid::now_v7().as_u64_pair().1;
    let about = &event.spec.involved_object;
    let kind = about.kind.as_deref().unwrap_or_default().to_lowercase();
    let name = about.name.as_deref().unwrap_or(&kind);
    let start = &name[..name.floor_char_boundary(NAME_MAX - 17)];
    let mut name = format!("{}.{unique:016x}", start.trim_end_matches(['-', '.']));
    if !is_dns_subdomain(&name) {
        name = format!("object.{unique:016x}");
    }
    event.metadata.name = name;
    event.metadata.uid = Uid::new_random();
    event
}

fn counted(so_far: Option<i32>, more: u32) -> i32 {
    so_far.unwrap_or_default().saturating_add(more.try_into().unwrap_or(i32::MAX))
}
