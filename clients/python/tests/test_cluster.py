"""Redis Cluster: the package finds the node of each command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jrs_session import JRS, BadToken, CommandError, CrossSlot, NoKeys, StaleAuth, TryAgain, Unavailable, UnknownRealm
from support.clients import VARIANTS, Connected, connected
from support.cluster import Cluster
from support.server import until


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """A cluster without data."""
    shared_cluster.send("FLUSHALL")
    return shared_cluster


@pytest.fixture
def jrs(cluster: Cluster, library: Connected) -> JRS:
    return library.jrs(library.cluster_client(cluster.port))


def test_each_command_goes_to_its_node(jrs: JRS, cluster: Cluster) -> None:
    owners = [cluster.owner_on(node) for node in cluster.nodes]
    # A new client of redis-py with asyncio does not know the keys of a command when it sends the first one.
    jrs.count(owners[0])
    cluster.send("CONFIG", "RESETSTAT")
    for owner in owners:
        use_every_command(jrs, owner)
    assert cluster.redirections() == 0
    assert sum(node.calls("jrs.create") for node in cluster.nodes) == 2 * len(owners)


def test_redirections_are_counted(cluster: Cluster) -> None:
    cluster.send("CONFIG", "RESETSTAT")
    owner = cluster.owner_on(cluster.nodes[1])
    with pytest.raises(Exception, match=str(cluster.nodes[1].port)):
        cluster.nodes[0].send("JRS.COUNT", owner)
    assert cluster.redirections() == 1


def use_every_command(jrs: JRS, owner: str) -> None:
    """Sends each command that has a key."""
    token, other = jrs.create(owner, {"n": 1}), jrs.create(owner, {})
    session = jrs.get(token)
    assert session is not None
    assert (session.owner, session.data) == (owner, {"n": 1})
    assert jrs.update(token, {"n": 2}) is not None
    assert jrs.merge(token, {"m": 3}) is not None
    assert jrs.patch(token, [{"op": "remove", "path": "/n"}]) is not None
    assert jrs.touch(token) == 86400
    new = jrs.rotate(token, owner=owner, reauth=True)
    assert new is not None
    session = jrs.peek(new, max_auth_age=60)
    assert session is not None
    assert session.data == {"m": 3}
    with pytest.raises(CommandError):
        jrs.mint(new)
    inspection = jrs.inspect(new)
    assert (inspection.active, inspection.realm) == (True, "default")
    assert jrs.count(owner) == 2
    assert len(jrs.list(owner, data=True)) == 2
    assert jrs.destroy_all(owner, except_token=new) == 1
    assert jrs.get(other) is None
    assert jrs.revoke(session.id) is True
    assert jrs.destroy(new) is False


def test_commands_without_a_key(jrs: JRS, cluster: Cluster) -> None:
    assert [realm.name for realm in jrs.realms()] == ["default"]
    assert jrs.jwks() == {"keys": []}
    cluster.send("CONFIG", "RESETSTAT")
    jrs.reload()
    assert [node.calls("jrs.reload") for node in cluster.nodes] == [1, 1, 1]
    with pytest.raises((NoKeys, CommandError)):
        jrs.rotate_key()
    assert jrs.realm_settings().keyspace == "sess:"


def test_anonymous_sessions(jrs: JRS, cluster: Cluster) -> None:
    tokens = [jrs.create("", {"n": n}) for n in range(30)]
    assert min(len(keys) for keys in cluster.send("KEYS", "sess:*")) > 0
    for n, token in enumerate(tokens):
        session = jrs.get(token)
        assert session is not None
        assert (session.owner, session.data) == ("", {"n": n})
    with pytest.raises(StaleAuth):
        jrs.get(tokens[0], max_auth_age=60)
    with pytest.raises(CommandError, match="needs an owner"):
        jrs.mint(tokens[0], audience="orders")
    with pytest.raises(ValueError, match="must not begin with"):
        jrs.create("anonymous:x", {})
    with pytest.raises(CommandError):
        jrs.list("")
    assert jrs.destroy(tokens[0]) is True


def test_a_rotation_to_another_slot(jrs: JRS, cluster: Cluster) -> None:
    guest = jrs.create("", {"n": 1})
    with pytest.raises(CrossSlot):
        jrs.rotate(guest, owner="ann", reauth=True)
    session = jrs.get(guest)
    assert session is not None
    assert session.data == {"n": 1}


def test_a_bad_token(jrs: JRS) -> None:
    token = jrs.create("ann", {})
    for bad in ("", "hello", token[:-3] + "abc"):
        with pytest.raises(BadToken):
            jrs.get(bad)
        assert jrs.inspect(bad).active is False


def test_an_unknown_realm(cluster: Cluster, library: Connected) -> None:
    jrs = library.jrs(library.cluster_client(cluster.port), "admin")
    with pytest.raises(UnknownRealm):
        jrs.create("ann", {})


def test_while_a_slot_moves(jrs: JRS, cluster: Cluster, library: Connected) -> None:
    source, target = cluster.nodes[0], cluster.nodes[1]
    owner = cluster.owner_on(source)
    slot = source.send("CLUSTER", "KEYSLOT", owner)
    token, moved = jrs.create(owner, {"n": 1}), jrs.create(owner, {"n": 2})
    ids = [target.send("CLUSTER", "MYID"), source.send("CLUSTER", "MYID")]
    target.send("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[1])
    source.send("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[0])
    try:
        session = jrs.get(moved)
        assert session is not None
        source.send("MIGRATE", "127.0.0.1", target.port, f"sess:{session.id}", 0, 60_000)
        with pytest.raises(TryAgain) as caught:
            jrs.count(owner)
        assert isinstance(caught.value, library.library.ResponseError)
        with pytest.raises(TryAgain):
            jrs.destroy_all(owner)
        for each, n in ((token, 1), (moved, 2)):
            session = jrs.get(each)
            assert session is not None
            assert session.data == {"n": n}
    finally:
        source.send("CLUSTER", "SETSLOT", slot, "STABLE")
        for key in target.send("CLUSTER", "GETKEYSINSLOT", slot, 10):
            target.send("MIGRATE", "127.0.0.1", source.port, key, 0, 60_000)
        target.send("CLUSTER", "SETSLOT", slot, "STABLE")
    assert jrs.count(owner) == 2


def test_a_node_that_is_down(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    with ExitStack() as stack:
        stack.callback(cluster.stop)
        cluster.send("CONFIG", "SET", "cluster-require-full-coverage", "no")
        owners = [cluster.owner_on(node) for node in cluster.nodes]
        libraries = [stack.enter_context(connected(variant)) for variant in VARIANTS]
        clients = [library.jrs(library.cluster_client(cluster.port)) for library in libraries]
        tokens = [[jrs.create(owner, {}) for owner in owners] for jrs in clients]
        for jrs, (first, _, _) in zip(clients, tokens):
            assert jrs.get(first) is not None
        cluster.nodes[2].stop()
        for jrs, (first, _, third) in zip(clients, tokens):
            with pytest.raises(Unavailable):
                jrs.get(third)
            assert jrs.get(first) is not None
            assert len(jrs.realms()) == 1
            with pytest.raises(Unavailable):
                jrs.reload()
        assert cluster.nodes[0].calls("jrs.reload") == cluster.nodes[1].calls("jrs.reload") == len(clients)
        cluster.nodes[2].run()
        for jrs in clients:
            until("the node is used again", lambda: created(jrs, owners[2]))  # noqa: B023


def created(jrs: JRS, owner: str) -> bool:
    """Whether a session can be created."""
    try:
        return jrs.get(jrs.create(owner, {})) is not None
    except Unavailable:
        return False
