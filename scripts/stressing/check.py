"""Checks after a run: the owner index equals the keyspace, lists and counts name exactly the sessions, and the replica has
exactly the same keys."""

import re
from collections import Counter

from benchmarks.client import encode
from stressing.clients import Connection, Refused
from stressing.commands import DEFAULT, KEYSPACES, OWNERS, SLOW

KEYSPACE_OF = {name: f"{name}:" for name in SLOW}
SESSION = re.compile(r"([^{]*:)\{([^{}]*)\}:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DEFECT = re.compile(r"BUG REPORT|ASSERTION FAILED|crashed by signal|Guru Meditation|<jrs> caught a panic|panicked",
                    re.IGNORECASE)
SHOWN = 3  # the number of names in a finding


def log_findings(what, log):
    lines = [line for line in log.read_text(errors="replace").splitlines() if DEFECT.search(line)]
    return [f"{what}'s log: {line}" for line in lines[:SHOWN]]


def keys(connection):
    """The names of all keys of the selected database that have not expired."""
    cursor, found = "0", set()
    while True:
        cursor, names = connection("SCAN", cursor, "COUNT", "1000")
        found.update(names)
        if cursor == "0":
            return found


def pipeline(connection, commands):
    replies = []
    for start in range(0, len(commands), 500):
        part = commands[start:start + 500]
        connection.socket.sendall(b"".join(map(encode, part)))
        replies += [connection.reply() for _ in part]
    return replies


def settled(primary):
    """Waits until the replica has everything that was written before. A timeout is a finding."""
    primary("SET", "stress:end", "1")
    reply = primary("WAIT", "1", "20000")
    return [] if reply == "1" else [f"the replica does not catch up: WAIT replied {reply}"]


def between(what, least, found, most):
    """Findings unless `found` has all of `least` and nothing outside `most`. Keys that expire meanwhile may be missing."""
    findings = []
    if missing := sorted(least - found):
        findings.append(f"{what}: {len(missing)} missing, such as {missing[:SHOWN]}")
    if extra := sorted(found - most):
        findings.append(f"{what}: {len(extra)} too many, such as {extra[:SHOWN]}")
    return findings


def same_keys(primary, replica):
    before, on_replica, after = keys(primary), keys(replica), keys(primary)
    findings = between("keys of the replica", after, on_replica, before)
    both = sorted(after & on_replica)
    reads = [["GET", key] for key in both]
    reads += [["PEXPIRETIME", key] for key in both]
    # The replica first: it had every key that the primary still has afterwards.
    there, here = pipeline(replica, reads), pipeline(primary, reads)
    alive = pipeline(primary, [["EXISTS", key] for key in both]) * 2
    other = [read for read, mine, its, lives in zip(reads, here, there, alive) if lives == "1" and mine != its]
    if other:
        findings.append(f"values and expiry times of the replica: {len(other)} differ, such as {other[:SHOWN]}")
    return findings, len([key for key in after if SESSION.fullmatch(key)])


def exact_index(what, connection):
    """Checks JRS.DEBUG INDEX, and JRS.LIST and JRS.COUNT of each owner in each keyspace against the keys."""
    findings = []
    if (reply := connection("JRS.DEBUG", "INDEX")) != "1":
        findings.append(f"{what}: JRS.DEBUG INDEX replied {reply}")
    for realm, keyspace in [*((DEFAULT, keyspace) for keyspace in KEYSPACES), *KEYSPACE_OF.items()]:
        if realm == DEFAULT:
            connection("CONFIG", "SET", "jrs.keyspace", keyspace)

        def sessions():
            matches = filter(None, map(SESSION.fullmatch, keys(connection)))
            return {match[0]: match[2] for match in matches if match[1] == keyspace}

        before = sessions()
        owners = sorted({*OWNERS, *before.values()})
        lists = pipeline(connection, [["JRS.LIST", owner, "REALM", realm] for owner in owners])
        refused = [f"{what}: JRS.LIST {owner} REALM {realm}: {reply}" for owner, reply in zip(owners, lists)
                   if isinstance(reply, Refused)]
        findings += refused[:SHOWN]
        listed = [keyspace + entry[1] for reply in lists if not isinstance(reply, Refused) for entry in reply]
        if len(listed) != len(set(listed)):
            findings.append(f"{what}: JRS.LIST names a session twice")
        counts = pipeline(connection, [["JRS.COUNT", owner, "REALM", realm] for owner in owners])
        after = sessions()
        findings += between(f"{what}: JRS.LIST in {keyspace}", set(after), set(listed), set(before))
        least, most = Counter(after.values()), Counter(before.values())
        wrong = [f"{what}: JRS.COUNT {owner} in {keyspace} is {count}, not {least[owner]} to {most[owner]}"
                 for owner, count in zip(owners, counts)
                 if isinstance(count, Refused) or not least[owner] <= int(count) <= most[owner]]
        findings += wrong[:SHOWN]
    return findings


