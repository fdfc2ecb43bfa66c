//! How a reconciler is proven: the whole controller on a store in memory and a clock that stands still.
//!
//! [`Harness`] runs the real parts, and nothing stands in for them but time. Everything that can happen now does, then
//! the clock jumps to the next timer: an hour of periodic checks passes in a moment, and the same test has the same course
//! each time. [`explore`] plays a scenario again and again, each time with another thing that goes wrong: a crash between
//! two writes, a write whose outcome nobody knows, a cache that is late. Both need the feature `testing`, in the
//! `[dev-dependencies]` of a program:
//!
//! ```toml
//! [dev-dependencies]
//! fabrica = { version = "0.1", features = ["testing"] }
//! ```

mod around;
mod clock;
mod expect;
mod explore;
mod harness;
mod log;
#[doc(hidden)]
pub mod parsers;
mod record;
mod recorder;
mod settle;

pub use explore::{Explore, Failure, Objects, Report, explore};
pub use harness::Harness;
pub use record::{Run, Write, WriteKind};
