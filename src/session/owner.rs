//! Whom a session belongs to.

/// The longest owner in bytes.
const LONGEST: usize = 256;

/// Checks a text that is to be an owner; "" means nobody.
///
/// # Errors
/// What is wrong, as the end of a sentence. A brace would break the cluster hash tag of the session's id.
pub fn check_owner(owner: &[u8]) -> Result<&str, &'static str> {
    if owner.len() > LONGEST {
        return Err("is longer than 256 bytes");
    }
    let owner = str::from_utf8(owner).map_err(|_| "is not UTF-8")?;
    if owner.chars().any(|char| char.is_control() || char == '{' || char == '}') {
        return Err("holds a brace or a control character");
    }
    Ok(owner)
}

#[cfg(test)]
mod tests {
    use super::check_owner;

    #[test]
    fn owners() {
        for good in ["", "user:42", "a b", "Zoë", &"x".repeat(256)] {
            assert_eq!(check_owner(good.as_bytes()), Ok(good));
        }
        assert_eq!(check_owner("x".repeat(257).as_bytes()), Err("is longer than 256 bytes"));
        assert_eq!(check_owner(b"\xff"), Err("is not UTF-8"));
        for bad in ["{", "a}b", "a\0b", "a\n", "\u{7f}", "\u{85}"] {
            assert_eq!(check_owner(bad.as_bytes()), Err("holds a brace or a control character"), "{bad:?}");
        }
    }
}
