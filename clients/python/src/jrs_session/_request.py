"""What all frameworks do with a request: find its token, and answer a request whose user must log in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._web_options import ReusedToken, claims_of
from .errors import StaleAuth, TokenRefused
from .web_errors import NoOwner, NoSession, SessionEnded

if TYPE_CHECKING:
    from ._realm import CurrentRealm
    from ._web_options import Options

NOT_LOGGED_IN = (NoSession, NoOwner, SessionEnded, TokenRefused)
"""The errors of `require_recent_auth` of a request without a user."""

MAX_AUTH_AGE = 31_536_000
"""The longest time that the server accepts for `require_recent_auth`, in seconds: a year."""


def find_token(options: Options, authorization: str | None, cookies: str | None) -> tuple[str | None, bool]:
    """The token of a request, and whether it came in the header `Authorization`."""
    if options.bearer and authorization and authorization[:7].lower() == "bearer ":
        token = authorization[7:].strip()
        if token:
            return token, True
    if options.cookie is not None and cookies:
        return options.cookie.read(cookies), False
    return None, False


def reused_token(realm: CurrentRealm, token: str, request: Any) -> ReusedToken:
    """What `on_reuse` gets. The server has verified the token before it said that the token is reused."""
    claims = claims_of(token)
    return ReusedToken(realm.owner_from_server(str(claims.get("sub", ""))), claims, request)


def check_seconds(seconds: int) -> int:
    """The argument of `require_recent_auth`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= MAX_AUTH_AGE:
        raise ValueError(f"require_recent_auth needs a number of seconds from 1 to {MAX_AUTH_AGE}")
    return seconds


def challenge(error: Exception, seconds: int) -> str:
    """The value of `WWW-Authenticate` for an error of `require_recent_auth` (RFC 9470, section 3)."""
    if not isinstance(error, StaleAuth):
        return "Bearer"
    description = "More recent authentication is required"
    return f'Bearer error="insufficient_user_authentication", error_description="{description}", max_age="{seconds}"'
