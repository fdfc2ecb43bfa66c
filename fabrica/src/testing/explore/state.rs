//! The final state of a run of the scenario, and how often objects came and went on the way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::course::{Course, Rest};
use super::fields::{Fields, differences, fields_of, shown};
use super::finding::{Finding, Flaw};
use super::mask::{Masks, general};
use super::names::{Names, title};
use super::trace::What;
use super::world::title_of;
use super::write::Deed;

/// How many lines one finding shows.
const SHOWN: usize = 12;

/// What a run of the scenario left behind, under names that another run has too.
pub(super) struct State {
    pub(super) names: Names,
    /// At the end of each step.
    rests: Vec<Objects>,
    /// How often the program created and deleted each.
    summary: BTreeMap<String, [usize; 2]>,
}

/// The fields of the objects by kind and title. Several may have the same: those with generated names.
type Objects = BTreeMap<(String, String), Vec<Fields>>;

/// The kind of what is looked at outside the store.
const OUTSIDE: &str = "outside";

impl State {
    pub(super) fn of(course: &Course, prefixes: &BTreeSet<(String, String)>) -> Self {
        let created = course.created.iter().map(|(kind, object)| (kind.as_str(), object));
        let names = Names::of(created, prefixes);
        let rests = course.rests.iter().map(|rest| objects_of(&names, rest)).collect();
        let mut summary: BTreeMap<_, [usize; 2]> = BTreeMap::new();
        for row in &course.seen.trace.rows {
            let What::Write { written, by_user: false, .. } = &row.what else { continue };
            let place = match written.deed() {
                Deed::Created => 0,
                Deed::Deleted => 1,
                _ => continue,
            };
            summary.entry(names.canonical(&title_of(written))).or_default()[place] += 1;
        }
        Self { names, rests, summary }
    }

    /// Kind and name of every object that there ever was.
    pub(super) fn all_names(course: &Course) -> BTreeSet<(String, String)> {
        let name =
            |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_given = |object: &&(String, Value)| object.1.pointer("/metadata/generateName").is_none();
        course.created.iter().filter(is_given).map(|(kind, object)| (kind.clone(), name(object))).collect()
    }

    /// Kind and path of every field that differs, the numbers in lists left open; `None` if it is not a matter of fields.
    pub(super) fn unsettled(&self, other: &Self, masks: &Masks) -> Option<BTreeSet<(String, String)>> {
        if self.rests.len() != other.rests.len() || self.summary != other.summary {
            return None;
        }
        let mut found = BTreeSet::new();
        for (mine, theirs) in self.rests.iter().zip(&other.rests) {
            if mine.keys().ne(theirs.keys()) {
                return None;
            }
            for ((key, mine), theirs) in mine.iter().zip(theirs.values()) {
                if mine.len() != theirs.len() {
                    return None;
                }
                for (mine, theirs) in pairs(&key.0, mine, theirs, masks) {
                    let differences = differences(mine, theirs);
                    let telling = differences.iter().filter(|difference| !Masks::is_built_in(&difference.path));
                    found.extend(telling.map(|difference| (key.0.clone(), general(&difference.path))));
                }
            }
        }
        Some(found)
    }

    /// How many fields stand under a mask.
    pub(super) fn count(&self, is_masked: impl Fn(&str, &str) -> bool) -> usize {
        let objects = self
            .rests
            .last()
            .into_iter()
            .flatten()
            .flat_map(|((kind, _), objects)| objects.iter().map(move |fields| (kind, fields)));
        objects.map(|(kind, fields)| fields.keys().filter(|path| is_masked(kind, path)).count()).sum()
    }

    /// What is not as in the reference.
    pub(super) fn compare(&self, reference: &Self, masks: &Masks, with_summary: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        // Where the first step ends otherwise, later ones only follow from it.
        let last = self.rests.len().max(reference.rests.len()).saturating_sub(1);
        let none = Objects::new();
        let differs = (0..=last).find_map(|step| {
            let (mine, theirs) = (self.rests.get(step).unwrap_or(&none), reference.rests.get(step).unwrap_or(&none));
            let lines = object_differences(mine, theirs, masks);
            (!lines.is_empty()).then_some((step, lines))
        });
        if let Some((step, lines)) = differs {
            let flaw = if step == last { Flaw::FinalState } else { Flaw::StepState(step) };
            findings.push(Finding { flaw, lines: shortened(lines) });
        }
        let lines = if with_summary { self.summary_differences(reference) } else { Vec::new() };
        if !lines.is_empty() {
            findings.push(Finding { flaw: Flaw::Summary, lines: shortened(lines) });
        }
        findings
    }

