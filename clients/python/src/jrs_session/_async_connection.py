"""Running operations on a client with `asyncio`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

from ._command import Command, Operation
from ._library import convert, is_async, is_cluster, library_of
from ._realm import CurrentRealm

T = TypeVar("T")


class AsyncRedisClient(Protocol):
    """A client of `redis.asyncio` or `valkey.asyncio`: of a server, a Sentinel's primary, or a cluster."""

    def execute_command(self, *args: Any, **options: Any) -> Awaitable[Any]: ...


class AsyncConnection:
    """A client and a realm."""

    def __init__(self, client: AsyncRedisClient, realm: str) -> None:
        library = library_of(client)
        if not is_async(client):
            raise TypeError("the client is not one of asyncio: use JRS, or a client of redis.asyncio or valkey.asyncio")
        self._client = client
        self._realm = CurrentRealm(realm, library, cluster=is_cluster(client))

    @property
    def realm(self) -> str:
        """The name of the realm."""
        return self._realm.name

    @property
    def cluster(self) -> bool:
        """Whether the client is connected to a Redis Cluster."""
        return self._realm.cluster

    async def _run(self, operation: Operation[T]) -> T:
        try:
            command = next(operation)
            while True:
                try:
                    reply = await self._send(command)
                except Exception as error:
                    command = operation.throw(error)
                else:
                    command = operation.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _send(self, command: Command) -> Any:
        options = {} if command.nodes is None or not self.cluster else {"target_nodes": command.nodes}
        try:
            return await self._client.execute_command(*command.words, **options)
        except Exception as caught:
            error = convert(caught, command)
        # Raised here, so that the error of the library, which may repeat arguments, is not its context.
        raise error
