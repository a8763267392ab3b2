"""A server that replies to every command of the module with one error."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast


class FakeServer(socketserver.ThreadingTCPServer):
    """`{arguments}` in the reply is replaced by those of the command. `""` closes the connection."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, reply: str) -> None:
        self.reply = reply
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast("FakeServer", self.server)
        stream = cast("BinaryIO", self.rfile)
        while words := _command(stream):
            if words[0].upper() == "JRS.REALMS":
                self.wfile.write(b"*1\r\n" + _realm())
            elif not words[0].upper().startswith("JRS."):
                self.wfile.write(b"+OK\r\n")
            elif server.reply:
                self.wfile.write(f"-{server.reply.replace('{arguments}', ' '.join(words[1:]))}\r\n".encode())
            else:
                return


def _command(stream: BinaryIO) -> list[str]:
    try:
        header = stream.readline()
        return [_bulk(stream) for _ in range(int(header[1:]))] if header else []
    except ConnectionError:
        return []


def _bulk(stream: BinaryIO) -> str:
    return stream.read(int(stream.readline()[1:]) + 2)[:-2].decode()


def _realm() -> bytes:
    """A realm with the keyspace `sess:`, as a RESP2 client gets it."""
    texts = {"name": "default", "algorithm": "HS256", "keyspace": "sess:", "reuse-detection": "no"}
    texts |= dict.fromkeys(("issuer", "audience", "token-type", "max-sessions-policy"), "")
    numbers = ["max-age", "anonymous-max-age", "max-lifetime", "not-before", "touch-interval", "rotate-grace", "leeway"]
    numbers += ["access-token-age", "max-data-size", "max-sessions"]
    values = [f"${len(text)}\r\n{text}\r\n" for name, value in texts.items() for text in (name, value)]
    values += [f"${len(name)}\r\n{name}\r\n:0\r\n" for name in numbers]
    count = 2 * (len(texts) + len(numbers) + 1)
    return (f"*{count}\r\n" + "".join(values) + "$4\r\nkeys\r\n*0\r\n").encode()


@contextmanager
def fake_server(reply: str) -> Iterator[FakeServer]:
    """A server that replies to every command of the module with this error."""
    with FakeServer(reply) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
