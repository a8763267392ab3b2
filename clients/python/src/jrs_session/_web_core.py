"""What the session of a request does, without a framework and without I/O: `JRS` and `AsyncJRS` run its operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from . import _json, _operations
from ._fields import REMOVED, patch_of
from ._web_options import claims_of
from ._web_state import SessionState
from .errors import CrossSlot, Reused, TokenRefused, Unavailable
from .web_errors import CookieTooLarge, SessionEnded

if TYPE_CHECKING:
    from ._arguments import Duration
    from ._command import Operation
    from .models import SessionInfo


UNREAD = "the session could not be read, so its changes are not saved: a new session would replace it"


class SessionCore(SessionState):
    """The operations of a session."""

    # What a request does with its session.

    def _load(self, token: str) -> Operation[str | None]:
        """Reads the session of a token. Returns a token that was reused, which is to be reported.

        The session stays empty if the token is refused or the session has ended.
        """
        self._cookie_token = None if self._by_header else token
        try:
            stored = yield from _operations.read_compact(self._realm, "JRS.GET", token)
        except TokenRefused as error:
            return self._refused(token, error)
        except Unavailable:
            if not self._options.fail_open:
                raise
            self._unread_token = token
            return None
        if stored is not None:
            self._hydrate(token, stored)
        return None

    def _save_changes(self) -> Operation[str | None]:
        """Saves what the request has changed. Returns a token that was reused, which is to be reported.

        A session that has ended since it was read is not created again.
        """
        if not self._before or self._destroyed:
            return None
        token = self._token
        has_cookie = self._options.cookie is not None and not self._by_header
        if token is None and not (self._values and has_cookie):
            return None  # without a cookie, only the application can pass a new token on
        try:
            yield from self._save()
        except SessionEnded:
            pass
        except TokenRefused as error:
            self._end()
            return self._refused(token, error)
        return None

    def _refused(self, token: str | None, error: TokenRefused) -> str | None:
        if not isinstance(error, Reused):
            return None
        self._clears_cookie = True
        return token

    # The operations of an application.

    def _create(self, owner: str, claims: Mapping[str, Any] | None, ttl: int | None) -> Operation[str]:
        self._refuse_after_headers()
        lifetime = ttl if ttl is not None else self._options.ttl
        default = yield from self._default_ttl(owner, lifetime)
        data = self.to_json()
        token = yield from _operations.create(self._realm, owner, data, claims, lifetime, None)
        yield from self._accept(token, owner, default)
        self.mark_saved({name: data.get(name, REMOVED) for name in self._before})
        return token

    def _save(self) -> Operation[str]:
        yield from self._follow_owner_field()
        return (yield from self._store_changes())

    def _store_changes(self) -> Operation[str]:
        token = self._token
        if token is None:
            if self._unread_token is not None:
                raise Unavailable(UNREAD)
            return (yield from self._create("", None, None))
        changes = self.changes()
        if changes:
            body = _json.encode_array(patch_of(changes), "the session")
            if (yield from self._change("PATCH", token, body)) is None:
                raise self._ended()
            self.mark_saved(changes)
        return token

    def _merge(self, patch: Mapping[str, Any]) -> Operation[None]:
        token = self._active()
        body = _json.encode_object(patch, "the patch")
        if (yield from self._change("MERGE", token, body)) is None:
            raise self._ended()
        self.merge_saved(patch)

    def _reload(self) -> Operation[None]:
        token = self._active()
        stored = yield from _operations.read_compact(self._realm, "JRS.PEEK", token)
        if stored is None:
            raise self._ended()
        self._hydrate(token, stored)

    def _touch(self) -> Operation[int | None]:
        token = self._active()
        self._ttl = yield from _operations.touch(self._realm, token, None)
        return self._ttl

    def _rotate(
        self, claims: Mapping[str, Any] | None, owner: str | None, reauth: bool, grace: Duration | None
    ) -> Operation[str]:
        old = self._active()
        self._refuse_after_headers()
        new_owner = self._owner if owner is None else owner
        default = yield from self._default_ttl(new_owner, self._claims.get("ttl"))
        token = yield from _operations.rotate(self._realm, old, claims, owner, reauth, grace)
        if token is None:
            raise self._ended()
        self._clears_cookie = True  # if the session ends now: its token is not valid any more
        yield from self._accept(token, new_owner, default)
        return token

    def _mint(self, audience: str | None, ttl: int | None, claims: Mapping[str, Any] | None) -> Operation[str]:
        token = self._active()
        self._owned()
        minted = yield from _operations.mint(self._realm, token, audience, ttl, claims)
        if minted is None:
            raise self._ended()
        return minted

    def _log_in(self, owner: str, claims: Mapping[str, Any] | None) -> Operation[str]:
        if not owner:
            raise ValueError("the owner must not be empty: it is the id of the user who logs in")
        if self._token is not None and self._owner not in ("", owner):
            yield from self._destroy()
            self.replace_stored({})
        elif self._unread_token is not None:
            yield from self._destroy()
        elif self._token is not None:
            try:
                return (yield from self._rotate(claims, owner, True, None))
            except (SessionEnded, TokenRefused):
                self.keep_changes_only()
            except CrossSlot:
                # In a cluster a session cannot move to the node of another owner: a new one takes its place.
                yield from self._destroy()
        return (yield from self._create(owner, claims, None))

    def _destroy(self) -> Operation[bool]:
        token = self._token or self._unread_token
        existed = False if token is None else (yield from _operations.destroy(self._realm, token))
        self._end_and_clear_cookie()
        return existed

    def _regenerate(self) -> Operation[None]:
        yield from self._destroy()
        self.replace_stored({})
        self._destroyed = False

    def _list_sessions(
        self, fields: Sequence[str] | None, limit: int | None, after: str | None
    ) -> Operation[list[SessionInfo]]:
        self._active()
        owner = self._owned()
        return (yield from _operations.list_sessions(self._realm, owner, fields is None, fields, limit, after))

    def _revoke(self, session_id: str) -> Operation[bool]:
        existed = yield from _operations.revoke(self._realm, session_id)
        if session_id == self._id:
            self._end_and_clear_cookie()
        return existed

    def _destroy_all(self, keep_current: bool) -> Operation[int]:
        token = self._active()
        owner = self._owned()
        count = yield from _operations.destroy_all(self._realm, owner, token if keep_current else None)
        if not keep_current:
            self._end_and_clear_cookie()
        return count

    def _require_recent_auth(self, seconds: int) -> Operation[None]:
        token = self._active()
        self._owned()
        if (yield from _operations.read(self._realm, "JRS.PEEK", token, seconds)) is None:
            raise self._ended()

    # Their parts.

    def _follow_owner_field(self) -> Operation[None]:
        name = self._options.owner_field
        if name is None or name not in self._before or self._by_header:
            return  # of a bearer token, only the application can pass a new one on
        value = self._values.get(name)
        if value is None:
            if self._owner and self.changes().get(name) is REMOVED:
                yield from self._log_out()
        elif str(value) != self._owner:
            if self._owner:
                yield from self._destroy()
                self.keep_changes_only()
                self._destroyed = False
            yield from self._log_in(str(value), None)

    def _log_out(self) -> Operation[None]:
        """Makes the session anonymous, with a new token. Its other fields stay."""
        yield from self._store_changes()
        try:
            yield from self._rotate(None, "", False, None)
        except CrossSlot:
            yield from self._destroy()
            yield from self._create("", None, None)

    def _default_ttl(self, owner: str, ttl: int | None) -> Operation[int | None]:
        """How long the cookie of a new token lives. Asked before the token is made, because asking can fail."""
        cookie = self._options.cookie
        if ttl is not None or cookie is None or not self._is_persistent(cookie):
            return ttl
        settings = yield from self._realm.settings()
        return (settings.anonymous_max_age if owner == "" else 0) or settings.max_age

    def _change(self, mode: Literal["MERGE", "PATCH"], token: str, body: bytes) -> Operation[str | None]:
        return (yield from _operations.change(self._realm, mode, token, body, None, False, None))

    def _accept(self, token: str, owner: str, ttl: int | None) -> Operation[None]:
        cookie = self._options.cookie
        if cookie is not None and not self._by_header and len(token) > cookie.max_token_length:
            yield from _operations.destroy(self._realm, token)
            self._end()
            sizes = f"the token has {len(token)} bytes, but the cookie can hold only {cookie.max_token_length}"
            raise CookieTooLarge(f"{sizes}: use fewer claims and more fields. The session was destroyed")
        self._token = token
        self._claims = claims_of(token)
        self._id = self._claims["jti"]
        self._owner = owner
        self._ttl = ttl
        self._unread_token = None
        self._destroyed = False
