//! Cache of verified tokens; a hit skips signature verification.

use std::sync::Arc;

use quick_cache::{DefaultHashBuilder, Weighter, unsync};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A bounded cache of verified tokens. Only valid tokens enter it, so that invalid ones cannot evict valid ones.
///
/// Replace it when keys, issuer or audience change. Check `exp` and `nbf` on each hit.
pub struct Cache<V> {
    entries: unsync::Cache<u64, Entry<V>, ByBytes, DefaultHashBuilder>,
    /// A random key, so that clients cannot construct collisions.
    seed: u64,
}

struct Entry<V> {
    token: Box<[u8]>,
    known: Arc<V>,
    bytes: usize,
}

#[derive(Clone)]
struct ByBytes;

/// The memory of an entry without its texts, in bytes: the entry, its allocations, its slot in the table, and the
/// table's record of evicted entries.
const OVERHEAD: usize = 480;

impl<V> Weighter<u64, Entry<V>> for ByBytes {
    fn weight(&self, _: &u64, entry: &Entry<V>) -> u64 {
        (entry.token.len() + entry.bytes + OVERHEAD) as u64
    }
}

impl<V> Cache<V> {
    /// A cache of up to `bytes` bytes, allocated as needed. 0 disables it.
    pub fn new(bytes: u64, seed: u64) -> Self {
        let expected_entries = usize::try_from(bytes / 1024).unwrap_or(usize::MAX);
        let entries =
            unsync::Cache::with(expected_entries, bytes, ByBytes, DefaultHashBuilder::default(), Default::default());
        Self { entries, seed }
    }

    /// The value of a token, if it is cached. The whole token is compared.
    pub fn get(&self, token: &[u8]) -> Option<Arc<V>> {
        self.entries.get(&self.tag(token)).filter(|entry| *entry.token == *token).map(|entry| Arc::clone(&entry.known))
    }

    /// Caches a verified token. `bytes` is the memory of `known`.
    pub fn put(&mut self, token: &[u8], known: Arc<V>, bytes: usize) {
        if self.entries.capacity() > 0 {
            self.entries.insert(self.tag(token), Entry { token: token.into(), known, bytes });
        }
    }

    /// The memory of all entries, in bytes.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    /// A hash of the end of the token, which is its signature. Valid tokens with the same end replace each other.
    fn tag(&self, token: &[u8]) -> u64 {
        xxh3_64_with_seed(token.last_chunk::<32>().map_or(token, |end| end), self.seed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Cache;

    #[test]
    fn tokens_come_back_unless_the_cache_is_off() {
        for (bytes, known) in [(1 << 20, Some('a')), (0, None)] {
            let mut cache = Cache::new(bytes, 1);
            cache.put(b"t1", Arc::new('a'), 100);
            assert_eq!(cache.get(b"t1").as_deref().copied(), known);
            assert_eq!((cache.get(b"t2"), cache.bytes() > 0), (None, known.is_some()));
        }
    }

    #[test]
    fn another_token_with_the_same_signature_is_not_found() {
        let mut cache = Cache::new(1 << 20, 1);
        let (one, other) = ([[1; 32], [0; 32]].concat(), [[2; 32], [0; 32]].concat());
        assert_eq!(cache.tag(&one), cache.tag(&other));
        cache.put(&one, Arc::new('a'), 1);
        assert_eq!((cache.get(&one).as_deref(), cache.get(&other)), (Some(&'a'), None));
    }

    #[test]
    fn bytes_are_bounded() {
        let mut cache = Cache::new(100_000, 1);
        for at in 0..10_000 {
            cache.put(format!("token {at}").as_bytes(), Arc::new(at), 100);
        }
        assert!(cache.bytes() <= 100_000, "{}", cache.bytes());
        assert!(cache.bytes() > 50_000, "{}", cache.bytes());
    }
}