def look(primary_port, replica_port, key_file):
    """All findings, and the number of sessions with an owner."""
    primary, replica = Connection(primary_port), Connection(replica_port)
    findings, sessions = [], 0
    for command in (["CLIENT", "UNPAUSE"], ["CONFIG", "SET", "maxmemory", "0"], ["CONFIG", "SET", "jrs.keys-file", key_file],
                    ["JRS.RELOAD"]):
        if (reply := primary(*command)) != "OK":
            findings.append(f"{' '.join(command)} replied {reply}")
    for database in ("0", "1"):
        primary("SELECT", database), replica("SELECT", database)
        findings += settled(primary)
        found, count = same_keys(primary, replica)
        findings += found + exact_index("primary", primary) + settled(primary) + exact_index("replica", replica)
        sessions += count
    # Only now: a client that waits for a signature refuses it, too.
    if not isinstance(reply := primary("MODULE", "UNLOAD", "jrs"), Refused):
        findings.append(f"MODULE UNLOAD was not refused: {reply}")
    primary.close(), replica.close()
    return findings, sessions


def blind(primary_port, replica_port, key_file):
    """Plants faults one by one, and returns the names of those that look() does not find."""
    primary, replica = Connection(primary_port), Connection(replica_port)
    for connection in (primary, replica):
        connection("CONFIG", "SET", "jrs.keyspace", KEYSPACES[0])
    for command in (["FLUSHALL"], ["CONFIG", "SET", "jrs.max-sessions", "0"], ["CONFIG", "SET", "jrs.max-age", "600"]):
        primary(*command)
    for _ in range(3):
        primary("JRS.CREATE", OWNERS[0], "{}")
    first = KEYSPACES[0] + primary("JRS.LIST", OWNERS[0], "LIMIT", "1")[0][1]
    missed = [] if not (found := look(primary_port, replica_port, key_file)[0]) else [f"none planted, but {found}"]
    replica("CONFIG", "SET", "replica-read-only", "no")
    # A list under the name of a session: its name is in the index, and JRS.LIST and JRS.COUNT leave it out.
    unlisted = first[:-1] + ("0" if first[-1] != "0" else "1")
    restore = [["SET", first, "{}", "PXAT", primary("PEXPIRETIME", first)]]
    plants = {"a key that only the replica lacks": (replica, ["DEL", first], restore),
              "a key that only the replica has": (replica, ["SET", "more", "1"], [["DEL", "more"]]),
              "a value that only the replica has": (replica, ["SET", first, "planted", "KEEPTTL"], restore),
              "an expiry that only the replica changed": (replica, ["PERSIST", first], restore),
              "a session that the lists lack": (primary, ["RPUSH", unlisted, "1"], [["DEL", unlisted]])}
    for name, (connection, plant, undo) in plants.items():
        connection(*plant)
        if not look(primary_port, replica_port, key_file)[0]:
            missed.append(name)
        for command in undo:
            connection(*command)
        # Otherwise the next check would find this fault instead of its own.
        missed += [f"{name} is undone, but {found}" for found in look(primary_port, replica_port, key_file)[0]]
    return missed
