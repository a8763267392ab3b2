"""The session of a request: what is known about it, and what the response must say about it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._fields import Fields
from ._web_options import NO_CLAIMS, Options, claims_of
from .cookie import MAX_COOKIE_AGE, Cookie
from .web_errors import HeadersSent, NoOwner, NoSession, SessionEnded

if TYPE_CHECKING:
    from ._operations import CompactSession
    from ._realm import CurrentRealm


class SessionState(Fields):
    """The state of a session. It sends no commands."""

    def __init__(self, realm: CurrentRealm, options: Options) -> None:
        super().__init__()
        self._realm = realm
        self._options = options
        self._token: str | None = None
        self._id: str | None = None
        self._owner = ""
        self._claims = NO_CLAIMS
        self._ttl: int | None = None
        self._cookie_token: str | None = None  # what the browser's cookie holds
        self._unread_token: str | None = None  # of a request that failed open
        self._by_header = False  # the token came in the header Authorization, so the cookie stays as it is
        self._destroyed = False
        self._clears_cookie = False  # unless the session gets another token
        self._headers_sent = False

    @property
    def id(self) -> str | None:
        """The id of the session; `None` if the request has none."""
        self.accessed = True
        return self._id

    @property
    def owner(self) -> str:
        """The user that the session belongs to; `""` if it is anonymous or does not exist."""
        self.accessed = True
        return self._owner

    @property
    def claims(self) -> Mapping[str, Any]:
        """The claims of the token, which the server has verified."""
        self.accessed = True
        return self._claims

    @property
    def token(self) -> str | None:
        """The token. With a cookie the browser gets it by itself."""
        self.accessed = True
        return self._token

    @property
    def ttl(self) -> int | None:
        """The seconds until the session expires if it is not used; `None` if it does not exist or has no such time."""
        self.accessed = True
        return self._ttl

    def _hydrate(self, token: str, stored: CompactSession) -> None:
        """Makes this the stored session of a token."""
        self.replace_stored(stored.data)
        self._token = token
        self._id = stored.id
        self._owner = stored.owner
        self._claims = stored.claims
        self._ttl = stored.ttl

    def _cookie_header(self) -> str | None:
        """The value of `Set-Cookie` for the response, if the browser's cookie must change."""
        cookie = self._options.cookie
        if cookie is None or self._by_header:
            return None
        if self._token is None:
            return cookie.clear() if self._clears_cookie and self._cookie_token is not None else None
        if self._token != self._cookie_token:
            return self._set(cookie, self._token)
        return self._renewed(cookie, self._token) if self._is_persistent(cookie) else None

    def _set(self, cookie: Cookie, token: str) -> str:
        if not self._is_persistent(cookie):
            return cookie.set(token)
        self._options.renewals.add(self._id or "", time.time())
        return cookie.set(token, self._cookie_age())

    def _cookie_age(self) -> int:
        return self._ttl if self._ttl is not None else MAX_COOKIE_AGE

    def _renewed(self, cookie: Cookie, token: str) -> str | None:
        """The cookie with the time that the session has now, unless the browser has got it a short time ago.

        A renewal that comes after the response of a rotation replaces the new token by the old one. So there are few,
        and none with a token in its grace, which another response has replaced.
        """
        now, seconds = time.time(), self._cookie_age() / 10
        issued = self._claims.get("iat")
        if not isinstance(issued, (int, float)) or now - issued < seconds or self._id is None:
            return None
        if self._claims.get("jti") != claims_of(token).get("jti"):
            return None
        return None if self._options.renewals.is_recent(self._id, now, seconds) else self._set(cookie, token)

    def _is_persistent(self, cookie: Cookie) -> bool:
        return cookie.persistent

    def _active(self) -> str:
        if self._token is None:
            raise NoSession("the request has no session")
        return self._token

    def _owned(self) -> str:
        if not self._owner:
            raise NoOwner("the session is anonymous: call log_in() first")
        return self._owner

    def _refuse_after_headers(self) -> None:
        if self._headers_sent and self._options.cookie is not None and not self._by_header:
            raise HeadersSent("a new token is sent with the headers: call the method before the response begins")

    def _end(self) -> None:
        """The request has no session any more."""
        self._token = self._id = self._ttl = self._unread_token = None
        self._owner, self._claims = "", NO_CLAIMS
        self._destroyed = True

    def _end_and_clear_cookie(self) -> None:
        """The request has destroyed its session.

        The cookie of a session that this request has not destroyed stays: another request may have rotated it, and the
        response with the new token may have come first.
        """
        self._end()
        self._clears_cookie = True

    def _ended(self) -> SessionEnded:
        self._end()
        return SessionEnded("the session has expired or was destroyed; nothing was written")
