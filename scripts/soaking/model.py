"""What one client knows of its sessions: it is the only writer of its owners. A reply that contradicts it is a finding.

Each method gets the reply to a command, or LOST if the connection was lost before the reply: then the command may have
run.
"""

import json
import math
from collections import Counter, defaultdict, deque

from soaking.sessions import MARGIN, DestroyedSession, Pool, Session, canonical, part

LOST = object()
SHOWN = 20  # findings that a client keeps
RECENT, OLD = 600, 300  # destroyed sessions that a client remembers: the latest, and a sample of the others


class Model:
    def __init__(self, rng):
        self.rng = rng
        self.alive = Pool()
        self.owners = defaultdict(dict)  # (realm, owner) -> {id: session}
        self.unknown = Counter()  # (realm, owner) -> creates without a reply
        self.unknown_anonymous = 0  # the same for sessions without an owner, for good
        self.recent, self.old = deque(), []
        self.destroyed_count = 0
        self.findings = []
        self.checks = Counter()  # how often each invariant was checked

    def find(self, problem, session=None):
        if len(self.findings) < SHOWN:
            self.findings.append(f"{problem}{f' [{session}]' if session else ''}")

    def create(self, realm, owner, data, reply, sent, received, ttl=math.inf):
        if reply is LOST:
            self._unknown(realm, owner)
            return None
        return self._add(realm, owner, reply, {canonical(data)}, ttl, sent + ttl, received + ttl)

    def _add(self, realm, owner, token, data, ttl, earliest, latest):
        claims = part(token, 1)
        self.checks["a new token names its owner"] += 1
        if claims.get("sub", "") != owner or not claims["jti"].startswith(f"{{{owner}}}:" if owner else ""):
            self.find(f"the token of {owner!r} has the claims {claims}")
        session = Session(realm, owner, token, claims["jti"], data, ttl, earliest, latest)
        if owner and session.id in self.owners[realm, owner]:
            self.find("a new id is not new", session)
        self.alive.add(session)
        self.owners[realm, owner][session.id] = session
        session.history.append("created")
        return session

    def _unknown(self, realm, owner):
        if owner:
            self.unknown[realm, owner] += 1
        else:
            self.unknown_anonymous += 1

    def remove(self, session, after, why, is_destroyed=True):
        """The session is gone. Its token must find nothing after this time."""
        self.alive.remove(session)
        del self.owners[session.realm, session.owner][session.id]
        if is_destroyed:
            why = f"{why} ({', '.join(session.history)})"
            self.recent.append(DestroyedSession(session.realm, session.token, after, why))
            self.destroyed_count += 1
        if len(self.recent) > RECENT:
            oldest = self.recent.popleft()
            if len(self.old) < OLD:
                self.old.append(oldest)
            elif (place := self.rng.randrange(self.destroyed_count)) < OLD:
                self.old[place] = oldest

    def choose_destroyed(self):
        """A session that was destroyed, or None."""
        group = self.old if self.old and self.rng.random() < 0.5 else self.recent
        return self.rng.choice(group) if group else None

    def forget(self, is_forgotten):
        """Forgets destroyed sessions, and returns some of their tokens."""
        forgotten = [destroyed for destroyed in [*self.recent, *self.old] if is_forgotten(destroyed)]
        self.recent = deque(destroyed for destroyed in self.recent if not is_forgotten(destroyed))
        self.old = [destroyed for destroyed in self.old if not is_forgotten(destroyed)]
        return [destroyed.token for destroyed in forgotten[:SHOWN]]

    def read_destroyed(self, destroyed, reply, sent):
        if sent > destroyed.after + MARGIN and reply is not LOST:
            self.checks["a destroyed session stays destroyed"] += 1
            if reply is not None:
                self.find(f"a session of {destroyed.realm} is back: {reply}; {destroyed.why}")

    def _null(self, session, sent, received, command):
        """The reply was null."""
        if session.must_live(received):
            self.find(f"{command} replied null", session)
        self.remove(session, received, f"{command} replied null")

    def _found(self, session, sent, command):
        """The reply showed the session."""
        if not session.may_live(sent):
            self.find(f"{command} found an expired session", session)
        session.absent = False
        session.history.append(command.removeprefix("JRS."))

    def read(self, session, reply, sent, received, extends, where=""):
        """A reply of GET or PEEK as a map."""
        self.checks[f"a session is readable with its data{where}"] += 1
        if reply is LOST:
            if extends:
                session.extended(sent, received, is_certain=False)
        elif reply is None:
            self._null(session, sent, received, f"JRS.GET{where}")
        else:
            self._found(session, sent, f"JRS.GET{where}")
            if (reply["id"], reply["owner"]) != (session.id, session.owner):
                self.find(f"JRS.GET{where} replied with another session: {reply['id']}", session)
            data = canonical(reply["data"])
            if data not in session.data:
                self.find(f"JRS.GET{where} replied with other data: {data}", session)
            session.data = {data}
            session.etag = reply.get("etag", session.etag)
            if extends:
                session.extended(sent, received, is_certain=False)

    def update(self, session, data, is_merge, reply, sent, received):
        """JRS.UPDATE, with MERGE or without."""
        if reply is None:
            self._null(session, sent, received, "JRS.UPDATE")
            return
        if is_merge:
            changed = {canonical(json.dumps(json.loads(old) | json.loads(data))) for old in session.data}
        else:
            changed = {canonical(data)}
        if reply is LOST:
            session.data |= changed
            session.etag = None
            session.history.append("update without a reply")
            session.extended(sent, received, is_certain=False)
        else:
            self._found(session, sent, "JRS.UPDATE")
            session.data, session.etag = changed, reply
            session.extended(sent, received, is_certain=True)

    def touch(self, session, reply, sent, received):
        if reply is None:
            self._null(session, sent, received, "JRS.TOUCH")
        else:
            if reply is not LOST:
                self._found(session, sent, "JRS.TOUCH")
            session.extended(sent, received, is_certain=reply is not LOST)

    def destroy(self, session, reply, sent, received):
        if reply is LOST:
            session.absent = True
            session.history.append("destroy without a reply")
            return
        if reply == "0" and session.must_live(received):
            self.find("JRS.DESTROY replied 0", session)
        elif reply == "1":
            self._found(session, sent, "JRS.DESTROY")
        self.remove(session, received, "destroyed")

    def rotate(self, session, reply, sent, received, grace=0.0):
        """Returns the session of the new token, if there is one. `grace` is in seconds."""
        if reply is None:
            self._null(session, sent, received, "JRS.ROTATE")
        elif reply is LOST:
            session.absent = True
            session.history.append("rotate without a reply")
            self._unknown(session.realm, session.owner)
        else:
            self._found(session, sent, "JRS.ROTATE")
            self.remove(session, received + grace, "rotated")
            return self._add(session.realm, session.owner, reply, session.data, session.ttl, session.earliest,
                             session.latest)
        return None

    def list(self, realm, owner, ids, count, sent, received, where=""):
        """JRS.LIST and JRS.COUNT of an owner; `count` is None where it was not asked for."""
        self.checks[f"JRS.LIST and JRS.COUNT agree with the model{where}"] += 1
        known, listed = self.owners[realm, owner], set(ids)
        if len(listed) < len(ids):
            self.find(f"JRS.LIST {owner} of {realm}{where} names a session twice")
        if len(listed - set(known)) > self.unknown[realm, owner]:
            self.find(f"JRS.LIST {owner} of {realm}{where} has {sorted(listed - set(known))[:3]}, which were not"
                      f" created; {self.unknown[realm, owner]} creates have no reply")
        for session in list(known.values()):
            if session.id in listed:
                self._found(session, sent, f"JRS.LIST{where}")
            else:
                self._null(session, sent, received, f"JRS.LIST{where}")
        self.counted(realm, owner, count, sent, received, where)

    def counted(self, realm, owner, count, sent, received, where=""):
        if count is not None:
            least = sum(session.must_live(received) for session in self.owners[realm, owner].values())
            most = sum(session.may_live(sent) for session in self.owners[realm, owner].values())
            if not least <= count <= most + self.unknown[realm, owner]:
                self.find(f"JRS.COUNT {owner} of {realm}{where} is {count}, not {least} to {most}")

    def destroy_all(self, realm, owner, spared, reply, sent, received):
        """JRS.DESTROYALL, with EXCEPT for the spared session."""
        known = [session for session in self.owners[realm, owner].values() if session is not spared]
        if reply is LOST:
            for session in known:
                session.absent = True
                session.history.append("destroyall without a reply")
            return
        least = sum(session.must_live(received) for session in known)
        most = sum(session.may_live(sent) for session in known) + self.unknown[realm, owner]
        self.checks["JRS.DESTROYALL destroys exactly the sessions of the owner"] += 1
        if not least <= int(reply) <= most:
            self.find(f"JRS.DESTROYALL {owner} of {realm} replied {reply}, not {least} to {most}")
        for session in known:
            self.remove(session, received, "JRS.DESTROYALL")
        self.unknown[realm, owner] = 0
