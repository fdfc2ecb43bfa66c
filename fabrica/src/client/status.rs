//! Saving what a reconciler observed.

use serde_json::Value;

use super::cached::CachedObject;
use super::envelope::StatusSlot;
use super::lifecycle::{Client, title};
use super::merge::merge;
use super::preconditions::Preconditions;
use super::trouble;
use super::write::{ATTEMPTS, Done, Plan, Step, Target};
use crate::resource::{EncodeError, Object};
use crate::store::Revision;
use crate::{Error, ErrorKind, Fault, Result};

/// What became of a write on an object's status or finalizers.
pub(crate) enum Saved {
    /// There was no difference, and nothing was written.
    Unchanged,
    /// It was written.
    Written {
        /// The revision of the version that it was put on top of.
        previous: Revision,
        /// Its own.
        revision: Revision,
        /// The object as it was written.
        object: CachedObject,
    },
    /// The object is gone, or went with this write; or one of the same uid was created in its place.
    Gone,
}

impl Client {
    /// Saves what `after` changed in the status of `before`, or else of `base`, on top of the newest version of the
    /// object: the spec, the metadata and what others wrote into the status meanwhile stay.
    ///
    /// No difference, no write. Conflicts are resolved here, by putting the difference on top of what is there now.
    ///
    /// # Errors
    /// What the store answers, conflicts excepted; `Terminal` if the status can't be written as JSON.
    pub(crate) async fn save_status(
        &self,
        base: &CachedObject,
        before: Option<&dyn Object>,
        after: &dyn Object,
    ) -> Result<Saved> {
        let Some(read) = base.object() else { return Err(undecodable()) };
        let type_ = read.resource_type();
        if !type_.has_status {
            return Ok(Saved::Unchanged);
        }
        let difference = Difference::new(before.unwrap_or(&**read), after)?;
        if difference.is_none() {
            return Ok(Saved::Unchanged);
        }
        self.save(base, &mut |target| difference.on(&target.newest)).await
    }

    /// Carries out a plan on an object that was read as `base`, whoever else writes to it.
    pub(super) async fn save(&self, base: &CachedObject, plan: &mut Plan<'_>) -> Result<Saved> {
        let key = base.object().ok_or_else(undecodable)?.key();
        let target = match self.target(&key) {
            Ok(target) if target.newest.created == base.created => target,
            Err(error) if !error.is_not_found() => return Err(error),
            _ => return Ok(Saved::Gone),
        };
        Ok(match self.carry_out(target, ATTEMPTS, plan).await? {
            Done::Kept(_) => Saved::Unchanged,
            Done::Put { previous, object } => Saved::Written { previous, revision: object.modified(), object },
            Done::Deleted(_) | Done::Gone => Saved::Gone,
        })
    }
}

impl Client {
    /// Replaces the status of an object of any kind; see [`Client::update_status`].
    pub(crate) async fn update_object_status(&self, object: &dyn Object) -> Result<CachedObject> {
        let (type_, metadata) = (object.resource_type(), object.metadata());
        if !type_.has_status {
            return Err(no_status(title(type_, metadata)));
        }
        let key = self.resolve_named(type_, metadata)?;
        let status = encode(|out| object.encode_status(out))?;
        let plan = &mut |target: &Target| {
            Preconditions { uid: Some(&metadata.uid), version: metadata.resource_version }.check(target)?;
            put_status(target, &status)
        };
        match self.carry_out(self.target(&key)?, ATTEMPTS, plan).await? {
            Done::Kept(object) | Done::Put { object, .. } | Done::Deleted(object) => Ok(object),
            Done::Gone => Err(trouble::not_found(&key)),
        }
    }
}

/// The step that gives the newest version this status.
pub(super) fn put_status(target: &Target, status: &[u8]) -> Result<Step> {
    let newest = &target.newest;
    let theirs = match newest.object() {
        Some(object) => encode(|out| object.encode_status(out))?,
        None => Vec::new(),
    };
    if same_json(&theirs, status) {
        return Ok(Step::Keep);
    }
    StatusSlot::of(&newest.raw).and_then(|slot| slot.with(status)).map(Step::Put).ok_or_else(undecodable)
}

pub(super) fn no_status(what: String) -> Error {
    Error::invalid(what, vec![Fault::new("status", "does not exist: the kind has none")])
}

/// What a reconciler changed in a status.
struct Difference {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Difference {
    fn new(before: &dyn Object, after: &dyn Object) -> Result<Self> {
        Ok(Self { before: encode(|out| before.encode_status(out))?, after: encode(|out| after.encode_status(out))? })
    }

    fn is_none(&self) -> bool {
        same_json(&self.before, &self.after)
    }

    /// Puts this difference on top of a newer version, unless it is there already.
    fn on(&self, newest: &CachedObject) -> Result<Step> {
        let slot = StatusSlot::of(&newest.raw).ok_or_else(undecodable)?;
        let decoded;
        let theirs = if let Some(status) = slot.status() {
            status.as_bytes()
        } else {
            // No status yet: what the type makes of that.
            let newest = newest.object().ok_or_else(undecodable)?;
            decoded = encode(|out| newest.encode_status(out))?;
            &decoded
        };
        // Nobody else wrote: what we left behind is the outcome.
        if theirs == self.before {
            return slot.with(&self.after).map(Step::Put).ok_or_else(undecodable);
        }
        let theirs = parse(theirs);
        let merged = merge(&parse(&self.before), &parse(&self.after), theirs.clone());
        if merged == theirs {
            return Ok(Step::Keep);
        }
        slot.with(merged.to_string().as_bytes()).map(Step::Put).ok_or_else(undecodable)
    }
}

/// A part of an object as JSON.
pub(super) fn encode(part: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(256);
    part(&mut json).map_err(Error::terminal)?;
    Ok(json)
}

/// Do both say the same, of what one type wrote? Maps may be written in another order. The bytes are the same ones then:
/// if their number or their sum differs, so does what they say, and nothing has to be parsed.
pub(super) fn same_json(one: &[u8], other: &[u8]) -> bool {
    let sum = |json: &[u8]| json.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    one == other || one.len() == other.len() && sum(one) == sum(other) && parse(one) == parse(other)
}

/// Null for what is no JSON, which nothing here is.
fn parse(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_default()
}

pub(super) fn undecodable() -> Error {
    Error::new(ErrorKind::Terminal, "the object can't be decoded: mend or delete it first")
}
