//! Whom a session belongs to.

/// The longest owner in bytes.
const LONGEST: usize = 256;

/// Why a text cannot be an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadOwner {
    /// More than 256 bytes.
    TooLong,
    /// Not UTF-8.
    NotUtf8,
    /// A brace, which would break the cluster hash tag of the session's id, or a control character.
    Character,
}

/// Checks a text that is to be an owner; "" means nobody.
pub fn check_owner(owner: &[u8]) -> Result<&str, BadOwner> {
    if owner.len() > LONGEST {
        return Err(BadOwner::TooLong);
    }
    let owner = str::from_utf8(owner).map_err(|_| BadOwner::NotUtf8)?;
    if owner.chars().any(|char| char.is_control() || char == '{' || char == '}') {
        return Err(BadOwner::Character);
    }
    Ok(owner)
}

#[cfg(test)]
mod tests {
    use super::{BadOwner, check_owner};

    #[test]
    fn owners() {
        for good in ["", "user:42", "a b", "Zoë", &"x".repeat(256)] {
            assert_eq!(check_owner(good.as_bytes()), Ok(good));
        }
        assert_eq!(check_owner("x".repeat(257).as_bytes()), Err(BadOwner::TooLong));
        assert_eq!(check_owner(b"\xff"), Err(BadOwner::NotUtf8));
        for bad in ["{", "a}b", "a\0b", "a\n", "\u{7f}", "\u{85}"] {
            assert_eq!(check_owner(bad.as_bytes()), Err(BadOwner::Character), "{bad:?}");
        }
    }
}
