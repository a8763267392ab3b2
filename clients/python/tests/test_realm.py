"""Realms, and the keyspace that the package asks the server for."""

from __future__ import annotations

import pytest

from conftest import StartServer
from jrs_session import JRS, BadToken, CommandError, TokenRefused, UnknownRealm, WrongKey, _realm
from support.clients import Connected
from support.server import Server, key_set


@pytest.fixture
def realms(start_server: StartServer) -> Server:
    """A server with the realms `default` and `admin`."""
    text = '[realm.admin]\nkeyspace = "admin:"\nkeys-file = "{folder}/admin.json"\nmax-age = 600\n'
    settings = {"jrs.realms-file": "{folder}/realms.toml"}
    return start_server(settings, files={"realms.toml": text, "admin.json": key_set()})


def test_two_realms(realms: Server, library: Connected) -> None:
    client = library.client(realms.port)
    default, admin = library.jrs(client), library.jrs(client, "admin")
    assert (default.realm, admin.realm, admin.cluster) == ("default", "admin", False)
    token, admins = default.create("ann", {"n": 1}), admin.create("ann", {"n": 2})
    assert [session.data for session in admin.list("ann", data=True)] == [{"n": 2}]
    assert [session.data for session in default.list("ann", data=True)] == [{"n": 1}]
    assert admin.realm_settings().keyspace == "admin:"
    session = admin.get(admins)
    assert session is not None
    assert (session.data, session.ttl) == ({"n": 2}, 600)
    for jrs, other in ((default, admins), (admin, token)):
        for call in (jrs.get, jrs.peek, jrs.destroy, jrs.rotate, jrs.touch):
            with pytest.raises(WrongKey) as caught:
                call(other)
            assert isinstance(caught.value, TokenRefused)
    with pytest.raises(BadToken):
        admin.destroy_all("ann", except_token=token)
    assert default.inspect(admins).realm == "admin"
    assert admin.revoke(session.id) is True
    assert (default.count("ann"), admin.count("ann")) == (1, 0)
    assert admin.jwks() == {"keys": []}
    with pytest.raises(CommandError):  # the realm exists, so this is not UnknownRealm
        admin.rotate_key()


def test_an_unknown_realm(server: Server, library: Connected) -> None:
    token = library.jrs(library.client(server.port)).create("ann", {})
    jrs = library.jrs(library.client(server.port), "admin")
    calls = [
        lambda: jrs.create("ann", {}),
        lambda: jrs.get(token),
        lambda: jrs.list("ann"),
        lambda: jrs.count("ann"),
        lambda: jrs.destroy_all("ann"),
        lambda: jrs.revoke("x"),
        jrs.jwks,
        jrs.rotate_key,
        jrs.realm_settings,
    ]
    for call in calls:
        with pytest.raises(UnknownRealm, match="the server has no realm 'admin'"):
            call()


def test_the_keyspace_is_requested_once(jrs: JRS, server: Server) -> None:
    tokens = [jrs.create("ann", {}) for _ in range(3)]
    assert server.calls("jrs.realms") == 0
    for token in tokens:
        assert jrs.get(token) is not None
        assert jrs.destroy(token)
    assert server.calls("jrs.realms") == 1
    assert server.calls("jrs.get") == 3


def test_it_is_requested_again_after_a_minute(jrs: JRS, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("jrs_session._realm.time.monotonic", lambda: now)
    token = jrs.create("ann", {})
    jrs.get(token)
    now += _realm.REFRESH_INTERVAL + 1
    jrs.get(token)
    jrs.get(token)
    assert server.calls("jrs.realms") == 2
    server.send("ACL", "SETUSER", "default", "-jrs.realms")
    try:
        now += _realm.REFRESH_INTERVAL + 1
        assert jrs.get(token) is not None, "the known keyspace is used if the request fails"
    finally:
        server.send("ACL", "SETUSER", "default", "+@all")


def test_a_changed_keyspace(start_server: StartServer, library: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("jrs_session._realm.time.monotonic", lambda: now)
    server = start_server()
    jrs = library.jrs(library.client(server.port))
    old = jrs.create("ann", {})
    assert jrs.get(old) is not None
    server.send("CONFIG", "SET", "jrs.keyspace", "new:")
    now += 0.5
    new = jrs.create("ann", {"n": 1})
    with pytest.raises(WrongKey):
        jrs.get(new)  # the keyspace is less than a second old
    now += 1.0
    session = jrs.get(new)
    assert session is not None
    assert session.data == {"n": 1}
    assert server.calls("jrs.realms") == 2
    assert jrs.get(old) is None
    assert jrs.revoke(session.id) is True
