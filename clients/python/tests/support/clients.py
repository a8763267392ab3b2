"""The clients that the tests run with: both libraries, with and without `asyncio`."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from jrs_session import JRS, AsyncJRS

T = TypeVar("T")

LIBRARIES = {"redis": "Redis", "valkey": "Valkey"}

VARIANTS = [f"{library}{kind}" for library in LIBRARIES for kind in ("", "-asyncio")]


class Blocking:
    """An `AsyncJRS` whose methods wait for their result, so that one test tests both clients."""

    def __init__(self, jrs: AsyncJRS, loop: asyncio.AbstractEventLoop) -> None:
        self._jrs = jrs
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._jrs, name)
        if not callable(member):
            return member
        return lambda *args, **options: self._loop.run_until_complete(member(*args, **options))


class Connected:
    """A client library, with or without `asyncio`. Makes clients, and closes them in the end."""

    def __init__(self, variant: str) -> None:
        library, _, self._asyncio = variant.partition("-")
        self.library = importlib.import_module(library)
        self._module = f"{library}.asyncio" if self._asyncio else library
        self._class = LIBRARIES[library]
        self._loop = asyncio.new_event_loop() if self._asyncio else None
        self._clients: list[Any] = []

    def client(self, port: int, **options: Any) -> Any:
        """A client of one server."""
        return self._make(getattr(importlib.import_module(self._module), self._class), port=port, **options)

    def cluster_client(self, port: int, **options: Any) -> Any:
        """A client of a cluster."""
        module = importlib.import_module(f"{self._module}.cluster")
        return self._make(getattr(module, f"{self._class}Cluster"), host="127.0.0.1", port=port, **options)

    def sentinel_client(self, port: int, name: str, **options: Any) -> Any:
        """A client of the primary that a Sentinel names."""
        module = importlib.import_module(f"{self._module}.sentinel")

        def make() -> Any:
            sentinels = module.Sentinel([("127.0.0.1", port)])
            for sentinel in sentinels.sentinels:
                self.keep(sentinel)
            return sentinels.master_for(name, **options)

        return self._make(make)

    def _make(self, factory: Callable[..., Any], **options: Any) -> Any:
        """Make a client inside the event loop, as Python 3.9 requires."""

        async def make() -> Any:
            return factory(**options)

        return self.keep(self.run(make()) if self._loop is not None else factory(**options))

    def keep(self, client: Any) -> Any:
        """Close a client in the end."""
        self._clients.append(client)
        return client

    def jrs(self, client: Any, realm: str = "default") -> JRS:
        """A `JRS`, or an `AsyncJRS` with the methods of one."""
        if self._loop is None:
            return JRS(client, realm)
        return cast("JRS", Blocking(AsyncJRS(client, realm), self._loop))

    def run(self, value: T | Coroutine[Any, Any, T]) -> T:
        """The result of a call of a client."""
        if self._loop is None:
            return cast("T", value)
        return self._loop.run_until_complete(cast("Coroutine[Any, Any, T]", value))

    def close(self) -> None:
        """Close all clients."""
        for client in self._clients:
            if self._loop is None:
                client.close()
            else:
                self._loop.run_until_complete(client.aclose())
        if self._loop is not None:
            self._loop.close()


@contextmanager
def connected(variant: str) -> Iterator[Connected]:
    """A client library."""
    connection = Connected(variant)
    try:
        yield connection
    finally:
        connection.close()
