"""Two users who can log in. A real application stores its users in a database."""

import hashlib
import hmac

# The salt and the scrypt hash of each password, by user name.
USERS = {
    # password: correct horse
    "ann": (
        "b1dfd24a01272c2c09bf92034f94135a",
        "ca044ee2a1946d6e14f4eff3f4cb3dc581f5dc68569990a3149337deaef1407e",
    ),
    # password: battery staple
    "bob": (
        "df159f704ed710a249a539af6325c7e0",
        "5b5e566bec006af3a8e9f8ed923edf51483d6166cf8cd83c6adb98027d607198",
    ),
}

# Used for unknown names, so that the response time does not reveal which names exist.
UNKNOWN_USER = ("0" * 32, "0" * 64)

# The e-mail addresses, until the application stops.
_emails = {name: f"{name}@example.com" for name in USERS}


def email_of(name: str) -> str:
    """Returns the e-mail address of a user."""
    return _emails[name]


def change_email(name: str, email: str) -> None:
    """Stores the e-mail address of a user."""
    _emails[name] = email


def is_password(name: str, password: str) -> bool:
    """Whether this is the password of the user. It takes a while: call it in a thread."""
    salt, expected = USERS.get(name, UNKNOWN_USER)
    actual = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=16384, r=8, p=1, dklen=32)
    return hmac.compare_digest(actual, bytes.fromhex(expected)) and name in USERS
