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
    from ._realm import CurrentRealm
    from .models import Session


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
        self._cookie_token: str | None = None  # what the browser's cookie holds, unless the request failed open
        self._by_header = False  # the token came in the header Authorization, so the cookie stays as it is
        self._destroyed = False
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

    def _hydrate(self, token: str, stored: Session) -> None:
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
            return None if self._cookie_token is None else cookie.clear()
        if self._token != self._cookie_token:
            age = self._ttl if self._ttl is not None else MAX_COOKIE_AGE
            return cookie.set(self._token, age if self._is_persistent(cookie) else None)
        return self._renewed(cookie, self._token) if self._is_persistent(cookie) else None

    def _renewed(self, cookie: Cookie, token: str) -> str | None:
        """The cookie with the time that the session has now, unless the browser has got it a short time ago."""
        age = self._ttl if self._ttl is not None else MAX_COOKIE_AGE
        issued = self._claims.get("iat")
        if not isinstance(issued, (int, float)) or time.time() - issued < age / 10:
            return None
        # In its grace, the token is one that another response has replaced.
        return None if self._claims.get("jti") != claims_of(token).get("jti") else cookie.set(token, age)

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
        self._token = self._id = self._ttl = None
        self._owner, self._claims = "", NO_CLAIMS
        self._destroyed = True

    def _ended(self) -> SessionEnded:
        self._end()
        # The cookie stays: another request may have rotated the session, and its response has set a new one.
        self._cookie_token = None
        return SessionEnded("the session has expired or was destroyed; nothing was written")
