"""The random operations of a client, each with what the reply must be."""

import json
import math
import time
from collections import Counter

from soaking.model import LOST
from soaking.sessions import MARGIN, canonical, part
from stressing.clients import Refused

# Realm -> the sessions of each client, when it has as many as it should.
TARGETS = {"default": 300, "sealed": 240, "ES256": 160, "RS256": 100}
KEYSPACES = {"default": "sess:", "sealed": "sealed:", "ES256": "ES256:", "RS256": "RS256:"}
SLOW = ("ES256", "RS256")
OWNERS = 12  # of each client
GRACE = 1500  # milliseconds
OPERATIONS = {"get": 30, "peek": 6, "replica": 8, "update": 12, "merge": 6, "if_match": 4, "touch": 5, "rotate": 7,
              "rotate_grace": 2, "change_size": 18, "destroy_all": 0.4, "list": 4, "list_replica": 2, "count": 3,
              "mint": 3, "forged": 3, "wrong_realm": 2, "read_destroyed": 5, "short": 2}


def as_map(reply):
    return dict(zip(reply[::2], reply[1::2])) if isinstance(reply, list) else reply


class Work:
    def __init__(self, link, model, rng, number):
        self.link, self.model, self.rng, self.number = link, model, rng, number
        self.owners = [f"user:{number}:{owner}" for owner in range(OWNERS)]
        self.done = Counter()  # the operations with a good reply, by name
        self.writes = 0

    def step(self):
        name = self.rng.choices(list(OPERATIONS), OPERATIONS.values())[0]
        session = self.model.alive.choose(self.rng)
        if session is None:
            name = "change_size"
        if getattr(self, name)(session) is not False:
            self.done[name] += 1

    def send(self, session_or_realm, *command, **options):
        """The reply to a command, or LOST. An unexpected error is a finding, and LOST as well."""
        realm = getattr(session_or_realm, "realm", session_or_realm)
        name = command[0].removeprefix("JRS.")
        group = f"{name}, slow signature" if realm in SLOW and name in ("CREATE", "ROTATE", "MINT") else name
        reply = self.link.primary(group, *command, **options)
        if isinstance(reply, Refused):
            self.model.find(f"{command[0]} in {realm} replied {reply}",
                            session_or_realm if realm is not session_or_realm else None)
            return LOST
        return reply

    def times(self):
        return self.link.sent, self.link.received

    def new_data(self):
        """Each write has other data, so that a lost one is noticed."""
        self.writes += 1
        return json.dumps({"n": self.writes, "by": self.number, "pad": "x" * self.rng.randrange(20, 400)})

    def new_owner(self):
        """One of the client's owners, now and then none."""
        return "" if self.rng.random() < 0.1 else self.rng.choice(self.owners)

    def create(self, realm, *options, ttl=math.inf):
        owner, data = self.new_owner(), self.new_data()
        reply = self.send(realm, "JRS.CREATE", owner, data, *options, "REALM", realm)
        return self.model.create(realm, owner, data, reply, *self.times(), ttl=ttl)

    def change_size(self, session):
        """Creates a session, or destroys one, towards the number that the client should have."""
        missing = sum(TARGETS.values()) - len(self.model.alive)
        if session is None or self.rng.random() < 0.5 + missing / 100:
            self.create(self.rng.choices(list(TARGETS), TARGETS.values())[0])
        else:
            self.destroy(session)

    def short(self, _):
        ttl = self.rng.choice([1000, 2000, 4000])
        self.create(self.rng.choice(list(TARGETS)), "PX", str(ttl), ttl=ttl / 1000)

    def get(self, session):
        compact = self.rng.random() < 0.3
        reply = self.send(session, "JRS.GET", session.token, *(["COMPACT"] if compact else []))
        if compact and isinstance(reply, list):
            reply = dict(zip(("id", "owner", "data", "claims", "ttl"), reply))
        self.model.read(session, as_map(reply), *self.times(), extends=True)

    def peek(self, session):
        reply = self.send(session, "JRS.PEEK", KEYSPACES[session.realm] + session.id, session.token)
        self.model.read(session, as_map(reply), *self.times(), extends=False)

    def replica(self, session):
        reply = self.link.replica("JRS.PEEK", session.token)
        if isinstance(reply, Refused):
            self.model.find(f"the replica replied {reply}", session)
        elif reply is not LOST:
            return self.model.read(session, as_map(reply), *self.times(), extends=False, where=" on the replica")
        return False

    def update(self, session):
        data = self.new_data()
        reply = self.send(session, "JRS.UPDATE", session.token, data)
        self.model.update(session, data, False, reply, *self.times())

    def merge(self, session):
        self.writes += 1
        data = json.dumps({"n": self.writes, "merged": True})
        reply = self.send(session, "JRS.UPDATE", session.token, data, "MERGE")
        self.model.update(session, data, True, reply, *self.times())

    def if_match(self, session):
        if session.etag is None:
            return self.get(session)
        data, is_right = self.new_data(), self.rng.random() < 0.7
        etag = session.etag if is_right else f"{int(session.etag, 16) ^ 1:016x}"
        if is_right:
            reply = self.send(session, "JRS.UPDATE", session.token, data, "IFMATCH", etag)
        else:
            reply = self.link.primary("UPDATE", "JRS.UPDATE", session.token, data, "IFMATCH", etag)
            self.model.checks["IFMATCH with another etag changes nothing"] += 1
            if isinstance(reply, Refused) and reply.startswith("CONFLICT"):
                return None
            if isinstance(reply, str):
                self.model.find(f"IFMATCH with a wrong etag replied {reply}", session)
        self.model.update(session, data, False, reply, *self.times())
        return None

    def touch(self, session):
        reply = self.send(session, "JRS.TOUCH", session.token)
        self.model.touch(session, reply, *self.times())

    def destroy(self, session):
        reply = self.send(session, "JRS.DESTROY", session.token)
        self.model.destroy(session, reply, *self.times())

    def rotate(self, session):
        reply = self.send(session, "JRS.ROTATE", session.token)
        self.model.rotate(session, reply, *self.times())

    def rotate_grace(self, session):
        old, data = session.token, set(session.data)
        reply = self.send(session, "JRS.ROTATE", old, "GRACE", str(GRACE))
        ends = self.link.sent + GRACE / 1000
        new = self.model.rotate(session, reply, *self.times(), grace=GRACE / 1000)
        if new is None:
            return
        reply, must_live = self.send(session, "JRS.GET", old), new.must_live(self.link.received)
        new.extended(*self.times(), is_certain=False)
        if reply is LOST or self.link.received > ends or not must_live:
            return
        self.model.checks["a token in its grace reads the new session"] += 1
        reply = as_map(reply)
        if reply is None or reply["id"] != new.id or canonical(reply["data"]) not in data:
            self.model.find(f"a token in its grace got {reply}", new)

    def destroy_all(self, session):
        owner, spared = self.rng.choice(self.owners), None
        realm = self.rng.choice(list(TARGETS))
        if self.rng.random() < 0.5 and session.owner and not session.absent and session.ttl == math.inf:
            owner, realm, spared = session.owner, session.realm, session
        self.destroy_owner(realm, owner, spared)

    def destroy_owner(self, realm, owner, spared=None):
        def may_be_partial():
            self.model.destroy_all(realm, owner, spared, LOST, 0, 0)

        options = ["EXCEPT", spared.token] if spared else []
        reply = self.send(realm, "JRS.DESTROYALL", owner, *options, "REALM", realm, on_refused=may_be_partial)
        self.model.destroy_all(realm, owner, spared, reply, *self.times())

    def list(self, _):
        realm, owner = self.rng.choice(list(TARGETS)), self.rng.choice(self.owners)
        reply = self.send(realm, "JRS.LIST", owner, "REALM", realm)
        if reply is not LOST:
            self.model.list(realm, owner, [entry[1] for entry in reply], None, *self.times())

    def list_replica(self, _):
        realm, owner = self.rng.choice(list(TARGETS)), self.rng.choice(self.owners)
        reply = self.link.replica("JRS.LIST", owner, "REALM", realm)
        if isinstance(reply, Refused):
            self.model.find(f"JRS.LIST on the replica replied {reply}")
        elif reply is not LOST:
            ids = [entry[1] for entry in reply]
            return self.model.list(realm, owner, ids, None, *self.times(), where=" on the replica")
        return False

    def count(self, _):
        realm, owner = self.rng.choice(list(TARGETS)), self.rng.choice(self.owners)
        reply = self.send(realm, "JRS.COUNT", owner, "REALM", realm)
        if reply is not LOST:
            self.model.checks["JRS.LIST and JRS.COUNT agree with the model"] += 1
            self.model.counted(realm, owner, int(reply), *self.times())

    def mint(self, session):
        if not session.owner:
            return False
        reply = self.send(session, "JRS.MINT", session.token, "AUDIENCE", "shop", "CLAIMS", '{"iss":"login"}')
        if reply is None:
            # Also if the session ends within the current second.
            if session.must_live(self.link.received + 1):
                self.model.find("JRS.MINT replied null", session)
        elif reply is not LOST:
            self.refused(reply, "an access token")
            if (part(reply, 0)["typ"], part(reply, 1)["sid"]) != ("at+jwt", session.id):
                self.model.find("the access token is not of its session", session)
        session.extended(*self.times(), is_certain=False)
        return None

    def refused(self, token, what, *before, word="BADTOKEN"):
        """A token that no command may accept."""
        command = self.rng.choice(["JRS.GET", "JRS.UPDATE", "JRS.DESTROY", "JRS.ROTATE", "JRS.PEEK"])
        reply = self.link.primary("bad token", command, *before, token, *(["{}"] if command == "JRS.UPDATE" else []))
        self.model.checks[f"{what} is refused"] += 1
        if reply is not LOST and not (isinstance(reply, Refused) and reply.startswith(word)):
            self.model.find(f"{command} of {what} replied {reply}")

    def forged(self, session):
        header, claims, signature = session.token.split(".")
        flipped = ("A" if signature[5] != "A" else "B").join([signature[:5], signature[6:]])
        token = self.rng.choice([f"{header}.{claims}.{flipped}", f"{header}.{claims}.", session.token[:-9],
                                 "eyJhbGciOiJub25lIn0.e30.", f"Bearer {session.token}"])
        self.refused(token, "a forged token")

    def wrong_realm(self, session):
        """A token of one realm is never accepted in another."""
        other = self.model.alive.choose(self.rng)
        if other.realm == session.realm:
            return False
        match self.rng.randrange(3):
            case 0:  # the claims of one with the header and the key of the other
                swapped = f"{other.token.split('.')[0]}.{'.'.join(session.token.split('.')[1:])}"
                self.refused(swapped, "a token with the header of another realm")
            case 1:
                key = KEYSPACES[other.realm] + session.id
                self.refused(session.token, "a token with a key of another realm", key, word="WRONGKEY")
            case 2 if session.owner and session.must_live(self.link.received + 5):
                reply = self.link.primary("bad token", "JRS.DESTROYALL", session.owner, "EXCEPT", session.token,
                                          "REALM", other.realm)
                self.model.checks["EXCEPT with a token of another realm is refused"] += 1
                if reply is not LOST and not (isinstance(reply, Refused) and reply.startswith("BADTOKEN")):
                    self.model.find(f"EXCEPT with a token of another realm replied {reply}", session)
        return None

    def read_destroyed(self, _):
        if destroyed := self.model.choose_destroyed():
            # In its grace, JRS.GET would extend the new session.
            command = "JRS.GET" if time.time() > destroyed.after + MARGIN else "JRS.PEEK"
            reply = self.send(destroyed.realm, command, destroyed.token)
            return self.model.read_destroyed(destroyed, as_map(reply), self.link.sent)
        return False
