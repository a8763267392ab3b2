"""The random commands: what a client sends next."""

import json

OWNERS = [f"user:{number}" for number in range(24)]
DEFAULT, SLOW = "default", ("ES256", "RS256")
REALMS = (DEFAULT, *SLOW)
KEYSPACES = ("sess:", "alt:")  # of the default realm, alternating; other realms use their name and a colon
DATA = ['{"name":"Ann","cart":[17,42],"n":1}', "{}", json.dumps({"n": 2, "text": "x" * 600}), "[1]", "no JSON"]
PATCH = '[{"op":"replace","path":"/n","value":7}]'
CREATES = ("JRS.CREATE", "JRS.ROTATE", "EVAL")  # commands that reply with a token
# Each of these must succeed at least once, otherwise the run proves nothing.
NAMES = ("JRS.CREATE", "JRS.GET", "JRS.PEEK", "JRS.UPDATE", "JRS.TOUCH", "JRS.DESTROY", "JRS.ROTATE", "JRS.MINT", "JRS.LIST",
         "JRS.COUNT", "JRS.REVOKE", "JRS.DESTROYALL", "JRS.INSPECT", "JRS.JWKS", "JRS.REALMS", "EVAL", "EXEC")
SETTINGS = {
    "max-sessions": ("0", "3", "40"), "max-sessions-policy": ("evict-oldest", "reject"), "max-age": ("60", "86400"),
    "touch-interval": ("0", "60"), "token-cache-size": ("0", "4kb", "16mb"), "max-data-size": ("500", "1mb"),
    "crypto-threads": ("1", "2", "4"), "crypto-queue": ("1", "4", "1024"), "keyspace": KEYSPACES,
    "leeway": ("0", "5"), "max-token-size": ("8kb", "4kb", "no size"),
}
DISTURBANCES = ("reload", "set", "set", "set", "keys", "flushall", "flushdb", "swapdb", "kill", "killall", "killreplica",
                "pause", "bgsave", "rewrite", "full", "unload")


class Tokens:
    """The latest tokens of the clients. Thread-safe."""

    def __init__(self, limit=400):
        self.limit, self.all = limit, []

    def add(self, rng, token):
        if len(self.all) < self.limit:
            self.all.append(token)
        else:
            self.all[rng.randrange(self.limit)] = token

    def one(self, rng):
        if not self.all or rng.random() < 0.02:
            return "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"
        token = rng.choice(self.all)
        return token[:-3] + "AAA" if rng.random() < 0.02 else token


def create(rng):
    owner = "" if rng.random() < 0.1 else rng.choice(OWNERS)
    command = ["JRS.CREATE", owner, rng.choice(DATA if rng.random() < 0.2 else DATA[:3])]
    if rng.random() < 0.3:
        command += rng.choice([["EX", "1"], ["PX", "300"], ["EX", "600"], ["EX", "0"]])
    # Mostly slow keys, and sometimes a realm that does not exist.
    return command + ["REALM", rng.choices([*REALMS, "none"], [40, 30, 29, 1])[0]]


