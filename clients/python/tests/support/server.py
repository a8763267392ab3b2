"""Servers with the module. Each has its own port and folder."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

ROOT = Path(__file__).resolve().parents[4]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
MODULE = os.environ.get("JRS_MODULE", str(TARGET / "release/libjrs.so"))
PROGRAM = os.environ.get("JRS_TEST_SERVER", "redis-server")

# How long a condition may take on a machine that does much else at the same time.
PATIENCE = 60.0

T = TypeVar("T")


def until(what: str, condition: Callable[[], T]) -> T:
    """Wait until a condition holds, and return its value."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE:.0f} s for: {what}")
        time.sleep(0.01)


class PortTaken(RuntimeError):
    """Another process took the port first."""


class Server:
    """A server process. `{folder}` in settings and arguments is replaced by its folder."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object] | None = None,
        *,
        files: Mapping[str, str] | None = None,
        module: bool = True,
        arguments: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = 0
        self.log = folder / "server.log"
        for name, content in (files or {}).items():
            path = folder / name
            path.write_text(content.replace("{folder}", str(folder)))
            path.chmod(0o600)
        self._settings = {"bind": "127.0.0.1", "dir": folder, "save": "", **(settings or {})}
        self._arguments = [*arguments]
        self._module = ["--loadmodule", MODULE] if module else []
        self._process: subprocess.Popen[bytes] | None = None
        self._start_on_free_port()

    def _start_on_free_port(self) -> None:
        """Start the process. Another one may take the port first: then take another port."""
        for _ in range(10):
            self.port = free_port()
            self._admin = redis.Redis(port=self.port, decode_responses=True, socket_timeout=PATIENCE)
            try:
                self.run()
            except PortTaken:
                continue
            return
        raise RuntimeError(f"no free port: {self.log.read_text()}")

    @property
    def url(self) -> str:
        """The address for `from_url` of the client libraries."""
        return f"redis://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Start the process. After `stop` it can be started again, on the same port."""
        words = [*self._arguments]
        for name, value in {"port": self.port, **self._settings}.items():
            words += [f"--{name}", str(value)]
        # setpriv makes the kernel end the server with the tests, even if they are killed.
        words = ["setpriv", "--pdeathsig", "KILL", PROGRAM, *words, *self._module]
        words = [word.replace("{folder}", str(self.folder)) for word in words]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        with redis.Redis(port=self.port, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)) as probe:
            until("the server replies", lambda: self._replies(probe))

    def _replies(self, probe: redis.Redis) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            text = self.log.read_text()
            raise PortTaken(text) if "Address already in use" in text else RuntimeError(text)
        try:
            return bool(probe.info("server")["process_id"] == self._process.pid)
        except redis.ConnectionError:
            return False

    def send(self, *words: object) -> Any:
        """Send a command on a connection of its own."""
        send: Callable[..., Any] = self._admin.execute_command
        return send(*words)

    def calls(self, command: str) -> int:
        """How often a command was called since the last `CONFIG RESETSTAT`."""
        stats: dict[str, Any] = self._admin.info("commandstats")
        return sum(int(stats[name]["calls"]) for name in stats if name.lower() == f"cmdstat_{command.lower()}")

    def online_replicas(self) -> int:
        """How many replicas have loaded the data."""
        infos = self._admin.info("replication").values()
        return sum(isinstance(info, dict) and info.get("state") == "online" for info in infos)

    def pause(self) -> None:
        """Stop the process without ending it: it does not reply."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue after `pause`."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill the process, as in a crash."""
        self._admin.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


def key_set() -> str:
    """A JWK Set with a secret: a key file that several servers can share."""
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "kid": "shared", "k": secret}]})


def free_port() -> int:
    """A free port whose cluster bus port, which is 10,000 higher, is also free."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port >= 55_000:
                continue
            try:
                second.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port
