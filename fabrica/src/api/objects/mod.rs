//! Reading and writing objects.

mod call;
mod get;
mod list;
mod selection;
mod version;

pub(super) use call::Call;
pub(super) use get::get;
pub(super) use list::list;
pub(super) use version::reach;
