use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use proptest::prelude::*;

use super::{DATA_NONCE, DataKey, DataKeys, StoredDataError, read_stored};

const NAME: &[u8] = b"sess:{ada}:018bcfe5-6800-7000-8000-000000000000";
const DATA: &[u8] = br#"{"mail":"ada@example.com"}"#;

fn keys(keys: &[(&str, u8)]) -> DataKeys {
    let key = |(id, byte): &(&str, u8)| DataKey::new((*id).to_owned(), &[*byte; 32]).expect("a key");
    DataKeys::new(keys.iter().map(key).collect()).expect("keys")
}

fn sealed(keys: &DataKeys) -> Vec<u8> {
    keys.seal(NAME, DATA, [7; DATA_NONCE]).expect("a value")
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

/// Test cases 14 and 16 of "The Galois/Counter Mode of Operation" by McGrew and Viega, which NIST SP 800-38D refers to.
#[test]
fn the_published_vectors_hold() {
    let zeros = keys(&[("k", 0)]);
    let value = zeros.seal(b"", &[0; 16], [0; DATA_NONCE]).expect("a value");
    let expected = bytes("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    assert_eq!(value, format!("jrs1.k.AAAAAAAAAAAAAAAA.{}", BASE64URL.encode(expected)).as_bytes());

    let secret = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let key = DataKey::new("k".to_owned(), &secret.try_into().expect("32 bytes")).expect("a key");
    let keys = DataKeys::new(vec![key]).expect("keys");
    let nonce = bytes("cafebabefacedbaddecaf888");
    let name = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain = bytes(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657\
         ba637b39",
    );
    let expected = bytes(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a\
         bcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    );
    let value = keys.seal(&name, &plain, nonce.clone().try_into().expect("12 bytes")).expect("a value");
    let text = format!("jrs1.k.{}.{}", BASE64URL.encode(nonce), BASE64URL.encode(expected));
    assert_eq!(value, text.as_bytes());
    assert_eq!(read_stored(Some(&keys), &name, &value), Ok(Cow::Owned(plain)));
}

#[test]
fn plain_data_is_borrowed() {
    let keys = keys(&[("k", 1)]);
    for plain in [DATA, b"{}", b" \n{}"] {
        for keys in [None, Some(&keys)] {
            assert!(matches!(read_stored(keys, NAME, plain), Ok(Cow::Borrowed(read)) if read == plain));
        }
    }
    for other in [&b""[..], b"[1]", b"jrs2.k.a.b", b"jrs1", b"JRS1.k.a.b", b"\xff"] {
        assert_eq!(read_stored(None, NAME, other), Ok(Cow::Borrowed(other)));
        assert_eq!(read_stored(Some(&keys), NAME, other), Err(StoredDataError::Malformed));
    }
}

#[test]
fn the_first_key_encrypts_and_all_decrypt() {
    let (old, both, new) = (keys(&[("a", 1)]), keys(&[("b", 2), ("a", 1)]), keys(&[("b", 2)]));
    let (by_old, by_both) = (sealed(&old), sealed(&both));
    assert_eq!(both.ids().collect::<Vec<_>>(), ["b", "a"]);
    assert!(by_old.starts_with(b"jrs1.a.") && by_both.starts_with(b"jrs1.b."));
    for (keys, value, read) in [
        (Some(&both), &by_old, Ok(DATA)),
        (Some(&new), &by_both, Ok(DATA)),
        (Some(&new), &by_old, Err(StoredDataError::UnknownKey)),
        (Some(&old), &by_both, Err(StoredDataError::UnknownKey)),
        (None, &by_old, Err(StoredDataError::NoKeys)),
        // Another key with the same id.
        (Some(&keys(&[("a", 2)])), &by_old, Err(StoredDataError::NotAuthentic)),
    ] {
        assert_eq!(read_stored(keys, NAME, value).as_deref(), read.as_deref());
    }
}

#[test]
fn a_changed_value_is_refused() {
    let keys = keys(&[("first", 1), ("fir-t", 2)]);
    let value = sealed(&keys);
    let read = |value: &[u8]| read_stored(Some(&keys), NAME, value).map(Cow::into_owned);
    assert_eq!(read(&value).as_deref(), Ok(DATA));
    for at in 0..value.len() {
        for bit in 0..8 {
            let mut changed = value.clone();
            changed[at] ^= 1 << bit;
            assert!(read(&changed).is_err(), "{at} {bit}");
        }
        assert!(read(&value[..at]).is_err(), "{at}");
        assert!(read(&[&value[..at], b"A", &value[at..]].concat()).is_err(), "{at}");
    }
    for more in [&b"A"[..], b".", b"=", b"\n", b".AAAA"] {
        assert!(read(&[&value, more].concat()).is_err());
    }
}

#[test]
fn a_value_belongs_to_one_key() {
    let keys = keys(&[("k", 1)]);
    let value = sealed(&keys);
    for other in [&NAME[1..], &NAME[..NAME.len() - 1], b"", b"admin:{ada}:018bcfe5-6800-7000-8000-000000000000"] {
        assert_eq!(read_stored(Some(&keys), other, &value), Err(StoredDataError::NotAuthentic));
    }
}

#[test]
fn what_is_printed_has_no_key_material() {
    let shown = format!("{:?}", keys(&[("visible", 0x41)]));
    assert!(shown.contains("visible") && !shown.contains("65") && !shown.contains("AAA"), "{shown}");
}

proptest! {
    /// A sealed value is read for its own key only, and as the data that was sealed.
    #[test]
    fn what_is_sealed_is_read(data in prop::collection::vec(any::<u8>(), 0..300), name: Vec<u8>, other: Vec<u8>, nonce: [u8; DATA_NONCE]) {
        let keys = keys(&[("k-1_x", 9)]);
        let value = keys.seal(&name, &data, nonce).expect("a value");
        prop_assert_eq!(read_stored(Some(&keys), &name, &value), Ok(Cow::Borrowed(data.as_slice())));
        prop_assert!(other == name || read_stored(Some(&keys), &other, &value).is_err());
    }

    /// Whatever is stored, reading does not panic, and returns either the value itself or what was sealed for this key.
    #[test]
    fn any_value_is_read_safely(
        parts in prop::collection::vec(
            prop_oneof![
                Just(b"jrs1".to_vec()), Just(b"k".to_vec()), Just(b"AAAAAAAAAAAAAAAA".to_vec()),
                "[A-Za-z0-9_-]{0,60}".prop_map(String::into_bytes), any::<Vec<u8>>(),
            ],
            0..6,
        ),
        with_keys: bool,
    ) {
        let keys = keys(&[("k", 9)]);
        let value = parts.join(&b'.');
        if let Ok(read) = read_stored(Some(&keys).filter(|_| with_keys), NAME, &value) {
            prop_assert!(matches!(read, Cow::Borrowed(read) if read == value));
        }
    }
}
