"""What all clients do while nothing else happens: have their usual number of sessions, and check all that they know."""

import math
from collections import Counter

from soaking.link import PRIMARY, REPLICA
from soaking.sessions import kid, part
from soaking.work import KEYSPACES, TARGETS, as_map
from stressing.clients import Refused

BATCH = 200  # commands in one write
ANONYMOUS = 10  # one of this many sessions has no owner


def surplus(model):
    """How many sessions the client has too many, by realm and whether they have an owner."""
    counts = Counter((session.realm, bool(session.owner)) for session in model.alive)
    targets = {(realm, has_owner): target - target // ANONYMOUS if has_owner else target // ANONYMOUS
               for realm, target in TARGETS.items() for has_owner in (True, False)}
    return {kind: counts[kind] - target for kind, target in targets.items()}


def destroy_unknown(work):
    """Destroys the sessions that no token names, because the reply was lost, with all others of their owner."""
    for (realm, owner), count in list(work.model.unknown.items()):
        if count:
            work.destroy_owner(realm, owner)


def even_out(work):
    """Brings the client to its usual number of sessions in each realm, without short ones."""
    model = work.model
    destroy_many(work, [session for session in model.alive if session.ttl < math.inf or session.absent])
    destroy_unknown(work)
    for (realm, has_owner), more in surplus(model).items():
        same = [session for session in model.alive if (session.realm, bool(session.owner)) == (realm, has_owner)]
        destroy_many(work, same[:max(more, 0)])
        create_many(work, realm, has_owner, -more)
    sessions = list(model.alive)
    return {"sessions": len(sessions), "with an owner": sum(bool(session.owner) for session in sessions),
            "unknown_anonymous": model.unknown_anonymous}


def destroy_many(work, sessions):
    commands = [["JRS.DESTROY", session.token] for session in sessions]
    for session, reply in zip(sessions, replies(work, PRIMARY, commands)):
        work.model.destroy(session, reply, *work.times())


def create_many(work, realm, has_owner, count):
    made = [(work.rng.choice(work.owners) if has_owner else "", work.new_data()) for _ in range(count)]
    commands = [["JRS.CREATE", owner, data, "REALM", realm] for owner, data in made]
    for (owner, data), reply in zip(made, replies(work, PRIMARY, commands)):
        work.model.create(realm, owner, data, reply, *work.times())


def leave_key(work, old):
    """Gives the sessions of an old key new tokens, before the key is removed. Returns some of the old tokens."""
    for session in work.model.alive:
        if kid(session.token) == old:
            work.rotate(session)
    return work.model.forget(lambda destroyed: kid(destroyed.token) == old)


def sample(work):
    """The keys of a session and of a destroyed one, both with an owner."""
    alive = next(session for session in work.model.alive if session.owner)
    claims = [part(destroyed.token, 1) | {"realm": destroyed.realm} for destroyed in work.model.recent
              if destroyed.why.startswith("destroyed")]
    destroyed = next(each for each in claims if "sub" in each and "jrs_chain" not in each)
    return KEYSPACES[alive.realm] + alive.id, KEYSPACES[destroyed["realm"]] + destroyed["jti"]


def verify(work):
    """Checks everything that the client knows, on both servers."""
    model = work.model
    if not work.link.catch_up():
        model.find("the replica does not catch up before a check")
    for role, where in ((PRIMARY, ""), (REPLICA, " on the replica")):
        sessions = list(model.alive)
        for session, reply in zip(sessions, replies(work, role, [["JRS.PEEK", each.token] for each in sessions])):
            model.read(session, as_map(reply), *work.times(), extends=False, where=where)
        many = [*model.recent, *model.old]
        for destroyed, reply in zip(many, replies(work, role, [["JRS.PEEK", each.token] for each in many])):
            model.read_destroyed(destroyed, as_map(reply), work.link.sent)
        places = [(realm, owner) for realm in TARGETS for owner in work.owners]
        both = [[name, owner, "REALM", realm] for realm, owner in places for name in ("JRS.LIST", "JRS.COUNT")]
        answers = replies(work, role, both)
        for realm, owner in places:
            ids, count = [entry[1] for entry in next(answers)], int(next(answers))
            model.list(realm, owner, ids, count, *work.times(), where)


def replies(work, role, commands):
    """Yields the replies of a server, which refuses nothing now. The times of the link are those of the batch."""
    for start in range(0, len(commands), BATCH):
        for reply in work.link.exchange(role, *commands[start:start + BATCH]):
            if isinstance(reply, Refused):
                raise ValueError(f"at a check a server replied {reply}")
            yield reply
