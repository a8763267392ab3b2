"""Each command, on each client library."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from jrs_session import JRS, BadData, Conflict, SessionInfo, StaleAuth
from support.server import Server


def test_create_and_get(jrs: JRS, server: Server) -> None:
    data = {"cart": ["book"], "é": "ü", "n": 1.5, "big": 2**70, "none": None}
    token = jrs.create("ann", data, claims={"role": "editor"})
    session = jrs.get(token)
    assert session is not None
    assert session.id.startswith("{ann}:")
    assert (session.owner, session.data, session.ttl, session.token) == ("ann", data, 86400, token)
    assert session.claims["role"] == "editor"
    assert session.claims["jti"] == session.id
    assert len(session.etag) == 16
    assert server.send("GET", f"sess:{session.id}") == f'{{"cart":["book"],"é":"ü","n":1.5,"big":{2**70},"none":null}}'
    assert server.calls("jrs.get") == 1


def test_anonymous(jrs: JRS) -> None:
    session = jrs.get(jrs.create("", {}))
    assert session is not None
    assert session.owner == ""


@pytest.mark.parametrize(("ttl", "seconds"), [(60, 60), (0.5, 1), (timedelta(milliseconds=1500), 2)])
def test_ttl(jrs: JRS, ttl: float | timedelta, seconds: int) -> None:
    session = jrs.peek(jrs.create("ann", {}, ttl=ttl))
    assert session is not None
    assert session.ttl == seconds


def test_deadline(jrs: JRS) -> None:
    deadline = datetime.now(timezone.utc) + timedelta(seconds=100)
    session = jrs.peek(jrs.create("ann", {}, expires_at=deadline))
    assert session is not None
    assert abs(session.claims["exp"] - deadline.timestamp()) <= 1


def test_peek_does_not_extend(jrs: JRS) -> None:
    token = jrs.create("ann", {}, ttl=3600)
    assert jrs.touch(token, ttl=600) == 600
    for session in (jrs.peek(token), jrs.peek(token)):
        assert session is not None
        assert session.ttl is not None
        assert session.ttl <= 600
    session = jrs.get(token)
    assert session is not None
    assert session.ttl == 3600


def test_update(jrs: JRS) -> None:
    token = jrs.create("ann", {"visits": 1})
    session = jrs.get(token)
    assert session is not None
    etag = jrs.update(token, {"visits": 2}, if_match=session.etag)
    assert etag not in (None, session.etag)
    with pytest.raises(Conflict):
        jrs.update(token, {"visits": 3}, if_match=session.etag)
    session = jrs.get(token)
    assert session is not None
    assert (session.data, session.etag) == ({"visits": 2}, etag)


def test_update_sets_the_expiry(jrs: JRS) -> None:
    token = jrs.create("ann", {}, ttl=3600)
    jrs.update(token, {}, ttl=100)
    jrs.update(token, {}, keep_ttl=True)
    session = jrs.peek(token)
    assert session is not None
    assert session.ttl is not None
    assert session.ttl <= 100


def test_merge_and_patch(jrs: JRS) -> None:
    token = jrs.create("ann", {"theme": "dark", "cart": ["book"]})
    assert jrs.merge(token, {"theme": None, "lang": "nl"}) is not None
    etag = jrs.patch(token, [{"op": "add", "path": "/cart/-", "value": "pen"}], ttl=50)
    session = jrs.peek(token)
    assert session is not None
    assert (session.data, session.etag, session.ttl) == ({"cart": ["book", "pen"], "lang": "nl"}, etag, 50)
    with pytest.raises(BadData):
        jrs.patch(token, [{"op": "remove", "path": "/cart"}, {"op": "remove", "path": "/nothing"}])
    after = jrs.peek(token)
    assert after is not None
    assert after.data == session.data


def test_destroy(jrs: JRS) -> None:
    token = jrs.create("ann", {})
    assert jrs.destroy(token) is True
    assert jrs.destroy(token) is False
    assert jrs.get(token) is None
    assert jrs.peek(token) is None
    assert jrs.touch(token) is None
    assert jrs.update(token, {}) is None
    assert jrs.merge(token, {}) is None
    assert jrs.patch(token, []) is None
    assert jrs.rotate(token) is None


def test_rotate(jrs: JRS) -> None:
    guest = jrs.create("", {"cart": ["book"]}, claims={"lang": "nl"})
    with pytest.raises(StaleAuth):
        jrs.get(guest, max_auth_age=60)
    token = jrs.rotate(guest, owner="ann", reauth=True, claims={"role": "editor"})
    assert token is not None
    assert jrs.get(guest) is None
    session = jrs.get(token, max_auth_age=timedelta(minutes=1))
    assert session is not None
    assert (session.owner, session.data) == ("ann", {"cart": ["book"]})
    assert (session.claims["lang"], session.claims["role"]) == ("nl", "editor")


def test_rotate_with_a_grace(jrs: JRS) -> None:
    old = jrs.create("ann", {"n": 1})
    token = jrs.rotate(old, grace=30)
    assert token is not None
    new, in_grace = jrs.get(token), jrs.get(old)
    assert new is not None
    assert in_grace is not None
    assert (in_grace.id, in_grace.data, in_grace.claims) == (new.id, {"n": 1}, new.claims)
    assert in_grace.token == old
    assert jrs.inspect(old).active


def test_list_and_count(jrs: JRS) -> None:
    tokens = [jrs.create("ann", {"device": name, "ip": None, "cart": [1]}) for name in ("laptop", "phone", "tablet")]
    before = datetime.now(timezone.utc)
    listed = jrs.list("ann")
    assert jrs.count("ann") == len(listed) == 3
    for session in listed:
        assert (session.ttl, session.data, session.fields) == (86400, None, None)
        assert abs(before - session.created) < timedelta(minutes=10)
    assert [session.id for session in listed] == [jrs.inspect(token).claims["jti"] for token in tokens]  # type: ignore[index]
    fields = jrs.list("ann", fields=["/device", "/ip", "/place"])
    assert [session.fields for session in fields] == [
        {"/device": name, "/ip": None} for name in ("laptop", "phone", "tablet")
    ]
    pages: list[list[SessionInfo]] = []
    while not pages or pages[-1]:
        pages.append(jrs.list("ann", data=True, limit=2, after=pages[-1][-1].id if pages else None))
    assert [[session.data["device"] for session in page if session.data] for page in pages] == [
        ["laptop", "phone"],
        ["tablet"],
        [],
    ]
    assert jrs.list("nobody") == []
    assert jrs.count("nobody") == 0


def test_revoke_and_destroy_all(jrs: JRS) -> None:
    tokens = [jrs.create("ann", {}) for _ in range(4)]
    first = jrs.list("ann")[0].id
    assert jrs.revoke(first) is True
    assert jrs.revoke(first) is False
    assert jrs.get(tokens[0]) is None
    assert jrs.destroy_all("ann", except_token=tokens[3]) == 2
    assert jrs.get(tokens[3]) is not None
    assert jrs.destroy_all("ann") == 1
    assert jrs.destroy_all("ann") == 0
