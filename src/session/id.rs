//! The id of a session: the `jti` of its token and the end of its key.

use std::time::Duration;

use uuid::{Builder, Uuid, Variant, Version};

use super::{UnixMillis, check_owner};

/// The id of a new session: `{owner}:uuid`, or `uuid` where there is no owner. The braces are a cluster hash tag: all
/// sessions of an owner live in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionId(String);

impl SessionId {
    /// The id of `owner`'s session with this UUID.
    pub fn new(owner: &str, uuid: Uuid) -> Self {
        let mut buffer = Uuid::encode_buffer();
        Self(Self::join(owner, uuid.hyphenated().encode_lower(&mut buffer)))
    }

    /// The text of an id.
    pub fn join(owner: &str, uuid: &str) -> String {
        if owner.is_empty() { uuid.to_owned() } else { ["{", owner, "}:", uuid].concat() }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When an id was made, if it ends in a version 7 UUID (RFC 9562 section 5.7).
    pub fn created_at(id: &str) -> Option<UnixMillis> {
        created_at(id.rsplit_once('}').map_or(id, |(_, end)| end.strip_prefix(':').unwrap_or(end)))
    }
}

/// What the id of an owner's session was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedId<'i> {
    /// The owner; never empty.
    pub owner: &'i str,
    /// The UUID.
    pub uuid: &'i str,
    /// When the UUID was made.
    pub created: UnixMillis,
}

impl<'i> OwnedId<'i> {
    /// Takes an id apart; `None` for one without an owner, and for one that is somebody else's.
    pub fn read(id: &'i str) -> Option<Self> {
        let (owner, uuid) = id.strip_prefix('{')?.split_once('}')?;
        let uuid = uuid.strip_prefix(':')?;
        check_owner(owner.as_bytes()).ok().filter(|owner| !owner.is_empty())?;
        created_at(uuid).map(|created| Self { owner, uuid, created })
    }
}

/// When a version 7 UUID was made.
fn created_at(uuid: &str) -> Option<UnixMillis> {
    // Only the hyphenated form is written; others are somebody else's ids.
    let uuid = Uuid::try_parse(uuid).ok().filter(|_| uuid.len() == 36)?;
    if uuid.get_version() != Some(Version::SortRand) || uuid.get_variant() != Variant::RFC4122 {
        return None;
    }
    let (seconds, nanos) = uuid.get_timestamp()?.to_unix();
    Some(UnixMillis::EPOCH.plus(Duration::new(seconds, nanos)))
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0
    }
}

/// Makes version 7 UUIDs that never go back, not even when the clock does (RFC 9562 section 6.2, method 2).
#[derive(Debug, Default)]
pub struct IdSource {
    /// The time of the last id.
    millis: u64,
    /// Its random part, 80 bits of which version and variant overwrite six.
    tail: u128,
}

impl IdSource {
    /// How many random bytes an id takes.
    pub const RANDOM_BYTES: usize = 10;

    /// The next id, with fresh random bytes.
    pub fn next(&mut self, now: UnixMillis, random: [u8; Self::RANDOM_BYTES]) -> Uuid {
        let now = u64::try_from(now.as_i64()).unwrap_or(0);
        let random = random.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        if now > self.millis {
            self.millis = now;
            // The top bit stays clear so that there is room to count up within the millisecond.
            self.tail = random & (TAIL >> 1);
        } else {
            // A random step of 32 bits keeps the next id unguessable from the last one.
            self.tail += (random & 0xffff_ffff) + 1;
            if self.tail > TAIL {
                self.millis += 1;
                self.tail = random & (TAIL >> 1);
            }
        }
        // 12 bits after the version nibble, 62 after the two variant bits.
        let high = (self.tail >> 62 & 0xfff) << 64;
        let low = self.tail & ((1 << 62) - 1);
        let bits = (high | low).to_be_bytes();
        let mut bytes = [0; Self::RANDOM_BYTES];
        bytes.copy_from_slice(bits.split_at(6).1);
        Builder::from_unix_timestamp_millis(self.millis, &bytes).into_uuid()
    }
}

/// 74 bits: what a version 7 UUID holds beside time, version and variant.
const TAIL: u128 = (1 << 74) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{IdSource, OwnedId, SessionId, UnixMillis, Uuid};

    #[test]
    fn ids_carry_owner_and_time() {
        let created = UnixMillis::new(1_700_000_000_123);
        let uuid = IdSource::default().next(created, [7; 10]);
        let owned = SessionId::new("user:42", uuid);
        assert_eq!(owned.as_str(), format!("{{user:42}}:{uuid}"));
        assert_eq!(SessionId::created_at(owned.as_str()), Some(created));
        assert_eq!(SessionId::created_at(SessionId::new("", uuid).as_str()), Some(created));
        let parts = OwnedId { owner: "user:42", uuid: &uuid.to_string(), created };
        assert_eq!(OwnedId::read(owned.as_str()), Some(parts));
        for foreign in
            [format!("{uuid}"), format!("{{}}:{uuid}"), format!("{{a{{}}:{uuid}"), "{a}:b".into(), "{a}".into()]
        {
            assert_eq!(OwnedId::read(&foreign), None, "{foreign}");
        }
        for foreign in ["", "abc", "9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11", &uuid.simple().to_string(), "{u}:x"] {
            assert_eq!(SessionId::created_at(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn ids_only_go_up(steps in prop::collection::vec((-5i64..5, any::<[u8; 10]>()), 1..200)) {
            let mut source = IdSource::default();
            let (mut now, mut last) = (1_700_000_000_000, Uuid::nil());
            for (step, random) in steps {
                now += step;
                let next = source.next(UnixMillis::new(now), random);
                prop_assert!(next > last, "{next} after {last}");
                prop_assert_eq!(next.get_version_num(), 7);
                last = next;
            }
        }

        #[test]
        fn ids_only_go_up_when_all_random_bits_are_set(count in 1usize..100) {
            let mut source = IdSource::default();
            let mut last = Uuid::nil();
            for _ in 0..count {
                let next = source.next(UnixMillis::new(1), [0xff; 10]);
                prop_assert!(next > last);
                last = next;
            }
        }
    }
}
