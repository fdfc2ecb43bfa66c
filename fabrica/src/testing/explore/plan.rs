//! A plan: the one thing that goes wrong in a run of the scenario, and where.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// One fault at one place. Its text is what `FABRICA_PLAN` takes: `step=2,crash-after=3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Plan {
    /// The step that it happens in; 0 is the start on the given objects.
    pub(super) step: usize,
    pub(super) fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fault {
    /// At the n-th effective write of the step, from 1.
    Write(WriteFault, usize),
    /// The process ends after the n-th declared effect of the step.
    EffectCrash(usize),
    /// At the n-th change of a kind that the step's watch delivers.
    View(ViewFault, String, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum WriteFault {
    /// The process ends before the write is made.
    CrashBefore,
    /// The process ends when the write is made; nobody hears the answer.
    CrashAfter,
    /// Refused as if somebody else had been faster.
    Conflict,
    /// Refused: the store can't be reached.
    Unavailable,
    /// Made, and reported as unknown, however often it is repeated.
    Unknown,
    /// The process ends when the write is made, and the next one starts from what the step began with.
    TravelBack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ViewFault {
    /// It, and whatever follows, comes late.
    Late,
    /// It, and whatever follows, comes as one difference.
    Coalesce,
    /// It comes twice.
    Duplicate,
    /// It comes after the change of another object that follows it.
    Reorder,
    /// The watch ends before it.
    Expire,
    /// Changes of its kind come late, the writer's own too, while all other kinds go on.
    Stale,
    /// As `Stale`, and of each object only the last state comes.
    Skip,
}

const WRITES: [(&str, WriteFault); 6] = [
    ("crash-before", WriteFault::CrashBefore),
    ("crash-after", WriteFault::CrashAfter),
    ("conflict", WriteFault::Conflict),
    ("unavailable", WriteFault::Unavailable),
    ("unknown", WriteFault::Unknown),
    ("travel-back", WriteFault::TravelBack),
];
const VIEWS: [(&str, ViewFault); 7] = [
    ("late", ViewFault::Late),
    ("coalesce", ViewFault::Coalesce),
    ("duplicate", ViewFault::Duplicate),
    ("reorder", ViewFault::Reorder),
    ("expire", ViewFault::Expire),
    ("stale", ViewFault::Stale),
    ("skip", ViewFault::Skip),
];
const EFFECT: &str = "effect-crash";

fn name_of<F: Copy + PartialEq>(names: &[(&'static str, F)], fault: F) -> &'static str {
    names.iter().find(|(_, known)| *known == fault).map_or("", |(name, _)| name)
}

impl Fault {
    /// What it is called in a plan.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Write(fault, _) => name_of(&WRITES, *fault),
            Self::EffectCrash(_) => EFFECT,
            Self::View(fault, ..) => name_of(&VIEWS, *fault),
        }
    }

    pub(super) fn ends_the_process(&self) -> bool {
        use WriteFault::{CrashAfter, CrashBefore, TravelBack};
        matches!(self, Self::EffectCrash(_) | Self::Write(CrashAfter | CrashBefore | TravelBack, _))
    }

    /// May a reconciler with such a view of the store rightly not see a state that came and went?
    pub(super) fn hides_states(&self) -> bool {
        matches!(self, Self::View(fault, ..) if !matches!(fault, ViewFault::Duplicate | ViewFault::Reorder))
            || matches!(self, Self::Write(WriteFault::TravelBack, _))
    }
}

impl WriteFault {
    /// What every backend can do to a write.
    pub(super) const DEFAULT: [Self; 5] =
        [Self::CrashBefore, Self::CrashAfter, Self::Conflict, Self::Unavailable, Self::Unknown];
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step={},{}=", self.step, self.fault.name())?;
        match &self.fault {
            Fault::Write(_, place) | Fault::EffectCrash(place) => write!(f, "{place}"),
            Fault::View(_, kind, place) => write!(f, "{kind}:{place}"),
        }
    }
}

impl FromStr for Plan {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| {
            let names = WRITES.iter().map(|(name, _)| *name).chain([EFFECT]);
            let message = format!(
                "{text:?} is not a plan: write `step=2,crash-after=3` with one of {}; or `step=2,late=Kind:3` with one of {}",
                names.collect::<Vec<_>>().join(", "),
                VIEWS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
            );
            Error::new(ErrorKind::Other, message)
        })
    }
}

fn parse(text: &str) -> Option<Plan> {
    let (step, fault) = text.trim().split_once(',')?;
    let step = step.trim().strip_prefix("step=")?.parse().ok()?;
    let (name, place) = fault.trim().split_once('=')?;
    let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
    let fault = if name == EFFECT {
        Fault::EffectCrash(number(place)?)
    } else if let Some((_, fault)) = WRITES.iter().find(|(known, _)| *known == name) {
        Fault::Write(*fault, number(place)?)
    } else {
        let (_, fault) = VIEWS.iter().find(|(known, _)| *known == name)?;
        let (kind, place) = place.split_once(':')?;
        Fault::View(*fault, kind.to_owned(), number(place)?)
    };
    Some(Plan { step, fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_its_text_form() {
        for text in ["step=2,crash-after=3", "step=0,effect-crash=1", "step=1,late=Node:2", "step=1,travel-back=2"] {
            assert_eq!(text.parse::<Plan>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_plan_is_refused_with_what_would_be_one() {
        for text in ["", "crash-after=3", "step=2", "step=2,crash-after=0", "step=2,late=3", "step=x,crash-after=3"] {
            let error = text.parse::<Plan>().unwrap_err().to_string();
            assert!(error.contains("step=2,crash-after=3") && error.contains("effect-crash"), "{error}");
        }
    }
}
