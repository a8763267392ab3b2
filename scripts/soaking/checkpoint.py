"""A checkpoint: the clients pause, everything is compared, and memory is measured with as many sessions as always."""

import time

from soaking.figures import own_memory
from soaking.pair import await_that
from soaking.control import CHECK
from stressing.check import SESSION, keys, log_findings, same_keys, settled
from stressing.clients import Connection


def checkpoint(soak):
    """Leaves the clients paused, with as many sessions as always."""
    soak.control.enter(CHECK)
    totals = soak.clients.order("even out")
    if not totals:
        return
    names = ("sessions", "with an owner", "unknown_anonymous")
    sessions, owned, unknown_anonymous = (sum(total[name] for total in totals) for name in names)
    primary, replica = (Connection(node.port) for node in (soak.pair.primary, soak.pair.replica))
    for finding in settled(primary):
        soak.find(finding)
    soak.clients.order("verify")
    findings, _ = same_keys(primary, replica)
    soak.check("the replica has exactly the keys, values and expiry times of the primary")
    for finding in findings:
        soak.find(finding)
    compare_counts(soak, primary, sessions, owned, unknown_anonymous)
    for node, connection in ((soak.pair.primary, primary), (soak.pair.replica, replica)):
        soak.check("the owner index agrees with the keys")
        if (reply := connection("JRS.DEBUG", "INDEX")) != "1":
            soak.find(f"JRS.DEBUG INDEX on {node.name} replied {reply}")
        if (active := int(connection.info("everything")["jrs_sessions_active"])) != owned:
            soak.find(f"INFO of {node.name} shows {active} sessions with an owner, the clients know {owned}")
    scan_logs(soak)
    measure(soak)


def compare_counts(soak, primary, sessions, owned, unknown_anonymous):
    """The keys are those that the clients know: no more, no less."""
    names = keys(primary)
    with_owner = sum(bool(SESSION.fullmatch(name)) for name in names)
    without = sum(name.count(":") == 1 and name.count("-") == 4 for name in names)
    soak.check("the number of keys agrees with the model")
    if with_owner != owned or not sessions - owned <= without <= sessions - owned + unknown_anonymous:
        soak.find(f"there are {with_owner} keys with an owner and {without} without, but the clients know {owned} and"
                  f" {sessions - owned}; {unknown_anonymous} creates without an owner have no reply")


def scan_logs(soak):
    """No crash, no panic, no failed write in the logs."""
    for node in soak.pair.nodes:
        soak.check("the log has no crash and no panic")
        for finding in log_findings(node.name, node.log):
            soak.find(finding)


def measure(soak):
    """The memory of both servers, with an empty cache of verified tokens."""
    lines = {}
    for node in soak.pair.nodes:
        client = node.connect()
        full = client.info("everything")
        client("JRS.RELOAD")
        await_that("the old cache is freed",
                   lambda client=client: client.info("everything")["jrs_token_cache_bytes"] == "0")
        client("MEMORY", "PURGE")
        time.sleep(0.1)
        info = client.info("everything")
        lines[node.name] = {
            "start": node.starts, "memory": own_memory(info), "rss": int(info["used_memory_rss"]),
            "index_bytes": int(info["jrs_index_bytes"]), "sessions": int(info["jrs_sessions_active"]),
            "full_cache_bytes": int(full["jrs_token_cache_bytes"]),
            "fragmentation": float(info["allocator_frag_ratio"])}
        soak.measured(node, lines[node.name])
    soak.recorder.write("checkpoint", {"servers": lines})
