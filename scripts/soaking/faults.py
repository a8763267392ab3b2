"""Faults that are planted at the end of a quick run, each of which the clients must find."""

from stressing.clients import Connection


def undetected_faults(soak):
    """Plants faults, each in another client's sessions, and returns the names of those that no client finds."""
    primary, replica = (Connection(node.port) for node in (soak.pair.primary, soak.pair.replica))
    replica("CONFIG", "SET", "replica-read-only", "no")
    (lost, _), (changed, _), (copied, _), (_, destroyed), (late, _), (missing, _) = soak.clients.order("sample")
    copy = copied[:-1] + ("0" if copied[-1] != "0" else "1")
    plants = {
        "a session is lost": (primary, ["DEL", lost], lost),
        "a session has other data": (primary, ["SET", changed, '{"n":-1}', "KEEPTTL"], changed),
        "a session was not created by a client": (primary, ["COPY", copied, copy], copy),
        "a destroyed session is back": (primary, ["SET", destroyed, "{}", "EX", "1000"], destroyed),
        "a session of the replica has other data": (replica, ["SET", late, '{"n":-1}', "KEEPTTL"], late),
        "a session is lost on the replica": (replica, ["DEL", missing], missing),
    }
    for connection, command, _ in plants.values():
        connection(*command)
    soak.clients.order("verify")
    findings, soak.clients.findings = soak.clients.findings, []
    ids = {name: key.split(":", 1)[1] for name, (_, _, key) in plants.items()}
    return [name for name, id_ in ids.items() if not any(id_ in finding for finding in findings)]
