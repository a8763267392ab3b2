"""Tokens that the tests sign themselves."""

from __future__ import annotations

import hmac
import json
import secrets
import time
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from support.server import Server

_SECRET = secrets.token_bytes(32)


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


OWN_KEY: dict[str, Any] = {
    "settings": {"jrs.keys-file": "{folder}/keys.json"},
    "files": {"keys.json": json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "k": _base64url(_SECRET)}]})},
}
"""The options of a server whose tokens `sign` can sign."""


def sign(claims: dict[str, Any]) -> str:
    """A token of the server."""
    parts = [_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.digest(_SECRET, ".".join(parts).encode(), "sha256")
    return ".".join([*parts, _base64url(signature)])


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, not verified."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def old_login(server: Server, owner: str, data: dict[str, Any], age: int) -> str:
    """Stores a session whose user authenticated some seconds ago. Returns its token."""
    now = time.time()
    random = uuid.uuid4().hex
    session_id = f"{{{owner}}}:{uuid.UUID(f'{int(now * 1000):012x}7{random[13:]}')}"
    server.send("SET", f"sess:{session_id}", json.dumps(data), "EX", "600")
    issued = int(now) - age
    return sign({"jti": session_id, "sub": owner, "iat": issued, "auth_time": issued})
