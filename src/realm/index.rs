//! Finds a realm by its name, a session's key or a token's `kid`, without a search through all realms. Refuses realms
//! that share a key or whose keyspaces overlap.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    ops::Bound::{Included, Unbounded},
    sync::Arc,
};

use crate::{
    realm::Realm,
    token::{Algorithm, AlgorithmExt, Header, Key, KeyRing},
};

/// Two realms that cannot be active together.
#[derive(Debug)]
pub struct Conflict {
    /// The name of the realm that is later in the list. Never the default realm.
    pub later: String,
    /// A sentence that names both realms.
    pub problem: String,
}

/// The position of each realm in the list of realms.
#[derive(Debug)]
pub struct RealmIndex {
    by_name: HashMap<String, usize>,
    by_keyspace: BTreeMap<Vec<u8>, usize>,
    by_key: Arc<KeyIndex>,
}

/// The position of the realm that has a key.
#[derive(Debug)]
struct KeyIndex {
    by_id: HashMap<String, usize>,
    /// The only realm with secrets that have no `kid`.
    unnamed_secrets: Option<usize>,
    /// For each algorithm, the realm with keys whose file gives them no `kid`. `None` if several realms have such keys:
    /// a token without `kid` belongs to none of these realms.
    unnamed: HashMap<Algorithm, Option<usize>>,
    /// The indexed keys of each realm. Realms with the same keys share this index.
    rings: Vec<Arc<KeyRing>>,
}

impl RealmIndex {
    /// The index of these realms. If the realms of `former`, which they replace, have the same keys, their keys are not
    /// indexed again.
    ///
    /// # Errors
    /// [`Conflict`] if two keyspaces overlap or a token could belong to two realms.
    pub fn new(list: &[Arc<Realm>], former: Option<&Self>) -> Result<Self, Conflict> {
        let by_keyspace = index_keyspaces(list)?;
        let same_keys = former.filter(|former| former.by_key.has_keys_of(list));
        let by_key = match same_keys {
            Some(former) => Arc::clone(&former.by_key),
            None => Arc::new(KeyIndex::new(list)?),
        };
        let by_name = list.iter().enumerate().map(|(position, realm)| (realm.name.clone(), position)).collect();
        Ok(Self { by_name, by_keyspace, by_key })
    }

    /// The position of the realm with this name.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The position of the realm whose keyspace contains a key.
    pub fn of_session(&self, key: &[u8]) -> Option<usize> {
        // No keyspace is a prefix of another, so none sorts between a key and its own keyspace.
        let (keyspace, position) = self.by_keyspace.range::<[u8], _>((Unbounded, Included(key))).next_back()?;
        key.starts_with(keyspace).then_some(*position)
    }

    /// The position of the realm that has the key with the token's `kid`.
    ///
    /// A token without `kid` belongs to the only realm with keys of its `alg` whose file gives them no `kid`. If no
    /// realm has such keys, the realm of the secrets without `kid` gets the token and refuses it for its `alg`.
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

/// Indexes the keyspaces, and checks that no session key could belong to two of them.
fn index_keyspaces(list: &[Arc<Realm>]) -> Result<BTreeMap<Vec<u8>, usize>, Conflict> {
    let mut sorted: Vec<(&Arc<Realm>, usize)> = list.iter().zip(0..).collect();
    sorted.sort_by_key(|(realm, _)| realm.keyspace());
    // In sort order, the keyspaces with the prefix `one` follow `one` directly, so comparing adjacent ones is enough.
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

    /// Whether the keys of these realms are exactly the indexed ones.
    fn has_keys_of(&self, list: &[Arc<Realm>]) -> bool {
        self.rings.len() == list.len() && self.rings.iter().zip(rings(list)).all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

/// The keys of each realm.
fn rings(list: &[Arc<Realm>]) -> impl Iterator<Item = &Arc<KeyRing>> {
    list.iter().map(|realm| &realm.keys)
}

/// The problem of two realms that share a key.
fn shared_key(one: &Realm, other: &Realm, id: Option<&str>) -> String {
    let (one, other) = (&one.name, &other.name);
    match id {
        Some(id) => format!("the realms '{one}' and '{other}' both have a key with the kid '{id}'"),
        None => format!(
            "the realms '{one}' and '{other}' both have a key without kid, but only one realm may have such keys"
        ),
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
