"""What mypy must accept. The types of the clients come from the libraries."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.asyncio.sentinel
import redis.cluster
import valkey
import valkey.asyncio
import valkey.asyncio.cluster
import valkey.cluster

from jrs_session import JRS, AsyncJRS, Conflict, JRSError, Session, SessionInfo, TokenRefused
from jrs_session._command import Command
from jrs_session._library import convert
from jrs_session.errors import ConnectionLost, new_error


def clients(
    one: redis.Redis,
    cluster: redis.cluster.RedisCluster,
    other: valkey.Valkey,
    other_cluster: valkey.cluster.ValkeyCluster,
) -> list[JRS]:
    """The clients that `JRS` takes."""
    return [JRS(one), JRS(cluster, realm="admin"), JRS(other), JRS(other_cluster)]


def asyncio_clients(
    one: redis.asyncio.Redis,
    cluster: redis.asyncio.cluster.RedisCluster,
    sentinel: redis.asyncio.sentinel.Sentinel,
    other: valkey.asyncio.Valkey,
    other_cluster: valkey.asyncio.cluster.ValkeyCluster,
) -> list[AsyncJRS]:
    """The clients that `AsyncJRS` takes."""
    master = sentinel.master_for("main")
    return [AsyncJRS(one), AsyncJRS(cluster), AsyncJRS(master), AsyncJRS(other), AsyncJRS(other_cluster)]


async def results(jrs: JRS, asyncio_jrs: AsyncJRS) -> None:
    """The types of results."""
    token: str = jrs.create("ann", {})
    session: Session | None = jrs.get(token)
    same: Session | None = await asyncio_jrs.get(token)
    listed: list[SessionInfo] = jrs.list("ann")
    more: list[SessionInfo] = await asyncio_jrs.list("ann")
    data: dict[str, Any] = session.data if session else {}
    print(same, listed, more, data)


@pytest.mark.parametrize("error", [ConnectionResetError(104, "reset"), TimeoutError("timed out"), OSError("no route")])
def test_an_error_of_the_operating_system(error: OSError) -> None:
    converted = convert(error, Command(("JRS.GET", "a secret token")))
    assert isinstance(converted, ConnectionLost)
    assert isinstance(converted, type(error))
    assert "reset" in str(converted) or "timed out" in str(converted) or "no route" in str(converted)


def test_other_errors_are_not_changed() -> None:
    command = Command(("JRS.GET", "x"))
    others = [
        KeyError("x"),
        redis.AuthenticationError("wrong password"),
        redis.DataError("no"),
        valkey.WatchError("no"),
    ]
    for error in [*others, new_error(Conflict, "CONFLICT no")]:
        assert convert(error, command) is error


def test_the_classes_of_errors() -> None:
    assert issubclass(TokenRefused, JRSError)
    error = new_error(Conflict, "CONFLICT no", redis.ResponseError)
    assert isinstance(error, redis.ResponseError)
    assert type(new_error(Conflict, "x", redis.ResponseError)) is type(error)
    assert repr(error) == "Conflict('CONFLICT no')"
