"""The events of a run: what happens to the servers while clients use sessions."""

import time

from benchmarks.client import Failure
from soaking.keys import NAMES
from soaking.pair import await_that
from soaking.sessions import kid
from soaking.storm import expiry_storm
from stressing.clients import Connection, Refused


def both(soak, *command):
    """Sends a command to both servers, which must reply OK."""
    for node in soak.pair.nodes:
        if (reply := Connection(node.port)(*command)) != "OK":
            soak.find(f"{' '.join(command)} on {node.name} replied {reply}")


def bgsave(soak):
    """BGSAVE on both servers."""
    soak.pair.idle()
    for node in soak.pair.nodes:
        client, before = node.connect(), time.monotonic()
        saves = int(client.info("everything")["rdb_saves"])
        client("BGSAVE")
        await_that("the save ends", lambda client=client: client.info("everything")["rdb_bgsave_in_progress"] == "0")
        info = client.info("everything")
        if info["rdb_last_bgsave_status"] != "ok" or int(info["rdb_saves"]) <= saves:
            soak.find(f"BGSAVE on {node.name} failed")
        soak.note("BGSAVE, ms", (time.monotonic() - before) * 1000)
        soak.note("fork, ms", int(info["latest_fork_usec"]) / 1000)


def rewrite(soak):
    """BGREWRITEAOF on both servers."""
    soak.pair.idle()
    for node in soak.pair.nodes:
        client, before = node.connect(), time.monotonic()
        client("BGREWRITEAOF")
        await_that("the rewrite ends", lambda client=client: client.info("everything")["aof_rewrite_in_progress"] == "0"
                   and client.info("everything")["aof_rewrite_scheduled"] == "0")
        if client.info("everything")["aof_last_bgrewrite_status"] != "ok":
            soak.find(f"BGREWRITEAOF on {node.name} failed")
        soak.note("AOF rewrite, ms", (time.monotonic() - before) * 1000)
        soak.note("fork, ms", int(client.info("everything")["latest_fork_usec"]) / 1000)


def kill_primary(soak):
    """kill -9 of the primary, and a restart from its AOF: it has all that it acknowledged."""
    with soak.disturbed():
        soak.pair.primary.kill()
        began = time.monotonic()
        soak.pair.primary.start()
        soak.note("restart from the AOF, ms", (time.monotonic() - began) * 1000)
        soak.pair.await_link()


def kill_replica(soak):
    """kill -9 of the replica, and a restart."""
    with soak.disturbed():
        soak.pair.replica.kill()
        time.sleep(0.2)  # the primary goes on without it
        soak.pair.replica.start(soak.pair.primary)
        soak.pair.await_link()


def promotion(soak):
    """kill -9 of the primary; the replica takes over, and has all that WAIT confirmed. The old primary follows it."""
    soak.clients.order("run", True)  # from now on each write waits for the replica
    time.sleep(0.5)
    with soak.disturbed():
        soak.pair.primary.kill()
        began = time.monotonic()
        if (reply := soak.pair.replica.connect()("REPLICAOF", "NO", "ONE")) != "OK":
            soak.find(f"REPLICAOF NO ONE replied {reply}")
        soak.pair.swap()
        soak.publish_ports()
        soak.note("promotion, ms", (time.monotonic() - began) * 1000)
        soak.pair.replica.start(soak.pair.primary)
        soak.pair.await_link()
    soak.clients.order("run")


def failover(soak):
    """FAILOVER, which loses nothing."""
    with soak.disturbed():
        primary, replica = soak.pair.primary, soak.pair.replica
        began = time.monotonic()
        command = ("FAILOVER", "TO", "127.0.0.1", str(replica.port), "TIMEOUT", "20000")
        # Refused until the replica has confirmed the stream.
        await_that("FAILOVER", lambda: Connection(primary.port)(*command) == "OK")
        await_that("the replica is the primary", lambda: replica.connect().info("everything")["role"] == "master")
        soak.note("FAILOVER, ms", (time.monotonic() - began) * 1000)
        soak.pair.swap()
        soak.publish_ports()
        soak.pair.await_link()


def reload(soak):
    """JRS.RELOAD of a changed realms file: the new rule is active."""
    interval = soak.keys.change_realms()
    both(soak, "JRS.RELOAD")
    for node in soak.pair.nodes:
        realms = [dict(zip(realm[::2], realm[1::2])) for realm in node.connect()("JRS.REALMS")]
        if {realm["touch-interval"] for realm in realms if realm["name"] != "default"} != {str(interval)}:
            soak.find(f"the realms of {node.name} are not those of the changed file: {realms}")
    soak.check("a reload takes effect")


