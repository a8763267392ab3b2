"""The errors of a request's session. They are raised without a command, or after one that found no session."""

from __future__ import annotations

from .errors import JRSError

__all__ = ["CookieTooLarge", "HeadersSent", "NoOwner", "NoSession", "SessionEnded"]


class NoSession(JRSError):
    """The request has no session to act on."""


class NoOwner(JRSError):
    """The session is anonymous, and the method needs an owner."""


class SessionEnded(JRSError):
    """The session has expired or was destroyed. Nothing was written."""


class CookieTooLarge(JRSError):
    """The token does not fit into the cookie, so the session was destroyed. Use fewer claims and more fields."""


class HeadersSent(JRSError):
    """The session would get a new token after the headers of the response, which set the cookie."""
