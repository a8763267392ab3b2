"""The realm of a client: its settings on the server, which are requested once and then kept."""

from __future__ import annotations

import time
import uuid

from . import _replies
from ._command import Command, Operation
from .errors import JRSError, UnknownRealm
from .models import Realm

DEFAULT = "default"

# After this many seconds the settings are requested again: they can change while the application runs.
REFRESH_INTERVAL = 60.0

# `WRONGKEY` does not request them more often: tokens of other realms cause it too.
MIN_REFRESH_INTERVAL = 1.0

# In a cluster the owner decides on which node a session is, so anonymous sessions get a random owner with this prefix.
ANONYMOUS = "anonymous:"


class CurrentRealm:
    """The realm of a client. Threads may share it: two that need the settings at once both request them."""

    def __init__(self, name: str, library: str, *, cluster: bool) -> None:
        self.name = name
        self.library = library
        self.cluster = cluster
        self._settings: Realm | None = None
        self._requested_at = float("-inf")

    def settings(self) -> Operation[Realm]:
        """The settings. Only the first calls, and one a minute, send a command."""
        if self._settings is None:
            return (yield from self.refresh())
        if time.monotonic() - self._requested_at > REFRESH_INTERVAL:
            known = self._settings
            try:
                return (yield from self.refresh())
            except JRSError:
                return known
        return self._settings

    def refreshed_after_wrong_key(self) -> Operation[Realm]:
        """The settings, requested again unless they are less than a second old."""
        if self._settings is not None and time.monotonic() - self._requested_at < MIN_REFRESH_INTERVAL:
            return self._settings
        return (yield from self.refresh())

    def refresh(self) -> Operation[Realm]:
        """Requests the settings.

        Raises:
            UnknownRealm: the server does not have this realm.
        """
        self._requested_at = time.monotonic()
        realms = _replies.realms((yield Command(("JRS.REALMS",), nodes="any")))
        for realm in realms:
            if realm.name == self.name:
                self._settings = realm
                return realm
        raise UnknownRealm(f"the server has no realm {self.name!r}: add it to the file of the setting jrs.realms-file")

    def option(self) -> tuple[str, ...]:
        """The words that name the realm in a command."""
        return () if self.name == DEFAULT else ("REALM", self.name)

    def owner_to_server(self, owner: str) -> str:
        """The owner to send for a new session."""
        if not self.cluster:
            return owner
        if owner == "":
            return ANONYMOUS + str(uuid.uuid4())
        if owner.startswith(ANONYMOUS):
            raise ValueError(f"in a cluster, an owner must not begin with {ANONYMOUS!r}")
        return owner

    def owner_from_server(self, owner: str) -> str:
        """The owner as the application sees it."""
        return "" if self.cluster and owner.startswith(ANONYMOUS) else owner
