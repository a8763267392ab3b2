"""What the sessions of one middleware have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Callable

from ._renewals import Renewals
from ._token import unverified_claims

if TYPE_CHECKING:
    from .cookie import Cookie

NO_CLAIMS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class ReusedToken:
    """A token that came again after its grace. Its session was destroyed, because the token may be stolen."""

    owner: str
    claims: Mapping[str, Any] = field(repr=False)
    request: Any = field(repr=False)
    """The request of the framework that had the token."""


@dataclass(frozen=True)
class Options:
    """What the sessions of one middleware have in common."""

    cookie: Cookie | None
    bearer: bool = False
    auto_save: bool = True
    fail_open: bool = False
    on_reuse: Callable[[ReusedToken], Any] | None = None
    owner_field: str | None = None
    """A field that holds the owner, set by a login that knows nothing of owners. The session follows it when saved."""
    ttl: int | None = None
    """The idle time in seconds of new sessions, instead of the realm's."""
    renewals: Renewals = field(default_factory=Renewals, repr=False, compare=False)

    @property
    def token_source(self) -> tuple[str | None, bool]:
        """Where the token of a request is: the name of the cookie, and whether it may be a bearer token."""
        return (None if self.cookie is None else self.cookie.name), self.bearer


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a token that the server has just made or verified."""
    return unverified_claims(token) or NO_CLAIMS