def broken_reload(soak):
    """JRS.RELOAD of a bad file: it is refused, and the active keys stay."""
    undo = soak.keys.break_file(soak.counts["broken reload"])
    for node in soak.pair.nodes:
        client = Connection(node.port)
        failed = int(client.info("everything")["jrs_keys_reloads_failed"])
        if not isinstance(reply := client("JRS.RELOAD"), Refused):
            soak.find(f"JRS.RELOAD of a bad file on {node.name} replied {reply}")
        info = client.info("everything")
        if info["jrs_keys_last_reload_status"] != "err" or int(info["jrs_keys_reloads_failed"]) != failed + 1:
            soak.find(f"INFO of {node.name} does not show the failed reload")
    time.sleep(0.5)  # the clients work with the old keys
    undo()
    both(soak, "JRS.RELOAD")
    soak.check("a bad file is refused")


def rotate_key(soak):
    """A new signing key, in two rounds; the oldest key is removed when no session needs it any more."""
    number = soak.counts["key rotation"]
    realm = list(NAMES)[number % len(NAMES)]
    soak.keys.add(realm)
    both(soak, "JRS.RELOAD")
    soak.keys.put_first(realm)
    if realm == "sealed":
        soak.keys.add_data_key()
    both(soak, "JRS.RELOAD")
    client = Connection(soak.pair.primary.port)
    new = client("JRS.CREATE", "soak:rotation", "{}", "REALM", realm)
    if kid(new) in soak.kids[realm]:
        soak.find(f"the new key of {realm} does not sign")
    client("JRS.DESTROY", new)
    soak.kids[realm].insert(0, kid(new))
    soak.check("the new key signs")
    if soak.keys.is_full(realm):
        remove_oldest_key(soak, realm)


def remove_oldest_key(soak, realm):
    """Tokens of a removed key are refused."""
    old = soak.kids[realm].pop()
    tokens = [token for sample in soak.clients.order("leave key", old) for token in sample]
    soak.keys.remove_last(realm)
    both(soak, "JRS.RELOAD")
    for node in soak.pair.nodes:
        client = Connection(node.port)
        for token in tokens:
            reply = client("JRS.PEEK", token)
            if not (isinstance(reply, Refused) and reply.startswith("BADTOKEN")):
                soak.find(f"a token of the removed key of {realm} got {reply} on {node.name}")
            soak.check("a token of a removed key is refused")


def unload(soak):
    """MODULE UNLOAD and MODULE LOAD on both servers, without clients, because servers crash otherwise."""
    soak.clients.order("hold")
    for node in soak.pair.nodes:  # the sampler and this connection stay
        await_that("the clients are gone",
                   lambda node=node: len(node.connect()("CLIENT", "LIST", "TYPE", "normal").splitlines()) <= 2)
    for node in (soak.pair.replica, soak.pair.primary):
        client = Connection(node.port)
        if not isinstance(reply := client("MODULE", "UNLOAD", "jrs"), Refused):
            soak.find(f"MODULE UNLOAD was not refused: {reply}")
        client("CONFIG", "SET", "jrs.allow-unload", "yes")
        # Refused while a timer of the module is pending.
        await_that("MODULE UNLOAD", lambda client=client: client("MODULE", "UNLOAD", "jrs") == "OK")
        if not isinstance(reply := client("JRS.REALMS"), Refused):
            soak.find(f"JRS.REALMS after MODULE UNLOAD replied {reply}")
        began = time.monotonic()
        if (reply := client("MODULE", "LOAD", *node.module_arguments)) != "OK":
            raise Failure(f"MODULE LOAD replied {reply}")
        await_that("the index is complete", lambda client=client: client("JRS.COUNT", "soak:nobody") == "0")
        soak.note("MODULE LOAD until the index is complete, ms", (time.monotonic() - began) * 1000)
        if (reply := client("JRS.DEBUG", "INDEX")) != "1":
            soak.find(f"JRS.DEBUG INDEX on {node.name} after MODULE LOAD replied {reply}")
        soak.check("the owner index is exact after MODULE LOAD")
    soak.clients.order("run")


GENTLE = {"BGSAVE": bgsave, "AOF rewrite": rewrite, "reload": reload, "broken reload": broken_reload,
          "key rotation": rotate_key, "expiry storm": expiry_storm, "unload": unload, "failover": failover}
KILLS = {"kill primary": kill_primary, "kill replica": kill_replica, "promotion": promotion}
EVENTS = {**GENTLE, **KILLS}
