//! Reading and writing objects.

mod call;
mod create;
mod delete;
mod delete_collection;
mod get;
mod given;
mod list;
mod listing;
mod patch;
mod patch_event;
mod present;
mod selection;
mod update;
mod version;

pub(super) use call::Call;
pub(super) use create::create;
pub(super) use delete::delete;
pub(super) use delete_collection::delete_collection;
pub(super) use get::get;
pub(super) use list::list;
pub(super) use patch::patch;
pub(super) use update::update;
#[cfg(feature = "testing")]
pub(crate) use version::continued;
