//! What is known of tokens that were verified before, so that their second sight costs no signature.

use std::sync::Arc;

use quick_cache::{DefaultHashBuilder, Weighter, unsync};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A bounded cache of verified tokens. Only good tokens enter it, so bad ones cannot push good ones out.
///
/// It has to be thrown away when keys, issuer or audience change; `exp` and `nbf` must be checked on each hit.
pub struct Cache<V> {
    entries: unsync::Cache<u64, Entry<V>, ByBytes, DefaultHashBuilder>,
    /// Unknown to clients, so that nobody can make two tokens meet on purpose.
    seed: u64,
}

struct Entry<V> {
    token: Box<[u8]>,
    known: Arc<V>,
    bytes: usize,
}

#[derive(Clone)]
struct ByBytes;

/// What an entry costs beside its texts: the entry itself, its allocations, its place in the table, and what the table
/// remembers of entries that it has pushed out.
const OVERHEAD: usize = 480;

impl<V> Weighter<u64, Entry<V>> for ByBytes {
    fn weight(&self, _: &u64, entry: &Entry<V>) -> u64 {
        (entry.token.len() + entry.bytes + OVERHEAD) as u64
    }
}

impl<V> Cache<V> {
    /// A cache that holds up to `bytes` bytes and takes them only as it is used. 0 turns it off.
    pub fn new(bytes: u64, seed: u64) -> Self {
        let expected_entries = usize::try_from(bytes / 1024).unwrap_or(usize::MAX);
        let entries =
            unsync::Cache::with(expected_entries, bytes, ByBytes, DefaultHashBuilder::default(), Default::default());
        Self { entries, seed }
    }

    /// What is known of the token, if it was verified before. The whole token is compared.
    pub fn get(&self, token: &[u8]) -> Option<Arc<V>> {
        self.entries.get(&self.tag(token)).filter(|entry| *entry.token == *token).map(|entry| Arc::clone(&entry.known))
    }

    /// Remembers a token that was verified just now; `bytes` is the memory that `known` takes.
    pub fn put(&mut self, token: &[u8], known: Arc<V>, bytes: usize) {
        if self.entries.capacity() > 0 {
            self.entries.insert(self.tag(token), Entry { token: token.into(), known, bytes });
        }
    }

    /// How many bytes the entries weigh.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    /// A hash of the end of the token, which is its signature: two good tokens do not have the same by chance, and two
    /// that an issuer gave the same take each other's place.
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
