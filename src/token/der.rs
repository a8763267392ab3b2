//! Just enough of DER (X.690) to tell a key or a certificate in binary form from a secret.

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// True for one sequence, and nothing else, that begins with a sequence or an integer: so does every key (PKCS#8, PKCS#1,
/// SEC1, SPKI) and every certificate, and no secret by accident, of which all lengths would have to be right.
pub(super) fn is_key_or_certificate(file: &[u8]) -> bool {
    let Some((SEQUENCE, contents, [])) = element(file) else { return false };
    matches!(element(contents), Some((SEQUENCE | INTEGER, _, _)))
}

/// The first element: its tag, its contents, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

#[cfg(test)]
mod tests {
    use super::is_key_or_certificate;

    #[test]
    fn keys_are_told_from_secrets() {
        for der in [
            &[0x30, 5, 0x30, 3, 6, 1, 0][..],
            &[0x30, 4, 0x02, 1, 0, 0],
            &[0x30, 0x81, 4, 0x02, 1, 0, 0],
            &[0x30, 0x82, 0, 4, 0x02, 1, 0, 0],
        ] {
            assert!(is_key_or_certificate(der), "{der:?}");
            assert!(!is_key_or_certificate(&[der, &[0]].concat()), "something follows");
            assert!(!is_key_or_certificate(der.get(..der.len() - 1).expect("bytes")), "something is missing");
        }
        for other in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0], &[0x30, 2, 0x04, 0], &[0x30, 3, 0x30, 9, 0], b"00x0"]
        {
            assert!(!is_key_or_certificate(other), "{other:?}");
        }
    }
}
