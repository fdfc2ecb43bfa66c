//! Do the declarations of a program fit together?

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;

use super::Registry;
use crate::event::Pattern;
use crate::reconciler::{ReconcilerType, States};
use crate::resource::ResourceType;
use crate::{Error, ErrorKind, Result};

/// Everything that is wrong, in a fixed order. Without states, what they would be needed for is not looked at.
pub(super) fn problems(registry: &Registry, states: Option<&States>) -> Vec<String> {
    let mut problems = Vec::new();
    if registry.discovered && registry.resources.is_empty() && registry.reconcilers.is_empty() {
        problems.push(NOTHING_FOUND.to_owned());
    }
    let resources = registry.resources.iter();
    problems.extend(doubles(
        resources.clone().map(|r| (r.group_kind().to_string(), ((r.type_name)(), r.location))),
        |kind, places| format!("kind `{kind}` is claimed by {} types: {places}", places.split(", ").count()),
    ));
    problems.extend(doubles(
        resources
            .clone()
            .filter(|r| is_first_of_its_kind(registry, r))
            .map(|r| (format!("{}.{}", r.plural, r.group), (r.kind, r.location))),
        |plural, places| {
            format!("the plural `{plural}` is claimed by two kinds: {places}; give one a `plural = \"..\"`")
        },
    ));
    problems.extend(doubles(
        registry.reconcilers.iter().map(|r| (r.resource.group_kind().to_string(), (r.name, r.location))),
        |kind, places| {
            format!(
                "kind `{kind}` has {} reconcilers: {places}; one kind has one reconciler",
                places.split(", ").count()
            )
        },
    ));
    for reconciler in &registry.reconcilers {
        problems.extend(built_in(reconciler));
        problems.extend(bad_patterns(reconciler));
        problems.extend(zeros(reconciler));
        problems.extend(states.into_iter().flat_map(|states| missing_states(reconciler, states)));
    }
    problems
}

pub(super) fn verdict(problems: &[String]) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Startup, format!("the program can't start:\n  - {}", problems.join("\n  - "))))
}

/// Two types for one kind are one problem; their common plural is not another.
fn is_first_of_its_kind(registry: &Registry, resource: &ResourceType) -> bool {
    let first = registry.resources.iter().find(|known| known.group_kind() == resource.group_kind());
    first.is_some_and(|first| first.is_same_type(resource))
}

const NOTHING_FOUND: &str = "no resource and no reconciler is linked into the program: a crate that is only named in \
    Cargo.toml is not linked; write `use my_crate as _;` for the crate that declares them, or register them with \
    `Controller::empty().reconciler::<..>()`";

/// What several declarations claim, with the places of all of them.
fn doubles<'a, N: Display>(
    claims: impl Iterator<Item = (String, (N, &'a Location<'a>))>,
    say: impl Fn(&str, &str) -> String,
) -> impl Iterator<Item = String> {
    let mut by_claim = BTreeMap::<String, Vec<String>>::new();
    for (claim, (name, location)) in claims {
        by_claim.entry(claim).or_default().push(format!("`{name}` ({location})"));
    }
    by_claim
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(move |(claim, places)| say(&claim, &places.join(", ")))
}

/// A reconciler of the framework's own would push it out, or be pushed out.
fn built_in(reconciler: &ReconcilerType) -> Option<String> {
    let ReconcilerType { name, location, resource, .. } = reconciler;
    resource.is_built_in().then(|| {
        let kind = resource.kind;
        format!("reconciler `{name}` ({location}) is for `{kind}`, which is built in: let another kind watch it")
    })
}

/// The attribute doesn't let these through; options that are written by hand may have them.
fn zeros(reconciler: &ReconcilerType) -> impl Iterator<Item = String> {
    let (name, location, options) = (reconciler.name, reconciler.location, reconciler.options());
    let zeros = [
        ("concurrency", options.concurrency == Some(0), "nothing would run"),
        ("timeout", options.timeout.is_some_and(|timeout| timeout.is_zero()), "every run would fail"),
        ("resync", options.resync.is_some_and(|every| every.is_zero()), "it would never end"),
    ];
    zeros.into_iter().filter(|(_, is_zero, _)| *is_zero).map(move |(option, _, why)| {
        format!("reconciler `{name}` ({location}) has a `{option}` of 0: {why}; leave it out for the default")
    })
}

fn bad_patterns(reconciler: &ReconcilerType) -> impl Iterator<Item = String> {
    let (name, location) = (reconciler.name, reconciler.location);
    reconciler.options().events.into_iter().filter_map(move |pattern| {
        let error = Pattern::parse(pattern).err()?;
        Some(format!("reconciler `{name}` ({location}) is woken by events `{pattern}`: {error}"))
    })
}

fn missing_states(reconciler: &ReconcilerType, states: &States) -> Vec<String> {
    let (name, location) = (reconciler.name, reconciler.location);
    let needs = reconciler.needs();
    let missing = needs.iter().filter(|need| !states.meets(need));
    missing
        .map(|need| {
            let wanted = need.type_name;
            format!(
                "reconciler `{name}` ({location}) asks for `State<{wanted}>`, but no value of that type was registered \
                 with `.state(..)`"
            )
        })
        .collect()
}
