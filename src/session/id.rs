//! The id of a session: the `jti` of its token and the end of its key's name.

use std::time::Duration;

use uuid::{Builder, Uuid, Variant, Version};

use super::{UnixMillis, check_owner};

/// The id of a session: `{owner}:uuid`, or `uuid` without an owner. A token of a foreign issuer may have any other
/// text. The braces are a cluster hash tag: all sessions of an owner are in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionId {
    /// The name of the session's key: the keyspace, then the id.
    key_name: String,
    /// The length of the keyspace in bytes.
    keyspace: usize,
    /// The length of the owner in bytes, in an id that has one and ends in a version 7 UUID.
    owner: Option<usize>,
    created: Option<UnixMillis>,
}

impl SessionId {
    /// The id of a session of `owner` ("" for none) with this UUID, in a keyspace.
    pub fn new(keyspace: &str, owner: &str, uuid: Uuid) -> Self {
        let mut buffer = Uuid::encode_buffer();
        let (open, close) = if owner.is_empty() { ("", "") } else { ("{", "}:") };
        let key_name = [keyspace, open, owner, close, uuid.hyphenated().encode_lower(&mut buffer)].concat();
        let owner = Some(owner.len()).filter(|length| *length > 0);
        Self { key_name, keyspace: keyspace.len(), owner, created: created_at(uuid) }
    }

    /// Parses the text of an id.
    pub fn parse(keyspace: &str, text: &str) -> Self {
        let uuid = text.rsplit_once('}').map_or(text, |(_, end)| end.strip_prefix(':').unwrap_or(end));
        // JRS writes only the hyphenated form; other forms are ids of foreign issuers.
        let created = Uuid::try_parse(uuid).ok().filter(|_| uuid.len() == 36).and_then(created_at);
        let owner = text.rsplit_once("}:").and_then(|(front, end)| front.strip_prefix('{').filter(|_| end == uuid));
        let is_owner = |owner: &&str| created.is_some() && !owner.is_empty() && check_owner(owner.as_bytes()).is_ok();
        let owner = owner.filter(is_owner).map(str::len);
        Self { key_name: [keyspace, text].concat(), keyspace: keyspace.len(), owner, created }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.key_name.get(self.keyspace..).unwrap_or_default()
    }

    /// The name of the session's key: the keyspace, then the id.
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    /// The owner, if the id has one.
    pub fn owner(&self) -> Option<&str> {
        self.as_str().get(1..1 + self.owner?)
    }

    /// The name of the session in a [`RotationChain`](super::RotationChain): the UUID of an id with an owner, otherwise
    /// the whole id.
    pub fn name_in_chain(&self) -> &str {
        // Two braces and a colon are around the owner.
        let front = self.owner.map_or(0, |owner| owner + 3);
        self.as_str().get(front..).unwrap_or_default()
    }

    /// The time in the id, if it ends in a version 7 UUID (RFC 9562 section 5.7).
    pub const fn created(&self) -> Option<UnixMillis> {
        self.created
    }
}

/// The parsed name of an owner's session key: any text that ends in `}:`, then a version 7 UUID in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionName<'n> {
    /// The common prefix of the owner's session keys.
    pub prefix: &'n [u8],
    /// The UUID.
    pub uuid: Uuid,
}

impl<'n> SessionName<'n> {
    /// Parses a key's name. `None` for a key that is not a session of an owner.
    #[inline]
    pub fn parse(name: &'n [u8]) -> Option<Self> {
        let (prefix, uuid) = name.split_last_chunk::<36>()?;
        if !prefix.ends_with(b"}:") || uuid.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let uuid = Uuid::try_parse_ascii(uuid).ok()?;
        is_version_7(uuid).then_some(Self { prefix, uuid })
    }
}

fn is_version_7(uuid: Uuid) -> bool {
    uuid.get_version() == Some(Version::SortRand) && uuid.get_variant() == Variant::RFC4122
}

