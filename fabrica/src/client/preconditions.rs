//! Which object, and which version of it, a write is meant for.

use super::write::Target;
use crate::resource::ResourceVersion;
use crate::{Error, ErrorKind, Result};

/// What must be true of an object before it is written; what is not given is not asked.
#[derive(Clone, Copy, Default)]
pub(super) struct Preconditions<'a> {
    pub(super) uid: Option<&'a str>,
    /// Unset if any version will do.
    pub(super) version: ResourceVersion,
}

impl Preconditions<'_> {
    /// # Errors
    /// `Conflict` that names what is not as it must be, with both values.
    pub(super) fn check(self, target: &Target) -> Result<()> {
        let is = &target.uid;
        if let Some(uid) = self.uid.filter(|uid| !uid.is_empty() && *uid != &**is) {
            let message = format!("{} is not the object that is meant: its uid is `{is}`, not `{uid}`", target.title());
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let (is, version) = (target.newest.modified(), self.version);
        if !version.is_unset() && version.get() != is.get() {
            let message = format!(
                "{} was changed by somebody else meanwhile: its resourceVersion is {is}, not {version}; read it again \
                 and repeat",
                target.title()
            );
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Ok(())
    }
}
