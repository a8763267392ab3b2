"""The class of each error of the server, on each client library."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import jrs_session
from conftest import StartServer
from jrs_session import (
    JRS,
    BadData,
    BadToken,
    CommandError,
    Conflict,
    ExpiredToken,
    JRSError,
    ModuleNotLoaded,
    NoKeys,
    NoPermission,
    NoReplicas,
    OutOfMemory,
    ReadOnly,
    Reused,
    StaleAuth,
    TokenRefused,
    TooBig,
    TooMany,
    Unavailable,
    WrongKey,
    WrongType,
)
from jrs_session.errors import BY_WORD
from support.clients import Connected
from support.fake import fake_server
from support.server import Server, key_set, until

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJl"

# What both libraries raise for a word, beside `ResponseError`.
OF_LIBRARY = {"NOPERM": "NoPermissionError", "READONLY": "ReadOnlyError", "OOM": "OutOfMemoryError"}
TOKEN_WORDS = {"BADTOKEN", "EXPIREDTOKEN", "REUSED", "WRONGKEY"}
UNAVAILABLE_WORDS = {"BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY"}
UNAVAILABLE_WORDS |= {"TRYAGAIN", "UNBLOCKED"}


@pytest.mark.parametrize("word", sorted(BY_WORD))
def test_each_first_word(library: Connected, word: str) -> None:
    with fake_server(f"{word} an explanation") as server:
        error = raised(library, server.port)
    assert type(error).__name__ == BY_WORD[word].__name__
    assert isinstance(error, BY_WORD[word])
    assert error.word == word
    assert "an explanation" in str(error)
    exceptions = library.library.exceptions
    # The libraries take LOADING for a lost connection.
    expected = exceptions.BusyLoadingError if word == "LOADING" else exceptions.ResponseError
    assert isinstance(error, expected)
    assert isinstance(error, getattr(exceptions, OF_LIBRARY.get(word, "RedisError"), Exception))
    assert isinstance(error, TokenRefused) == (word in TOKEN_WORDS)
    assert isinstance(error, Unavailable) == (word in UNAVAILABLE_WORDS)


def test_an_unknown_first_word(library: Connected) -> None:
    with fake_server("NEWWORD an explanation") as server:
        error = raised(library, server.port)
    assert type(error).__name__ == "CommandError"
    assert str(error) == "NEWWORD an explanation"


def test_a_sentence_that_begins_with_a_word(library: Connected) -> None:
    with fake_server("ERR CONFLICTS and LIMIT are options") as server:
        assert type(raised(library, server.port)).__name__ == "CommandError"


def test_errors_can_be_copied_and_pickled(library: Connected) -> None:
    with fake_server("CONFLICT an explanation") as server:
        error = raised(library, server.port)
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301
        assert type(copied) is type(error)
        assert str(copied) == str(error)


def test_every_error_is_exported() -> None:
    errors = {name for name, value in vars(jrs_session.errors).items() if isinstance(value, type)}
    assert {name for name in errors if issubclass(getattr(jrs_session.errors, name), JRSError)} <= set(
        jrs_session.__all__
    )
    assert jrs_session.errors.__all__ == sorted(jrs_session.errors.__all__)


def test_of_a_token(jrs: JRS, server: Server) -> None:
    token = jrs.create("ann", {})
    for bad in (
        "",
        "hello",
        "a.b.c",
        "ü.ü.ü",
        token[:-3] + "abc",
        TOKEN,
        f"Bearer {token}",
        "a.WyJqdGkiXQ.c",
        "x" * 9999,
    ):
        with pytest.raises(BadToken):
            jrs.get(bad)
        with pytest.raises(BadToken):
            jrs.destroy(bad)
        with pytest.raises(BadToken):
            jrs.destroy_all("ann", except_token=bad)
        assert jrs.inspect(bad).active is False
    with pytest.raises(BadToken):
        jrs.destroy_all("bob", except_token=token)
    with pytest.raises(WrongKey):
        jrs.revoke(jrs.list("ann")[0].id + ":rotated")
    assert jrs.count("ann") == 1


def test_of_data_and_arguments(jrs: JRS, server: Server) -> None:
    token, anonymous = jrs.create("ann", {"n": 1}), jrs.create("", {})
    session = jrs.get(token)
    assert session is not None
    key = f"sess:{session.id}"
    before = server.send("GET", key), server.send("EXPIRETIME", key)

    def refused(kind: type[JRSError], name: str, *args: Any, **options: Any) -> None:
        with pytest.raises(kind):
            getattr(jrs, name)(*args, **options)
        assert (server.send("GET", key), server.send("EXPIRETIME", key)) == before
        assert server.send("DBSIZE") == 2

    refused(Conflict, "update", token, {}, if_match="0" * 16, ttl=5)
    refused(Conflict, "merge", token, {"n": 2}, if_match="é")
    refused(BadData, "patch", token, [{"op": "test", "path": "/n", "value": 2}])
    refused(TooBig, "update", token, {"x": "x" * 1_100_000})
    refused(StaleAuth, "get", anonymous, max_auth_age=1)
    refused(CommandError, "get", token, max_auth_age=0)
    refused(CommandError, "touch", token, ttl=0)
    refused(CommandError, "update", token, {}, ttl=-1)
    refused(CommandError, "create", "{braces}", {})
    refused(CommandError, "create", "ann", {}, claims={"sub": "bob"})
    refused(CommandError, "rotate", token, grace=30, reauth=True)
    refused(CommandError, "rotate", token, grace=90)
    refused(CommandError, "mint", token)
    refused(CommandError, "mint", token, audience="a", ttl=86400)
    refused(CommandError, "list", "ann", limit=0)
    refused(CommandError, "list", "ann", after="x")
    refused(CommandError, "list", "ann", fields=["no pointer"])
    refused(CommandError, "count", "")


def test_of_the_stored_value(jrs: JRS, server: Server) -> None:
    token = jrs.create("ann", {})
    key = f"sess:{jrs.list('ann')[0].id}"
    server.send("SET", key, "not JSON")
    with pytest.raises(BadData, match="not a JSON object"):
        jrs.get(token)
    with pytest.raises(BadData):
        jrs.merge(token, {"n": 1})
    assert [session.data for session in jrs.list("ann", data=True)] == [None]
    assert [session.fields for session in jrs.list("ann", fields=["/n"])] == [{}]
    assert server.send("GET", key) == "not JSON"
    server.send("DEL", key)
    server.send("LPUSH", key, "x")
    with pytest.raises(WrongType):
        jrs.get(token)
    with pytest.raises(WrongType):
        jrs.update(token, {})
    assert server.send("LRANGE", key, 0, -1) == ["x"]


def test_of_settings(start_server: StartServer, library: Connected) -> None:
    settings = {"jrs.max-sessions": 1, "jrs.max-sessions-policy": "reject", "jrs.reuse-detection": "yes"}
    server = start_server(settings)
    jrs = library.jrs(library.client(server.port))
    token = jrs.create("ann", {})
    with pytest.raises(TooMany):
        jrs.create("ann", {})
    new = jrs.rotate(token)
    assert new is not None
    with pytest.raises(Reused):
        jrs.get(token)
    with pytest.raises(Reused):
        jrs.get(new)
    # The deadline is in whole seconds: the token can be refused at once.
    token = jrs.create("ann", {}, expires_at=datetime.now(timezone.utc) + timedelta(seconds=1.5))
    until("the token expires", lambda: not jrs.inspect(token).active)
    with pytest.raises(ExpiredToken):
        jrs.get(token)
    with pytest.raises(ExpiredToken):
        jrs.destroy_all("ann", except_token=token)
    assert jrs.destroy(token) is False


def test_of_the_state_of_the_server(start_server: StartServer, library: Connected) -> None:
    keys = {"jrs.keys-file": "{folder}/keys.json"}
    server = start_server(keys, files={"keys.json": key_set()})
    jrs = library.jrs(library.client(server.port))
    token = jrs.create("ann", {"n": 1})
    server.send("CONFIG", "SET", "maxmemory", 1)
    with pytest.raises(OutOfMemory):
        jrs.update(token, {"n": 2})
    server.send("CONFIG", "SET", "maxmemory", 0)
    server.send("CONFIG", "SET", "min-replicas-to-write", 1)
    with pytest.raises(NoReplicas):
        jrs.get(token)
    server.send("CONFIG", "SET", "min-replicas-to-write", 0)
    server.send("REPLICAOF", "127.0.0.1", 1)
    with pytest.raises(ReadOnly):
        jrs.update(token, {"n": 2})
    session = jrs.peek(token)
    assert session is not None
    assert session.data == {"n": 1}


def test_of_permissions(server: Server, library: Connected) -> None:
    server.send(
        "ACL", "SETUSER", "reader", "reset", "on", ">secret", "%R~sess:*", "+jrs.peek", "+jrs.get", "+jrs.realms"
    )
    reader = library.jrs(library.client(server.port, username="reader", password="secret"))
    token = library.jrs(library.client(server.port)).create("ann", {})
    assert reader.peek(token) is not None
    with pytest.raises(NoPermission):
        reader.get(token)
    with pytest.raises(NoPermission):
        reader.destroy(token)
    server.send("ACL", "SETUSER", "reader", "-jrs.realms")
    with pytest.raises(NoPermission):
        library.jrs(library.client(server.port, username="reader", password="secret")).peek(token)
    server.send("ACL", "DELUSER", "reader")


def test_without_keys(start_server: StartServer, library: Connected) -> None:
    replica = start_server({"replicaof": "127.0.0.1 1"})
    jrs = library.jrs(library.client(replica.port))
    with pytest.raises(NoKeys):
        jrs.peek(TOKEN)


def test_of_a_node_of_a_cluster(library: Connected) -> None:
    for reply in ("MOVED 1234 127.0.0.1:7000", "ASK 1234 127.0.0.1:7000"):
        with fake_server(reply) as server:
            error = raised(library, server.port)
        assert isinstance(error, CommandError)
        assert "RedisCluster" in str(error)


def test_without_the_module(start_server: StartServer, library: Connected) -> None:
    jrs = library.jrs(library.client(start_server(module=False).port))
    for call in (lambda: jrs.create("ann", {}), lambda: jrs.get(TOKEN), jrs.realms, lambda: jrs.count("ann")):
        with pytest.raises(ModuleNotLoaded, match="load the JRS module") as caught:
            call()
        assert isinstance(caught.value, library.library.ResponseError)


def raised(library: Connected, port: int) -> JRSError:
    """The error of a read."""
    options: dict[str, Any] = {"protocol": 2, "retry": None}
    with pytest.raises(JRSError) as caught:
        library.jrs(library.client(port, **options)).get(TOKEN)
    return caught.value