/// The time in a version 7 UUID.
pub fn created_at(uuid: Uuid) -> Option<UnixMillis> {
    let (seconds, nanos) = Some(uuid).filter(|uuid| is_version_7(*uuid))?.get_timestamp()?.to_unix();
    Some(UnixMillis::EPOCH.plus(Duration::new(seconds, nanos)))
}

/// Generates version 7 UUIDs that only increase, also when the clock goes back (RFC 9562 section 6.2, method 2).
#[derive(Debug, Default)]
pub struct IdSource {
    /// The time in the last id.
    millis: u64,
    /// The random part of the last id.
    tail: u128,
}

impl IdSource {
    /// The number of random bytes for an id.
    pub const RANDOM_BYTES: usize = 10;

    /// The next id, from new random bytes.
    pub fn next(&mut self, now: UnixMillis, random: [u8; Self::RANDOM_BYTES]) -> Uuid {
        let now = u64::try_from(now.as_i64()).unwrap_or(0);
        let random = random.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        if now > self.millis {
            self.millis = now;
            // The top bit stays clear, so that the counter does not overflow within the millisecond.
            self.tail = random & (TAIL >> 1);
        } else {
            // With a random step of 32 bits the next id cannot be guessed from the last one.
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

/// 74 bits: a version 7 UUID without time, version and variant.
const TAIL: u128 = (1 << 74) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{IdSource, SessionId, SessionName, UnixMillis, Uuid};

    #[test]
    fn ids_carry_owner_and_time() {
        let uuid = IdSource::default().next(UnixMillis::new(1_700_000_000_123), [7; 10]);
        for (owner, text) in [("user:42", format!("{{user:42}}:{uuid}")), ("", uuid.to_string())] {
            let id = SessionId::new("sess:", owner, uuid);
            assert_eq!((id.as_str(), id.created()), (text.as_str(), Some(UnixMillis::new(1_700_000_000_123))));
            assert_eq!(id.key_name(), format!("sess:{text}"));
            assert_eq!(id.owner(), Some(owner).filter(|owner| !owner.is_empty()));
            assert_eq!(SessionId::parse("sess:", &text), id);
            assert_eq!(id.name_in_chain(), uuid.to_string());
        }
        for foreign in [
            format!("{{}}:{uuid}"),
            format!("{{a{{}}:{uuid}"),
            format!("{{a}}{uuid}"),
            format!("a}}:{uuid}"),
            format!("{{a}}b:{uuid}"),
            "{a}:b".into(),
            "{a}".into(),
            "{u}:9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11".into(),
        ] {
            assert_eq!(SessionId::parse("", &foreign).owner(), None, "{foreign}");
            assert_eq!(SessionId::parse("sess:", &foreign).name_in_chain(), foreign);
        }
        for foreign in ["", "abc", "9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11", &uuid.simple().to_string(), "{u}:x"] {
            assert_eq!(SessionId::parse("sess:", foreign).created(), None, "{foreign}");
        }
    }

    #[test]
    fn session_keys_are_known_by_their_names() {
        let uuid = IdSource::default().next(UnixMillis::new(1_700_000_000_123), [7; 10]);
        let name = format!("sess:{{a}}:{uuid}");
        assert_eq!(SessionName::parse(name.as_bytes()), Some(SessionName { prefix: b"sess:{a}:", uuid }));
        assert!(SessionName::parse(format!("}}:{uuid}").as_bytes()).is_some());
        for other in [
            uuid.to_string(),
            format!("sess:{uuid}"),
            format!("sess:{{a}}{uuid}"),
            name.to_uppercase(),
            format!("{name} "),
            format!("{name}:rotated"),
            "sess:{a}:9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11".into(),
            format!("sess:{{a}}:{}", "x".repeat(36)),
            String::new(),
        ] {
            assert_eq!(SessionName::parse(other.as_bytes()), None, "{other}");
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
