"""A failover with Sentinel."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import StartServer
from jrs_session import ReadOnly, Session, Unavailable
from support.clients import Connected
from support.server import Server, key_set, until


def start_sentinel(start_server: StartServer, folder: Path, primary: Server) -> Server:
    """A Sentinel that decides alone."""
    path = folder / "sentinel.conf"
    path.write_text(
        f"sentinel monitor main 127.0.0.1 {primary.port} 1\n"
        "sentinel down-after-milliseconds main 1500\n"
        "sentinel failover-timeout main 20000\n"
    )
    return start_server(module=False, arguments=[str(path), "--sentinel"])


def test_a_failover(start_server: StartServer, library: Connected, tmp_path: Path) -> None:
    settings = {"jrs.keys-file": "{folder}/keys.json", "repl-diskless-sync-delay": 0}
    files = {"keys.json": key_set()}
    primary = start_server(settings, files=files)
    replica = start_server({**settings, "replicaof": f"127.0.0.1 {primary.port}"}, files=files)
    until("the replica is online", lambda: primary.online_replicas() == 1)
    sentinel = start_sentinel(start_server, tmp_path, primary)
    until("the Sentinel knows the replica", lambda: sentinel.send("SENTINEL", "REPLICAS", "main"))

    client = library.sentinel_client(sentinel.port, "main", socket_timeout=5, retry=None)
    jrs = library.jrs(client)
    token = jrs.create("ann", {"n": 1})
    until("the replica has the session", lambda: replica.send("DBSIZE") == 1)
    assert jrs.get(token) is not None

    errors: list[Unavailable] = []

    def session() -> Session | None:
        try:
            return jrs.get(token)
        except Unavailable as error:
            errors.append(error)
            return None

    primary.stop()
    found = until("the new primary is used", session)
    assert found is not None
    assert found.data == {"n": 1}
    assert replica.send("ROLE")[0] == "master"
    assert errors
    expected = (library.library.ConnectionError, library.library.TimeoutError, library.library.ResponseError)
    assert all(isinstance(error, expected) for error in errors)
    assert jrs.update(token, {"n": 2}) is not None


def test_a_replica(start_server: StartServer, library: Connected) -> None:
    settings = {"jrs.keys-file": "{folder}/keys.json", "repl-diskless-sync-delay": 0}
    files = {"keys.json": key_set()}
    primary = start_server(settings, files=files)
    replica = start_server({**settings, "replicaof": f"127.0.0.1 {primary.port}"}, files=files)
    until("the replica is online", lambda: primary.online_replicas() == 1)
    token = library.jrs(library.client(primary.port)).create("ann", {"n": 1})
    until("the replica has the session", lambda: replica.send("DBSIZE") == 1)
    jrs = library.jrs(library.client(replica.port))
    session = jrs.peek(token)
    assert session is not None
    assert session.data == {"n": 1}
    assert jrs.count("ann") == len(jrs.list("ann")) == 1
    assert jrs.inspect(token).active
    for call in (jrs.get, jrs.destroy, jrs.rotate, jrs.touch, lambda token: jrs.update(token, {})):
        with pytest.raises(ReadOnly) as caught:
            call(token)
        assert isinstance(caught.value, library.library.ReadOnlyError)
    assert jrs.count("ann") == 1
