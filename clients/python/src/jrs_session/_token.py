"""Reading a token's claims without verifying them: only to find the key of its session."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode
from typing import Any


def unverified_claims(token: str) -> dict[str, Any] | None:
    """The claims of a token, which anyone can have written; None if it cannot be a session's token."""
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        return None
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) and _is_id(claims.get("jti")) else None


def _is_id(jti: object) -> bool:
    if not isinstance(jti, str):
        return False
    try:
        jti.encode()
    except UnicodeEncodeError:
        return False
    return True
