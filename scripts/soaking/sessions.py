"""What a client knows of one session, and a set of sessions to choose from."""

import base64
import json
import math
from collections import deque
from dataclasses import dataclass, field

MARGIN = 0.25  # seconds by which the server's clock may differ from the moments that a client sees


def part(token, number):
    """The header (0) or the claims (1) of a token."""
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def kid(token):
    return part(token, 0)["kid"]


def canonical(data):
    """One text for all JSON texts of the same value: a merge may change white space."""
    return json.dumps(json.loads(data), sort_keys=True)


@dataclass(eq=False)
class Session:
    """The states that a session may be in."""

    realm: str
    owner: str
    token: str
    id: str
    data: set  # what it may hold, as canonical JSON
    ttl: float = math.inf  # of a session that expires during the run, in seconds
    earliest: float = math.inf  # it does not expire before this time
    latest: float = math.inf  # it has expired after this time
    absent: bool = False  # it may not exist, because a reply was lost
    etag: str | None = None  # of its data, if that is known
    history: deque = field(default_factory=lambda: deque(maxlen=6))

    def must_live(self, received):
        """Whether a reply at this time must show the session."""
        return not self.absent and received < self.earliest - MARGIN

    def may_live(self, sent):
        """Whether a command that was sent at this time may find the session."""
        return sent <= self.latest + MARGIN

    def extended(self, sent, received, is_certain):
        """The session was used. A command that skips small extensions is not certain to have moved the expiry."""
        if self.ttl < math.inf:
            if is_certain:
                self.earliest = sent + self.ttl
            self.latest = received + self.ttl

    def __str__(self):
        states = " or ".join(sorted(data[:60] for data in self.data))
        absent = "absent, or " if self.absent else ""
        return f"{self.realm} {self.id}: {absent}alive with {states} ({', '.join(self.history)})"


@dataclass(eq=False)
class DestroyedSession:
    """A session that was destroyed or rotated."""

    realm: str
    token: str
    after: float  # its token finds nothing from this time on: the end of the grace of a rotation
    why: str


class Pool:
    """A set with a quick random choice."""

    def __init__(self):
        self.items, self.places = [], {}

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(list(self.items))

    def add(self, item):
        self.places[item] = len(self.items)
        self.items.append(item)

    def remove(self, item):
        place, last = self.places.pop(item), self.items.pop()
        if last is not item:
            self.items[place] = last
            self.places[last] = place

    def choose(self, rng):
        return rng.choice(self.items) if self.items else None
