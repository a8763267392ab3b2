"""Running operations on a client without `asyncio`."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from ._command import Command, Operation
from ._library import convert, is_async, is_cluster, library_of, nodes_of
from ._realm import CurrentRealm
from .errors import JRSError, Unavailable

T = TypeVar("T")


class RedisClient(Protocol):
    """A client of redis-py or valkey-py: of a server, a Sentinel's primary, or a cluster."""

    def execute_command(self, *args: Any, **options: Any) -> Any: ...


class Connection:
    """A client and a realm."""

    def __init__(self, client: RedisClient, realm: str) -> None:
        library = library_of(client)
        if is_async(client):
            raise TypeError("the client is one of asyncio: use AsyncJRS")
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

    def _run(self, operation: Operation[T]) -> T:
        try:
            command = next(operation)
            while True:
                try:
                    reply = self._send(command)
                except Exception as error:
                    command = operation.throw(error)
                else:
                    command = operation.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _send(self, command: Command) -> Any:
        if command.nodes is None or not self.cluster:
            return self._execute(command)
        failure: JRSError | None = None
        reply = None
        for node in nodes_of(self._client, command):
            try:
                reply = self._execute(command, target_nodes=node)
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

    def _execute(self, command: Command, **options: Any) -> Any:
        try:
            return self._client.execute_command(*command.words, **options)
        except Exception as caught:
            error = convert(caught, command)
        # Raised here, so that the error of the library, which may repeat arguments, is not its context.
        raise error
