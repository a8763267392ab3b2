"""Which sessions have got their cookie a short time ago."""

from __future__ import annotations

from threading import Lock

MAX_IDS = 10_000
"""How many ids a generation has."""


class Renewals:
    """The ids of the sessions whose cookie this process has set, and when. Threads may share it.

    The memory is bounded: there are two generations, and when the newer one is full, it becomes the older one.
    """

    def __init__(self, max_ids: int = MAX_IDS) -> None:
        self._max_ids = max_ids
        self._newer: dict[str, float] = {}
        self._older: dict[str, float] = {}
        self._lock = Lock()

    def add(self, session_id: str, now: float) -> None:
        """Call when the cookie of a session is set. Times are seconds of one clock."""
        with self._lock:
            if len(self._newer) >= self._max_ids and session_id not in self._newer:
                self._older, self._newer = self._newer, {}
            self._newer[session_id] = now

    def is_recent(self, session_id: str, now: float, seconds: float) -> bool:
        """Whether the cookie of a session was set at most these seconds ago."""
        with self._lock:
            set_at = self._newer.get(session_id, self._older.get(session_id))
        return set_at is not None and now - set_at < seconds