def session_command(rng, tokens, seen):
    """One command of JRS, or a plain one on a session. `seen` are keys of sessions."""
    token = tokens.one(rng)
    what = rng.choices(["create", "get", "peek", "update", "touch", "destroy", "rotate", "mint", "list", "revoke",
                         "destroyall", "inspect", "other", "plain", "script"],
                        [24, 20, 6, 10, 5, 5, 8, 4, 4, 2, 2, 4, 4, 6, 4])[0]
    owner, realm = rng.choice(OWNERS), rng.choice(REALMS)
    key = rng.choice(seen) if seen else "sess:none"
    match what:
        case "create":
            return create(rng)
        case "update":
            data = rng.choice([[rng.choice(DATA)], ['{"n":3}', "MERGE"], [PATCH, "PATCH"], ["{}", "IFMATCH", "0" * 16]])
            return ["JRS.UPDATE", token, *data, *rng.choice([[], ["KEEPTTL"], ["EX", "900"], ["PX", "400"]])]
        case "touch":
            return ["JRS.TOUCH", token, *rng.choice([[], ["EX", "900"], ["PX", "400"]])]
        case "rotate":
            options = [[], ["OWNER", owner], ["REAUTH"], ["CLAIMS", '{"role":"editor"}'], ["GRACE", "2000"], ["GRACE", "0"]]
            return ["JRS.ROTATE", token, *rng.choice(options)]
        case "mint":
            options = [["AUDIENCE", "shop", "CLAIMS", '{"iss":"login"}'], [], ["EX", "60"]]
            return ["JRS.MINT", token, *rng.choice(options)]
        case "list":
            return ["JRS.LIST", owner, *rng.choice([[], ["WITHDATA"], ["LIMIT", "3"]]), "REALM", realm]
        case "revoke":
            return ["JRS.REVOKE", key]
        case "destroyall":
            return ["JRS.DESTROYALL", owner, *rng.choice([[], ["REALM", realm], ["EXCEPT", token]])]
        case "other":
            return rng.choice([["JRS.JWKS"], ["JRS.COUNT", owner, "REALM", realm], ["JRS.REALMS"], ["JRS.HELP"],
                                ["INFO", "jrs"], ["JRS.NONE"], ["JRS.GET"]])
        case "plain":
            # Also to and from names of sessions, which the owner index must follow.
            other = rng.choice([rng.choice(seen) if seen else "sess:other", f"elsewhere:{key}"])
            return rng.choice([
                ["GET", key], ["DEL", key], ["SET", "plain:" + owner, "1"], ["UNLINK", key], ["DBSIZE"], ["SET", key, "{}"],
                ["EXPIRE", key, rng.choice(["0", "1", "600"])], ["PERSIST", key], ["GETDEL", key], ["RENAME", key, other],
                ["RENAMENX", key, other], ["COPY", key, other, "REPLACE"], ["MOVE", key, "1"]])
        case "script":
            return ["EVAL", "return redis.call(unpack(ARGV))", "0", *create(rng)]
        case _:
            return [f"JRS.{what.upper()}", *([key] if rng.random() < 0.05 else []), token]


def disturbance(what, rng, ids, key_files):
    """Commands that disturb all clients at once. `ids` are connections of the clients."""
    match what:
        case "reload":
            # Also restores memory: the client that took it may have been killed.
            return [["CONFIG", "SET", "maxmemory", "0"], ["JRS.RELOAD"]]
        case "set":
            name = rng.choice(list(SETTINGS))
            return [["CONFIG", "SET", f"jrs.{name}", rng.choice(SETTINGS[name])]]
        case "keys":
            return [["CONFIG", "SET", "jrs.keys-file", rng.choice(key_files)]]
        case "flushall":
            return [["FLUSHALL", rng.choice(["SYNC", "ASYNC"])]]
        case "flushdb":
            return [["FLUSHDB", rng.choice(["SYNC", "ASYNC"])]]
        case "swapdb":
            return [["SWAPDB", "0", "1"]]
        case "kill":
            return [["CLIENT", "KILL", "ID", rng.choice(ids)]]
        case "killall":
            return [["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]]
        case "killreplica":
            return [["CLIENT", "KILL", "TYPE", "replica"]]
        case "pause":
            return [["CLIENT", "PAUSE", str(rng.randrange(1, 40)), rng.choice(["WRITE", "ALL"])]]
        case "bgsave":
            return [["BGSAVE"]]
        case "rewrite":
            return [["BGREWRITEAOF"]]
        case "full":  # no memory for a moment, while slow commands are in flight
            return [["CONFIG", "SET", "maxmemory", "1mb"], *(create(rng) for _ in range(6)),
                    ["CONFIG", "SET", "maxmemory", "0"]]
        case "unload":
            return [["MODULE", "UNLOAD", "jrs"]]


def batch(rng, tokens, seen, ids, key_files):
    """The commands that a client sends in one write."""
    if rng.random() < 0.002:
        return disturbance(rng.choice(DISTURBANCES), rng, ids, key_files)
    commands = [session_command(rng, tokens, seen) for _ in range(rng.choice([1, 1, 2, 5]))]
    if rng.random() < 0.05:
        return [["MULTI"], *commands, ["EXEC"]]
    return commands
