//! Why an object is reconciled.

use std::borrow::Cow;
use std::fmt;

use crate::queue;
use crate::resource::ObjectKey;
use crate::store::Revision;

/// One cause of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The controller started, and every object is looked at once.
    Started,
    /// The object itself was created or changed.
    Changed {
        /// The store's revision of the change.
        revision: Revision,
    },
    /// The watch of the store had a gap, and a list of everything showed the object new or changed. Several changes may
    /// have become this one, so that it counts even if the run made the last of them itself.
    Relisted {
        /// The store's revision of the last change.
        revision: Revision,
    },
    /// An object that the reconciler watches changed.
    Watched(Box<ObjectKey>),
    /// An object that belongs to this one came, changed or went.
    Owned(Box<ObjectKey>),
    /// An event about the object was published; its type.
    Event(Box<str>),
    /// The last run asked to run again.
    Requeued,
    /// The last run failed.
    Retried,
    /// The reconciler's `resync` came round.
    Resync,
    /// Somebody asked for it by `enqueue`, and said why.
    Asked(Cow<'static, str>),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started"),
            Self::Changed { revision } => write!(f, "changed at {revision}"),
            Self::Relisted { revision } => write!(f, "found changed at {revision}"),
            Self::Watched(key) | Self::Owned(key) => write!(f, "{key} changed"),
            Self::Event(event_type) => write!(f, "event {event_type}"),
            Self::Requeued => f.write_str("requeued"),
            Self::Retried => f.write_str("retried"),
            Self::Resync => f.write_str("resync"),
            Self::Asked(why) => f.write_str(why),
        }
    }
}

/// How many different reasons a run keeps; the rest is only counted.
const KEPT: usize = 16;

/// The causes of one run, in the order in which they came, each once: at most 16, the rest is counted.
///
/// One reason alone takes no memory of its own: a million waiting objects mostly have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    first: Option<Reason>,
    more: Option<Box<More>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    reasons: Vec<Reason>,
    omitted: usize,
}

impl Reasons {
    /// The reasons kept.
    pub fn iter(&self) -> impl Iterator<Item = &Reason> {
        self.first.iter().chain(self.more.iter().flat_map(|more| &more.reasons))
    }

    /// How many more there were.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.more.as_ref().map_or(0, |more| more.omitted)
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn push(&mut self, reason: Reason) {
        if self.first.is_none() {
            self.first = Some(reason);
        } else if !self.iter().any(|known| *known == reason) {
            let more = self.more.get_or_insert_default();
            if more.reasons.len() + 1 < KEPT { more.reasons.push(reason) } else { more.omitted += 1 }
        }
    }

    /// Is every reason a change of the object itself at one of these revisions? Then nothing calls for a run that has
    /// made those changes itself. A reason that was only counted could be anything.
    pub(crate) fn are_changes_at(&self, revisions: &[Revision]) -> bool {
        let is_own = |reason: &Reason| matches!(reason, Reason::Changed { revision } if revisions.contains(revision));
        self.omitted() == 0 && self.iter().all(is_own)
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        Self { first: Some(reason), more: None }
    }
}

impl queue::Reasons for Reasons {
    fn merge(&mut self, other: Self) {
        let omitted = other.omitted();
        other.first.into_iter().chain(other.more.into_iter().flat_map(|more| more.reasons)).for_each(|r| self.push(r));
        if omitted > 0 {
            self.more.get_or_insert_default().omitted += omitted;
        }
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, reason) in self.iter().enumerate() {
            write!(f, "{}{reason}", if index == 0 { "" } else { ", " })?;
        }
        if self.omitted() > 0 { write!(f, " and {} more", self.omitted()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Reasons as _;

    #[test]
    fn reasons_are_kept_once_and_counted_beyond_sixteen() {
        let mut reasons = Reasons::default();
        for revision in (1..=20).chain(1..=3) {
            reasons.merge(Reason::Changed { revision: Revision::new(revision) }.into());
        }
        assert_eq!(reasons.iter().count(), 16);
        assert_eq!(reasons.omitted(), 4);
        assert!(reasons.to_string().ends_with("and 4 more"));
    }

    #[test]
    fn only_changes_at_the_own_revisions_are_swallowed() {
        let own = [Revision::new(4), Revision::new(5)];
        let mut reasons = Reasons::from(Reason::Changed { revision: Revision::new(5) });
        assert!(reasons.are_changes_at(&own));
        reasons.merge(Reason::Changed { revision: Revision::new(6) }.into());
        assert!(!reasons.are_changes_at(&own));
        assert!(!Reasons::from(Reason::Resync).are_changes_at(&own));
        assert!(!Reasons::from(Reason::Relisted { revision: own[0] }).are_changes_at(&own));
    }

    #[test]
    fn a_reason_that_was_only_counted_is_not_swallowed() {
        let own: Vec<_> = (1..=20).map(Revision::new).collect();
        let mut reasons = Reasons::default();
        for &revision in &own {
            reasons.merge(Reason::Changed { revision }.into());
        }
        assert!(reasons.omitted() > 0 && !reasons.are_changes_at(&own));
    }
}
