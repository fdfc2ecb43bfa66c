//! Who an object is.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What tells an object from every other of its kind, for ever: given by the user or assigned at creation.
///
/// Cloning one costs a reference count.
///
/// ```
/// use fabrica::resource::Uid;
///
/// let uid = Uid::from("dev-123");
/// assert_eq!(uid, "dev-123");
/// assert_eq!(Uid::new_random().len(), 36);
/// assert!(Uid::default().is_empty());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(Arc<str>);

impl Uid {
    /// A new uid that no other object has: a UUID of version 7, so that uids sort by their age.
    #[must_use]
    pub fn new_random() -> Self {
        let mut text = uuid::Uuid::encode_buffer();
        Self(Arc::from(&*unique().hyphenated().encode_lower(&mut text)))
    }

    /// The uid as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A number that no other object has: it grows with time, and its low half is as good as random.
pub(crate) fn unique() -> uuid::Uuid {
    #[cfg(feature = "testing")]
    if let Some(seeded) = seeded::next() {
        return seeded;
    }
    uuid::Uuid::now_v7()
}

/// Uids and generated names that repeat, for a thread whose course must.
#[cfg(feature = "testing")]
pub(crate) mod seeded {
    use std::cell::Cell;

    use uuid::{Builder, Uuid};

    thread_local! {
        /// The seed of this thread, and how many uids it had.
        static SEED: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
    }

    /// From now on this thread draws from a seed.
    pub(crate) fn start(seed: u64) {
        SEED.set(Some((seed, 0)));
    }

    pub(super) fn next() -> Option<Uuid> {
        let (seed, count) = SEED.get()?;
        SEED.set(Some((seed, count + 1)));
        // Version 7: the upper 48 bits are the time, here a count, so that uids still sort by their age.
        let random = u128::from(mixed(seed ^ mixed(count))) | (u128::from(mixed(seed.wrapping_add(count))) << 64);
        let bytes = random.to_be_bytes();
        let mut tail = [0; 10];
        tail.copy_from_slice(&bytes[6..]);
        Some(Builder::from_unix_timestamp_millis(count, &tail).into_uuid())
    }

    /// The finaliser of splitmix64: every bit of the answer depends on every bit of the question.
    fn mixed(number: u64) -> u64 {
        let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }
}

/// The empty uid: not assigned yet.
impl Default for Uid {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl Deref for Uid {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Uid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Uid {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<String> for Uid {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl From<&String> for Uid {
    fn from(text: &String) -> Self {
        Self(Arc::from(text.as_str()))
    }
}

impl From<&Uid> for Uid {
    fn from(uid: &Uid) -> Self {
        uid.clone()
    }
}

impl PartialEq<str> for Uid {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Uid {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
