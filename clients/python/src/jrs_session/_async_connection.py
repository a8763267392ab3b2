"""Running operations on a client with `asyncio`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar

from ._command import Command, Operation
from ._library import convert, is_async, is_cluster, library_of, nodes_of
from ._realm import CurrentRealm
from .errors import JRSError, Unavailable

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
        if command.nodes is None or not self.cluster:
            return await self._execute(command)
        await self._connect()
        failure: JRSError | None = None
        reply = None
        for node in nodes_of(self._client, command):
            try:
                reply = await self._execute(command, target_nodes=node)
            except JRSError as error:
                if command.nodes == "any" and not isinstance(error, Unavailable):
                    raise
                failure = failure or error
            else:
                if command.nodes == "any":
                    return reply
        if failure is not None:
            raise failure
        return reply

    async def _execute(self, command: Command, **options: Any) -> Any:
        try:
            return await self._client.execute_command(*command.words, **options)
        except Exception as caught:
            error = convert(caught, command)
        # Raised here, so that the error of the library, which may repeat arguments, is not its context.
        raise error

    async def _connect(self) -> None:
        """Let the client ask the cluster for its nodes, if it has not done so yet."""
        try:
            await self._client.initialize()  # type: ignore[attr-defined]
        except Exception as caught:
            error = convert(caught, Command(("JRS.REALMS",)))
        else:
            return
        raise error
