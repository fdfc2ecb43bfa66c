//! What can be a key, and how it is told from others.

use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

/// What can be a key. A cheap `clone` (an `Arc<str>`, say) makes a cheap queue.
pub trait Key: Hash + Eq + Clone + Send + 'static {}

impl<K: Hash + Eq + Clone + Send + 'static> Key for K {}

/// A key and half the bits of its hash: enough to tell keys apart before they are compared.
#[derive(Debug)]
pub struct Hashed<K> {
    pub key: K,
    pub hash: u32,
}

/// Hashes keys before they come to the queue: outside its lock.
#[derive(Clone, Debug, Default)]
pub struct Hasher(DefaultHashBuilder);

impl Hasher {
    pub fn hashed<K: Hash>(&self, key: K) -> Hashed<K> {
        let hash = self.hash(&key);
        Hashed { key, hash }
    }

    pub fn hash<K: Hash>(&self, key: &K) -> u32 {
        let hash = self.0.hash_one(key);
        #[allow(clippy::cast_possible_truncation)]
        let half = (hash ^ (hash >> 32)) as u32;
        half
    }
}
