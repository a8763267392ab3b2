//! The owner of a session: the `sub` claim of its token.

/// The longest owner in bytes.
const LONGEST: usize = 256;

/// Why a text is not an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerError {
    /// It has more than 256 bytes.
    TooLong,
    /// It is not UTF-8.
    NotUtf8,
    /// It holds a brace, which would break the hash tag of the session's id, or a control character.
    ForbiddenCharacter,
}

/// Checks the name of an owner. "" stands for an anonymous session.
pub fn check_owner(owner: &[u8]) -> Result<&str, OwnerError> {
    if owner.len() > LONGEST {
        return Err(OwnerError::TooLong);
    }
    let owner = str::from_utf8(owner).map_err(|_| OwnerError::NotUtf8)?;
    if owner.chars().any(|char| char.is_control() || char == '{' || char == '}') {
        return Err(OwnerError::ForbiddenCharacter);
    }
    Ok(owner)
}

#[cfg(test)]
mod tests {
    use super::{OwnerError, check_owner};

    #[test]
    fn owners() {
        for good in ["", "user:42", "a b", "Zoë", &"x".repeat(256)] {
            assert_eq!(check_owner(good.as_bytes()), Ok(good));
        }
        assert_eq!(check_owner("x".repeat(257).as_bytes()), Err(OwnerError::TooLong));
        assert_eq!(check_owner(b"\xff"), Err(OwnerError::NotUtf8));
        for bad in ["{", "a}b", "a\0b", "a\n", "\u{7f}", "\u{85}"] {
            assert_eq!(check_owner(bad.as_bytes()), Err(OwnerError::ForbiddenCharacter), "{bad:?}");
        }
    }
}
