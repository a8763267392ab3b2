"""The session engine. `session_key` is the token, and the owner is the user who has logged in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase, UpdateError

from .._fields import REMOVED, Fields, patch_of
from .._request import reused_token
from .._web_core import UNREAD
from .._web_options import claims_of
from ..cookie import MAX_COOKIE_SIZE
from ..errors import CrossSlot, Reused, TokenRefused, Unavailable
from ..models import Session
from ..web_errors import CookieTooLarge
from ._settings import jrs_settings


class SessionStore(SessionBase):
    """What `request.session` is."""

    _session_cache: Any

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        settings = jrs_settings()
        self._settings = settings
        self._jrs = settings.jrs
        self._id: str | None
        self._loaded: Fields | None
        self._forget()

    @property
    def modified(self) -> bool:
        """Whether a field has changed, also inside of lists and objects, or a new key must be sent."""
        if self._modified:
            return True
        cached = getattr(self, "_session_cache", None)
        return isinstance(cached, Fields) and cached.has_changes

    @modified.setter
    def modified(self, value: bool) -> None:
        self._modified = value

    @property
    def owner(self) -> str:
        """The user that the stored session belongs to; `""` if it is anonymous or not stored."""
        self._get_session()  # type: ignore[attr-defined]
        return self._owner

    @property
    def session_id(self) -> str | None:
        """The id of the session, which is not a secret, other than `session_key`."""
        self._get_session()  # type: ignore[attr-defined]
        return self._id

    def load(self) -> Fields:  # type: ignore[override]
        """Reads the session."""
        token = self.session_key
        session: Session | None = None
        try:
            session = None if token is None else self._jrs.get(token)
        except TokenRefused as error:
            self._report(error)
        except Unavailable:
            if not self._settings.fail_open:
                raise
            self._unreachable = True  # the key stays, so that Django does not delete the cookie
            return Fields()
        if session is None:
            self._session_key = None
            return Fields()
        self._id, self._owner = session.id, session.owner
        self._loaded = fields = Fields(session.data)
        if session.data.get("_session_expiry"):
            self._session_cache = fields
            self._extend(session.token)
        return fields

    def exists(self, session_key: str | None) -> bool:
        """Whether there is a session with this key."""
        try:
            return bool(session_key) and self._jrs.peek(str(session_key)) is not None
        except TokenRefused:
            return False

    def create(self) -> None:
        """Creates a session, also if there is one."""
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Stores the changes. A new owner gets a new key at once.

        Raises:
            UpdateError: The session has expired or was destroyed. It is not created again.
        """
        fields = self._fields(no_load=must_create)
        token = self.session_key
        if self._unreachable and not must_create:
            if not self._authenticated:
                raise Unavailable(UNREAD)
            self.delete()
            token = None
        if must_create or token is None:
            self._create(fields)
            return
        try:
            self._save_changes(fields, token)
        except TokenRefused as error:  # it has expired, or was reused, since the session was read
            self._report(error)
            raise UpdateError from None

    def _save_changes(self, fields: Fields, key: str) -> None:
        token: str | None = key
        changes = fields.changes()
        user = fields._values.get(SESSION_KEY)
        if user is not None and (self._authenticated or str(user) != self._owner):
            token = self._rotate_to(str(user), fields, key)
        elif user is None and self._owner and changes.get(SESSION_KEY) is REMOVED:
            token = self._rotate_to("", fields, key)
        if changes and token is not None:
            if self._jrs.patch(token, patch_of(changes)) is None:
                raise UpdateError
            fields.mark_saved(changes)
            if "_session_expiry" in changes:
                self._extend(token)

    def delete(self, session_key: str | None = None) -> None:
        """Destroys a session."""
        token = session_key or self.session_key
        if token is None:
            return
        if token == self.session_key:
            self._forget()
        with suppress(TokenRefused):  # there is no session to destroy
            self._jrs.destroy(token)

    def cycle_key(self) -> None:
        """Gives the session a new key. The old one is invalid at once."""
        fields = self._fields()
        self.modified = True
        token = self.session_key
        if token is None or self._unreachable:
            return  # save() creates the session
        try:
            new = self._jrs.rotate(token, grace=0)
        except TokenRefused as error:
            self._report(error)
            new = None
        if new is not None:
            self._accept(new, self._owner)
            return
        self._session_key = None
        if self._owner:
            fields.replace_stored({})  # the data of a user who has logged out meanwhile
        self._forget(fields)

    async def acreate(self) -> None:
        """As `create`."""
        await sync_to_async(self.create)()

    async def acycle_key(self) -> None:
        """As `cycle_key`."""
        await sync_to_async(self.cycle_key)()

    @classmethod
    def clear_expired(cls) -> None:
        """Nothing to do: Redis removes expired sessions."""

    @classmethod
    async def aclear_expired(cls) -> None:
        """As `clear_expired`."""

    def end(self) -> None:
        """Forgets a session that was destroyed on the server, so that Django deletes the cookie."""
        self.clear()
        self._session_key = None
        self._forget()

    def _forget(self, fields: Fields | None = None) -> None:
        self._id = None
        self._owner = ""
        self._loaded = fields
        self._unreachable = False
        self._authenticated = False

    def _fields(self, no_load: bool = False) -> Fields:
        """The fields with their changes. `clear()` of Django puts an empty dict in their place."""
        cached = self._get_session(no_load)  # type: ignore[attr-defined]
        if isinstance(cached, Fields):
            return cached
        fields = self._loaded or Fields()
        if cached is not fields:
            for name in fields.keys() - cached.keys():
                del fields[name]
            fields.update(cached)
        self._session_cache = fields
        return fields

    def _create(self, fields: Fields) -> None:
        owner, data = str(fields._values.get(SESSION_KEY, "")), fields.to_json()
        age = self.get_expiry_age()
        token = self._jrs.create(owner, data, ttl=max(1, age))
        self._forget(fields)
        self._accept(token, owner)
        if age <= 0:
            self._jrs.destroy(token)  # set_expiry with a time in the past
        fields.mark_saved({name: data.get(name, REMOVED) for name in fields._before})

    def _rotate_to(self, owner: str, fields: Fields, token: str) -> str | None:
        """Gives the session another owner and another key. None: the changes are saved already."""
        try:
            new = self._jrs.rotate(token, owner=owner, reauth=owner != "")
        except CrossSlot:
            # In a cluster a session cannot move to the node of another owner: a new one takes its place.
            self._jrs.destroy(token)
            self._create(fields)
            return None
        if new is None:
            raise UpdateError
        self._accept(new, owner)
        self._authenticated = False
        return new

    def _accept(self, token: str, owner: str) -> None:
        if len(settings.SESSION_COOKIE_NAME) + len(token) > MAX_COOKIE_SIZE:
            self._jrs.destroy(token)
            self._session_key = None
            self._forget()
            raise CookieTooLarge("the token does not fit into the cookie. The session was destroyed")
        self._session_key = token
        self._owner = owner
        self._id = claims_of(token).get("jti")

    def _report(self, error: TokenRefused) -> None:
        token = self.session_key
        if isinstance(error, Reused) and self._settings.on_reuse and token is not None:
            self._settings.on_reuse(reused_token(self._jrs._realm, token, None))

    def _extend(self, token: str) -> None:
        """Applies `set_expiry`, which is stored in the data. The server knows the ttl of the token only."""
        if not self._session_cache.get("_session_expiry"):
            return
        age = self.get_expiry_age()
        if age > 0:
            self._jrs.touch(token, ttl=age)
        else:
            self._jrs.destroy(token)


def _mark_authenticated(sender: Any, request: Any = None, **kwargs: Any) -> None:
    """The user has just authenticated, which `require_recent_auth` needs to know, also if it is the same user."""
    session = getattr(request, "session", None)
    if isinstance(session, SessionStore):
        session._authenticated = True
        session.modified = True


user_logged_in.connect(_mark_authenticated, dispatch_uid="jrs_session.django")