    fn summary_differences(&self, reference: &Self) -> Vec<String> {
        let added = self.summary.keys().filter(|title| !reference.summary.contains_key(*title));
        let titles = reference.summary.keys().chain(added);
        let mut lines = Vec::new();
        for title in titles {
            let of = |state: &Self| state.summary.get(title).copied().unwrap_or_default();
            let (mine, theirs) = (of(self), of(reference));
            for (place, deed) in ["created", "deleted"].into_iter().enumerate() {
                if mine[place] != theirs[place] {
                    lines.push(format!("{title} was {deed} x{}, reference x{}", mine[place], theirs[place]));
                }
            }
        }
        lines
    }
}

fn object_differences(objects: &Objects, reference: &Objects, masks: &Masks) -> Vec<String> {
    let mut lines = Vec::new();
    let added = objects.keys().filter(|key| !reference.contains_key(*key));
    for key in reference.keys().chain(added) {
        let (kind, title) = key;
        let none = Vec::new();
        let (mine, theirs) = (objects.get(key).unwrap_or(&none), reference.get(key).unwrap_or(&none));
        match (mine.len(), theirs.len()) {
            (0, _) => lines.push(format!("{title} is missing")),
            (_, 0) => lines.push(format!("{title} should not be there")),
            (mine, theirs) if mine != theirs => lines.push(format!("{title}: there are {mine}, reference {theirs}")),
            _ => {}
        }
        if mine.len() != theirs.len() {
            continue;
        }
        for (mine, theirs) in pairs(kind, mine, theirs, masks) {
            let differences = differences(mine, theirs);
            let telling = differences.iter().filter(|difference| difference.is_telling());
            let telling = telling.filter(|difference| !masks.covers(kind, &difference.path));
            lines.extend(telling.map(|difference| {
                let (is, should) = (shown(difference.one.as_ref()), shown(difference.other.as_ref()));
                format!("{title}: {} is {is}, reference {should}", difference.path)
            }));
        }
    }
    lines
}

fn objects_of(names: &Names, rest: &Rest) -> Objects {
    let mut objects = Objects::new();
    for (kind, object) in &rest.objects {
        let title = names.canonical(&title(kind, object));
        objects.entry((kind.clone(), title)).or_default().push(canonical(names, object));
    }
    for (name, value) in &rest.outside {
        objects.entry((OUTSIDE.to_owned(), name.clone())).or_default().push(canonical(names, value));
    }
    objects
}

fn shortened(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > SHOWN {
        let more = lines.len() - SHOWN;
        lines.truncate(SHOWN);
        lines.push(format!("and {more} more"));
    }
    lines
}

fn canonical(names: &Names, object: &Value) -> Fields {
    let fields = fields_of(object).into_iter();
    let value = |value| match value {
        Value::String(text) => Value::String(names.canonical(&text)),
        other => other,
    };
    fields.map(|(path, field)| (names.canonical(&path), value(field))).collect()
}

/// Objects of one title side by side: in the order of what is compared of them.
fn pairs<'a>(kind: &str, mine: &'a [Fields], theirs: &'a [Fields], masks: &Masks) -> Vec<(&'a Fields, &'a Fields)> {
    let sorted = |objects: &'a [Fields]| {
        let mut sorted: Vec<&Fields> = objects.iter().collect();
        if sorted.len() > 1 {
            sorted.sort_by_cached_key(|fields| {
                let telling = fields.iter().filter(|(path, _)| !masks.covers(kind, path));
                telling.map(|(path, value)| format!("{path}={value}")).collect::<Vec<_>>()
            });
        }
        sorted
    };
    sorted(mine).into_iter().zip(sorted(theirs)).collect()
}

/// What no run of the scenario may leave behind, the reference among them.
pub(super) fn left_behind(course: &Course) -> Vec<Finding> {
    let text = |object: &Value, path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(Rest { objects, .. }) = course.rests.last() else { return Vec::new() };
    let uids: BTreeSet<String> = objects.iter().map(|(_, object)| text(object, "/metadata/uid")).collect();
    let mut findings = Vec::new();
    for (kind, object) in objects {
        let title = title(kind, object);
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let owners: Vec<&Value> = owners.into_iter().flatten().collect();
        if !owners.is_empty() && !owners.iter().any(|owner| uids.contains(&text(owner, "/uid"))) {
            let names: Vec<_> =
                owners.iter().map(|owner| format!("{} {}", text(owner, "/kind"), text(owner, "/name"))).collect();
            let line = format!("{title} is there, and its owner is not: {}", names.join(", "));
            findings.push(Finding { flaw: Flaw::Leaked, lines: vec![line] });
        }
        if object.pointer("/metadata/deletionTimestamp").is_some() {
            let finalizers = object.pointer("/metadata/finalizers").map(Value::to_string).unwrap_or_default();
            let line = format!("{title} is being deleted for ever: nobody takes away {finalizers}");
            findings.push(Finding { flaw: Flaw::Stuck, lines: vec![line] });
        }
    }
    findings
}
