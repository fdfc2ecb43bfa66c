//! What stands around every run, for tests that want to see them.

use futures_util::future::BoxFuture;

use crate::Result;
use crate::queue::Next;
use crate::reconciler::Reasons;
use crate::resource::Object;

/// Is handed every run before it begins, and hands it back, with what it wants to do around it.
pub(crate) trait Around: Send + Sync + 'static {
    /// The run of `object`, which is there because of `reasons` after `attempt` failures; a panic has become an error.
    fn around<'a>(
        &'a self,
        object: &dyn Object,
        reasons: &Reasons,
        attempt: u32,
        run: BoxFuture<'a, Result<Next>>,
    ) -> BoxFuture<'a, Result<Next>>;
}
