"""Replies in both protocols, as text and as bytes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from conftest import StartServer
from jrs_session import JRS, RealmKey
from support.clients import Connected
from support.server import Server


@pytest.fixture(params=[2, 3])
def protocol(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=[{}, {"decode_responses": True}, {"encoding": "latin-1"}], ids=["bytes", "text", "latin-1"])
def jrs(server: Server, library: Connected, protocol: int, request: pytest.FixtureRequest) -> JRS:
    options: dict[str, Any] = request.param
    return library.jrs(library.client(server.port, protocol=protocol, **options))


def test_every_reply(jrs: JRS, server: Server) -> None:
    data = {"name": "Zoë", "list": [1, 2.5, None, True], "empty": ""}
    token = jrs.create("zoë", data, claims={"rôle": "é"}, ttl=100)
    assert isinstance(token, str)
    session = jrs.get(token)
    assert session is not None
    assert (session.id[:6], session.owner, session.data, session.ttl) == ("{zoë}:", "zoë", data, 100)
    assert session.claims["rôle"] == "é"
    assert jrs.peek(token) == session
    assert jrs.update(token, {"name": "Zoë", "n": 1}, if_match=session.etag) not in (None, session.etag)
    assert isinstance(jrs.merge(token, {"n": 2}), str)
    assert isinstance(jrs.patch(token, []), str)
    assert jrs.touch(token) == 100
    (listed,) = jrs.list("zoë", data=True, fields=["/name", "/n", "/nothing"], limit=5)
    assert (listed.id, listed.ttl, listed.data) == (session.id, 100, {"name": "Zoë", "n": 2})
    assert listed.fields == {"/name": "Zoë", "/n": 2}
    assert listed.created.tzinfo is timezone.utc
    assert jrs.list("zoë", after=listed.id) == []
    assert jrs.count("zoë") == 1
    inspection = jrs.inspect(token)
    assert inspection.header is not None
    assert (inspection.active, inspection.reason, inspection.realm, inspection.alg) == (True, None, "default", "HS256")
    assert (inspection.kid, inspection.header["alg"], inspection.claims) == (
        inspection.header["kid"],
        "HS256",
        session.claims,
    )
    assert (inspection.key, inspection.ttl) == (f"sess:{session.id}", 100)
    assert inspection.auth_time == datetime.fromtimestamp(session.claims["iat"], timezone.utc)
    bad = jrs.inspect("hello")
    assert (bad.active, bad.realm, bad.alg, bad.claims, bad.auth_time) == (False, None, None, None, None)
    assert (bad.reason or "").startswith("BADTOKEN ")
    new = jrs.rotate(token)
    assert isinstance(new, str)
    assert jrs.destroy(new) is True
    assert (jrs.get(new), jrs.touch(new), jrs.update(new, {}), jrs.rotate(new)) == (None, None, None, None)
    assert jrs.destroy_all("zoë") == 0


def test_replies_about_the_server(jrs: JRS) -> None:
    (realm,) = jrs.realms()
    assert realm == jrs.realm_settings()
    assert (realm.name, realm.algorithm, realm.keyspace, realm.max_age) == ("default", "HS256", "sess:", 86400)
    assert (realm.max_lifetime, realm.reuse_detection, realm.max_sessions_policy) == (2592000, False, "evict-oldest")
    (key,) = realm.keys
    assert key == RealmKey(kid=key.kid, alg="HS256", signs=True, fingerprint=None)
    assert jrs.jwks() == {"keys": []}
    jrs.reload()


def test_a_new_key(start_server: StartServer, library: Connected) -> None:
    jrs = library.jrs(library.client(start_server().port))
    token = jrs.create("ann", {})
    kid = jrs.rotate_key()
    assert [key.kid for key in jrs.realms()[0].keys].index(kid) == 0
    assert jrs.get(token) is not None
    assert jrs.inspect(jrs.create("ann", {})).kid == kid
