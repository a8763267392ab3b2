"""The server that is measured: one of our own, on a free loopback port, in a temporary folder."""

import os
import pathlib
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager

from benchmarks.client import Client, Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MODULE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "libjrs.so"


@contextmanager
def server(*arguments):
    """A running server with the module and these arguments to it: yields its port. It is gone when the block ends,
    however it ends."""
    with tempfile.TemporaryDirectory(prefix="jrs-bench-") as folder:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        log = pathlib.Path(folder) / "server.log"
        command = shlex.split(os.environ.get("JRS_TEST_SERVER", "redis-server")) + [
            "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no",
            "--loadmodule", str(MODULE), *arguments]
        process = subprocess.Popen(command, stdout=log.open("w"), stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_until_up(process, port, log)
            yield port
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # also the child of a wrapper; there is nothing to save
            process.wait()


def wait_until_up(process, port, log):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return Client(port)("PING")
        except (OSError, Failure):
            time.sleep(0.02)
    raise Failure("\n".join(["the server did not start", *log.read_text(errors="replace").splitlines()[-15:]]))
