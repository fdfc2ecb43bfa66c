//! Reading and writing objects.

mod call;
mod get;
mod list;

pub(super) use call::Call;
pub(super) use get::get;
pub(super) use list::list;
