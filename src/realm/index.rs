//! Finds a realm by its name, by a session's key and by a token's `kid`, each at once among thousands, and checks that no
//! two realms share one.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    ops::Bound::{Included, Unbounded},
    sync::Arc,
};

use crate::{
    realm::Realm,
    token::{Algorithm, AlgorithmExt, Header, Key, KeyRing},
};

/// Two realms that cannot be side by side.
#[derive(Debug)]
pub struct Conflict {
    /// The name of the one that comes later, which is never the default one.
    pub later: String,
    /// A sentence that names both.
    pub problem: String,
}

/// Where each realm is in a list of realms.
#[derive(Debug)]
pub struct RealmIndex {
    by_name: HashMap<String, usize>,
    by_keyspace: BTreeMap<Vec<u8>, usize>,
    by_key: Arc<KeyIndex>,
}

/// Which realm has a key.
#[derive(Debug)]
struct KeyIndex {
    by_id: HashMap<String, usize>,
    /// The realm that has secrets without `kid`.
    unnamed_secrets: Option<usize>,
    /// Which realm has keys of this algorithm that nothing gave a `kid`; `None` where more than one has, so that a token
    /// without `kid` belongs to none of them.
    unnamed: HashMap<Algorithm, Option<usize>>,
    /// The keys that this was made of: realms with the same keys have the same index.
    rings: Vec<Arc<KeyRing>>,
}

impl RealmIndex {
    /// The index of these realms, which take the place of those of `former`: keys that stay are not looked at again.
    ///
    /// # Errors
    /// [`Conflict`], if two keyspaces overlap, or a token could belong to two realms.
    pub fn new(list: &[Arc<Realm>], former: Option<&Self>) -> Result<Self, Conflict> {
        let by_keyspace = index_keyspaces(list)?;
        let same_keys = former.filter(|former| former.by_key.is_of(list));
        let by_key = match same_keys {
            Some(former) => Arc::clone(&former.by_key),
            None => Arc::new(KeyIndex::new(list)?),
        };
        let by_name = list.iter().enumerate().map(|(position, realm)| (realm.name.clone(), position)).collect();
        Ok(Self { by_name, by_keyspace, by_key })
    }

    /// The position of the realm of that name.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The position of the realm in whose keyspace a key is.
    pub fn of_session(&self, key: &[u8]) -> Option<usize> {
        // No keyspace begins with another, so none is between a key and its own.
        let (keyspace, position) = self.by_keyspace.range::<[u8], _>((Unbounded, Included(key))).next_back()?;
        key.starts_with(keyspace).then_some(*position)
    }

    /// The position of the realm that has the key of a token's `kid`. A token without one belongs to the only realm that
    /// has keys of its `alg` that nothing gave a `kid`.
    pub fn of_token(&self, header: &Header) -> Option<usize> {
        let keys = &self.by_key;
        match &header.key_id {
            Some(id) => keys.by_id.get(id).copied(),
            None => {
                let unnamed =
                    Algorithm::from_name(&header.algorithm).and_then(|algorithm| keys.unnamed.get(&algorithm));
                unnamed.copied().unwrap_or(keys.unnamed_secrets)
            }
        }
    }
}

/// Checks that no session could belong to two realms.
fn index_keyspaces(list: &[Arc<Realm>]) -> Result<BTreeMap<Vec<u8>, usize>, Conflict> {
    let mut sorted: Vec<(&Arc<Realm>, usize)> = list.iter().zip(0..).collect();
    sorted.sort_by_key(|(realm, _)| realm.keyspace());
    // One that begins with another follows it at once, or something else does that begins with it too.
    for pair in sorted.windows(2) {
        if let [(one, at), (other, other_at)] = pair
            && other.keyspace().starts_with(one.keyspace())
        {
            let (earlier, later) = if at < other_at { (one, other) } else { (other, one) };
            return Err(Conflict {
                later: later.name.clone(),
                problem: format!(
                    "the realms '{}' and '{}' have overlapping keyspaces ('{}' and '{}')",
                    earlier.name,
                    later.name,
                    earlier.keyspace(),
                    later.keyspace()
                ),
            });
        }
    }
    Ok(sorted.into_iter().map(|(realm, position)| (realm.keyspace().as_bytes().to_vec(), position)).collect())
}

impl KeyIndex {
    fn new(list: &[Arc<Realm>]) -> Result<Self, Conflict> {
        let mut index = Self {
            by_id: HashMap::new(),
            unnamed_secrets: None,
            unnamed: HashMap::new(),
            rings: rings(list).cloned().collect(),
        };
        for (position, realm) in list.iter().enumerate() {
            for key in realm.keys.keys() {
                index.add_unnamed(key, position);
                let id = key.id();
                let earlier = match id {
                    Some(id) => match index.by_id.entry(id.to_owned()) {
                        Entry::Occupied(earlier) => *earlier.get(),
                        Entry::Vacant(entry) => *entry.insert(position),
                    },
                    None => *index.unnamed_secrets.get_or_insert(position),
                };
                if let Some(earlier) = list.get(earlier).filter(|_| earlier != position) {
                    return Err(Conflict { later: realm.name.clone(), problem: shared_key(earlier, realm, id) });
                }
            }
        }
        Ok(index)
    }

    fn add_unnamed(&mut self, key: &Key, position: usize) {
        if key.is_unnamed() {
            let realm = self.unnamed.entry(key.algorithm()).or_insert(Some(position));
            *realm = realm.filter(|earlier| *earlier == position);
        }
    }

    /// Whether this is the index of just these realms' keys.
    fn is_of(&self, list: &[Arc<Realm>]) -> bool {
        self.rings.len() == list.len() && self.rings.iter().zip(rings(list)).all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

fn rings(list: &[Arc<Realm>]) -> impl Iterator<Item = &Arc<KeyRing>> {
    list.iter().map(|realm| &realm.keys)
}

fn shared_key(one: &Realm, other: &Realm, id: Option<&str>) -> String {
    let (one, other) = (&one.name, &other.name);
    match id {
        Some(id) => format!("the realms '{one}' and '{other}' both have a key with the kid '{id}'"),
        None => format!("the realms '{one}' and '{other}' both have a key without kid, which only one realm may have"),
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
