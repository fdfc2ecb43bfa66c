//! What is to be there, and what is known to be absent.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{Identity, Manifest, manifests};
use super::source::{Problem, Reading};
use crate::resource::{Namespace, Resource, ResourceType};

/// What one look at all sources comes to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What to apply, with the number of its source: namespaces first, else in the order of the documents.
    pub(super) apply: Vec<(usize, Manifest)>,
    pub(super) sources: Vec<Present>,
}

/// What is known of one source.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Every object that it names, those that can't be applied included.
    pub(super) objects: BTreeSet<Identity>,
    pub(super) problems: Vec<Problem>,
}

impl Present {
    /// Is all of it known? Only then is what it doesn't name absent, and may be deleted.
    pub(super) fn is_whole(&self) -> bool {
        !self.problems.iter().any(|problem| problem.hides)
    }
}

impl Plan {
    pub(super) fn new(readings: Vec<Reading>, types: &[&'static ResourceType]) -> Self {
        let mut plan = Self::default();
        let mut by_identity = BTreeMap::<Identity, Vec<(usize, Manifest)>>::new();
        let mut order = Vec::new();
        for (source, Reading { documents, mut problems }) in readings.into_iter().enumerate() {
            let mut found = Vec::new();
            for (place, document) in documents {
                manifests(&place, document, types, &mut found, &mut problems);
            }
            let objects = found.iter().map(|manifest| manifest.identity.clone()).collect();
            plan.sources.push(Present { objects, problems });
            for manifest in found {
                let claims = by_identity.entry(manifest.identity.clone()).or_default();
                if claims.is_empty() {
                    order.push(manifest.identity.clone());
                }
                claims.push((source, manifest));
            }
        }
        for identity in order {
            match by_identity.remove(&identity) {
                Some(claims) if claims.len() > 1 => plan.refuse(&identity, claims),
                claims => plan.apply.extend(claims.into_iter().flatten()),
            }
        }
        plan.apply.sort_by_key(|(_, manifest)| !is_namespace(manifest.type_));
        plan
    }

    /// Nobody can say which of several documents is meant: none is applied, and what is there stays as it is.
    fn refuse(&mut self, identity: &Identity, claims: Vec<(usize, Manifest)>) {
        let places = claims.iter().map(|(_, manifest)| manifest.place.to_string()).collect::<Vec<_>>();
        for (index, (source, manifest)) in claims.into_iter().enumerate().skip(1) {
            let shown = identity.shown(manifest.type_);
            let message =
                format!("{shown} stands in {} too; keep one, none is applied", places[..index].join(" and in "));
            let Some(present) = self.sources.get_mut(source) else { continue };
            present.problems.push(Problem { place: manifest.place, message, hides: false });
        }
    }
}

/// Namespaces come before what is in them, and go after it.
pub(super) fn is_namespace(type_: &ResourceType) -> bool {
    type_.is_same_type(<Namespace as Resource>::TYPE)
}
