//! What reads arguments and manifests, for tests that feed it anything.

pub(crate) use super::apply::read;
pub(crate) use super::args::duration;
