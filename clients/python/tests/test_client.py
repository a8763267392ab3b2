"""What `JRS` and `AsyncJRS` accept, and how they are shared."""

from __future__ import annotations

import asyncio
import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import redis
import redis.asyncio
import valkey

from jrs_session import JRS, AsyncJRS
from support.clients import Connected
from support.server import Server


def test_clients_of_the_other_kind() -> None:
    with pytest.raises(TypeError, match="use AsyncJRS"):
        JRS(redis.asyncio.Redis())
    with pytest.raises(TypeError, match="use JRS"):
        AsyncJRS(redis.Redis())


@pytest.mark.parametrize("client", [None, "redis://127.0.0.1", object(), redis.ConnectionPool(), redis])
def test_what_is_not_a_client(client: Any) -> None:
    with pytest.raises(TypeError, match="must be one of redis-py or valkey-py"):
        JRS(client)


def test_a_pipeline() -> None:
    for client in (redis.Redis().pipeline(), valkey.Valkey().pipeline()):
        with pytest.raises(TypeError, match="must not be a pipeline"):
            JRS(client)


def test_a_client_of_a_subclass(server: Server) -> None:
    class Traced(redis.Redis):
        """A client of an application."""

    assert JRS(Traced(port=server.port)).count("ann") == 0


@pytest.mark.parametrize("token", [None, b"a.b.c", 7])
def test_a_token_that_is_not_text(jrs: JRS, token: Any) -> None:
    for call in (jrs.get, jrs.destroy, jrs.rotate, jrs.inspect):
        with pytest.raises(TypeError, match="token must be a str"):
            call(token)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ttl": "60"}, TypeError, "ttl must be seconds or a timedelta, not str"),
        ({"ttl": True}, TypeError, "ttl must be seconds or a timedelta, not bool"),
        ({"ttl": 60, "expires_at": datetime.now(timezone.utc)}, ValueError, "ttl cannot be combined with expires_at"),
        ({"expires_at": datetime(2100, 1, 1)}, ValueError, "expires_at must have a time zone"),
        ({"expires_at": 4102444800}, TypeError, "expires_at must be a datetime, not int"),
        ({"claims": []}, TypeError, "claims must be a mapping, not list"),
    ],
)
def test_wrong_arguments(jrs: JRS, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        jrs.create("ann", {}, **options)


def test_more_wrong_arguments(jrs: JRS) -> None:
    token = jrs.create("ann", {})
    calls: list[tuple[Any, dict[str, Any], str]] = [
        (jrs.update, {"token": token, "data": {}, "ttl": 1, "keep_ttl": True}, "ttl cannot be combined with keep_ttl"),
        (jrs.create, {"owner": 42, "data": {}}, "owner must be a str, not int"),
        (jrs.list, {"owner": "ann", "fields": "/device"}, "fields must be a list of JSON Pointers, not a str"),
        (jrs.patch, {"token": token, "operations": "[]"}, "the patch must be a sequence, not str"),
        (jrs.rotate, {"token": token, "grace": "1"}, "grace must be seconds or a timedelta"),
    ]
    for call, options, message in calls:
        with pytest.raises((TypeError, ValueError), match=message):
            call(**options)
    assert jrs.count("ann") == 1


def test_threads_share_a_client(server: Server) -> None:
    jrs = JRS(redis.Redis(port=server.port))
    token = jrs.create("ann", {})

    def merge(n: int) -> bool:
        return jrs.merge(token, {f"field{n}": n}) is not None

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(merge, range(64)))
    session = jrs.get(token)
    assert session is not None
    assert session.data == {f"field{n}": n for n in range(64)}


def test_tasks_share_a_client(server: Server) -> None:
    async def run() -> None:
        async with redis.asyncio.Redis(port=server.port) as client:
            jrs = AsyncJRS(client)
            token = await jrs.create("ann", {})
            await asyncio.gather(*(jrs.merge(token, {f"field{n}": n}) for n in range(64)))
            session = await jrs.get(token)
            assert session is not None
            assert len(session.data) == 64

    asyncio.run(run())


def test_results_can_be_copied(jrs: JRS) -> None:
    token = jrs.create("ann", {"n": [1]})
    results: list[Any] = [jrs.get(token), *jrs.list("ann", data=True), jrs.inspect(token), *jrs.realms()]
    for result in results:
        for copied in (copy.copy(result), copy.deepcopy(result), pickle.loads(pickle.dumps(result))):  # noqa: S301
            assert copied == result
        with pytest.raises(AttributeError):
            result.id = "other"
        assert not hasattr(result, "__dict__")


def test_durations(library: Connected, server: Server) -> None:
    jrs = library.jrs(library.client(server.port))
    token = jrs.create("ann", {})
    for ttl in (100, 100.0, timedelta(seconds=100), timedelta(minutes=1, seconds=39, milliseconds=500)):
        assert jrs.touch(token, ttl=ttl) == 100
