"""Sessions for Flask: `flask.session` is a session of JRS."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Callable, TypeVar, cast
from weakref import WeakKeyDictionary

from flask import Response as FlaskResponse
from flask import current_app, session
from flask import request as flask_request
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.exceptions import Unauthorized

from ._request import NOT_LOGGED_IN, challenge, check_seconds, find_token, reused_token
from ._web_options import Options
from .client import JRS
from .cookie import Cookie, resolve_cookie
from .errors import StaleAuth
from .web import ListedSession, ReusedToken, WebSession

if TYPE_CHECKING:
    from flask import Flask, Request, Response

__all__ = [
    "Cookie",
    "FlaskSession",
    "JRSSessionInterface",
    "ListedSession",
    "ReusedToken",
    "current_session",
    "require_recent_auth",
]

View = TypeVar("View", bound=Callable[..., Any])

_TAGS = TaggedJSONSerializer()

# Flask's default. If the application has changed it, it is the idle time of new sessions.
_DEFAULT_LIFETIME = timedelta(days=31)


class FlaskSession(WebSession, SessionMixin):
    """What `flask.session` is. Values keep their types as in Flask: tuple, bytes, datetime, UUID, Markup."""

    @property
    def modified(self) -> bool:
        """Whether a field has changed, also inside of lists and objects. Assigning it is not necessary."""
        return self.has_changes

    @modified.setter
    def modified(self, value: bool) -> None:
        pass

    @property
    def new(self) -> bool:
        """Whether the request has no session."""
        return self._token is None

    @new.setter
    def new(self, value: bool) -> None:
        pass

    @property
    def permanent(self) -> bool:
        """Whether the cookie stays when the browser is closed. Without an assignment the cookie's option decides."""
        cookie = self._options.cookie
        return bool(self._values.get("_permanent", cookie is not None and cookie.persistent))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)

    def _is_persistent(self, cookie: Cookie) -> bool:
        return self.permanent

    def _decode(self, value: Any) -> Any:
        return _untag(value)

    def _encode(self, value: Any) -> Any:
        return _TAGS.tag(value)


class JRSSessionInterface(SessionInterface):
    """Opens and saves the sessions: `app.session_interface = JRSSessionInterface(jrs)`.

    Args:
        jrs: The client.
        cookie: The cookie that holds the token, or `False`. The settings `SESSION_COOKIE_…` override it where the
            application has changed them from Flask's defaults.
        bearer: Whether the token may also come in the header `Authorization: Bearer …`.
        auto_save: Whether changed fields are saved at the end of a request.
        fail_open: Whether a request continues with an empty session while Redis is unavailable.
        on_reuse: Called when a replaced token comes again.
        owner_field: A field with the id of the user. When it is set, the session gets this owner and a new token; when
            it is removed, the session becomes anonymous. The default is the one of Flask-Login.
    """

    def __init__(
        self,
        jrs: JRS,
        *,
        cookie: bool | Cookie = True,
        bearer: bool = False,
        auto_save: bool = True,
        fail_open: bool = False,
        on_reuse: Callable[[ReusedToken], Any] | None = None,
        owner_field: str | None = "_user_id",
    ) -> None:
        if not isinstance(jrs, JRS):
            raise TypeError("jrs must be a JRS")
        self._jrs = jrs
        self._options = Options(resolve_cookie(cookie), bearer, auto_save, fail_open, on_reuse, owner_field)
        self._resolved: WeakKeyDictionary[Flask, Options] = WeakKeyDictionary()

    def open_session(self, app: Flask, request: Request) -> FlaskSession:
        """Reads the session of a request."""
        options = self._resolved.get(app) or self._resolve(app)
        opened = FlaskSession(self._jrs, options)
        environ = request.environ
        authorization = environ.get("HTTP_AUTHORIZATION") if options.bearer else None
        token, opened._by_header = find_token(options, authorization, environ.get("HTTP_COOKIE"))
        if token is not None:
            _report(opened, request, opened._run(opened._load(token)))
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Saves what has changed, and sets or clears the cookie."""
        if not isinstance(session, FlaskSession):
            return
        if session._options.auto_save and session._before:
            _report(session, flask_request, session._run(session._save_changes()))
        cookie, value = session._options.cookie, session._cookie_header()
        lines = response.headers.getlist("Set-Cookie")
        if value is not None and cookie is not None and not any(map(cookie.is_set_by, lines)):
            response.headers.add("Set-Cookie", value)
        if value is not None or session.accessed:
            response.vary.add("Cookie")

    def _resolve(self, app: Flask) -> Options:
        """The options with the settings that the application has changed from Flask's defaults."""
        options, cookie = self._options, self._options.cookie
        lifetime = app.permanent_session_lifetime
        if lifetime != _DEFAULT_LIFETIME:
            options = dataclasses.replace(options, ttl=int(lifetime.total_seconds()))
        if cookie is not None:
            options = dataclasses.replace(options, cookie=_changed_cookie(cookie, app))
        self._resolved[app] = options
        return options


def current_session() -> FlaskSession:
    """`flask.session` with its type, for editors and type checkers.

    Raises:
        RuntimeError: The application has another session interface.
    """
    found = session._get_current_object()  # type: ignore[attr-defined]
    if not isinstance(found, FlaskSession):
        raise RuntimeError("the application needs app.session_interface = JRSSessionInterface(jrs)")
    return found


def require_recent_auth(seconds: int) -> Callable[[View], View]:
    """A decorator that refuses a request with the status 401 (RFC 9470) if the login is older."""
    check_seconds(seconds)

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            try:
                current_session().require_recent_auth(seconds)
            except (StaleAuth, *NOT_LOGGED_IN) as error:
                header = challenge(error, seconds)
            else:
                return current_app.ensure_sync(view)(*args, **kwargs)
            raise Unauthorized(response=FlaskResponse(status=401, headers={"WWW-Authenticate": header}))

        return cast("View", checked)

    return decorate


def _report(opened: FlaskSession, request: Request, reused: str | None) -> None:
    if reused is not None and opened._options.on_reuse is not None:
        opened._options.on_reuse(reused_token(opened._realm, reused, request))


def _changed_cookie(cookie: Cookie, app: Flask) -> Cookie:
    config = app.config
    changed: dict[str, Any] = {}
    if not cookie.has_default_name:
        changed["name"] = cookie.name
    if config["SESSION_COOKIE_NAME"] != "session":
        changed["name"] = config["SESSION_COOKIE_NAME"]
    if config["SESSION_COOKIE_DOMAIN"]:
        changed["domain"] = config["SESSION_COOKIE_DOMAIN"]
    path = config["SESSION_COOKIE_PATH"] or config["APPLICATION_ROOT"]
    if path != "/":
        changed["path"] = path
    if config["SESSION_COOKIE_SAMESITE"] is not None:
        changed["same_site"] = config["SESSION_COOKIE_SAMESITE"]
    if config["SESSION_COOKIE_SECURE"]:
        changed["secure"] = True
    if not config["SESSION_COOKIE_HTTPONLY"]:
        changed["http_only"] = False
    if config.get("SESSION_COOKIE_PARTITIONED"):
        changed["partitioned"] = True
    return dataclasses.replace(cookie, **{"name": None, **changed})


def _untag(value: Any) -> Any:
    if isinstance(value, dict):
        return _TAGS.untag({name: _untag(item) for name, item in value.items()})
    if isinstance(value, list):
        return [_untag(item) for item in value]
    return value
