"""Starts the measured servers, each on a free loopback port, in a temporary folder."""

import os
import pathlib
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import namedtuple
from contextlib import ExitStack, contextmanager

from benchmarks.client import Client, Failure

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# As cargo, which runs in this folder, understands the variable.
MODULE = ROOT / (os.environ.get("CARGO_TARGET_DIR") or "target") / "release" / "libjrs.so"
LOG = "server.log"
SLOTS = 16384  # of every cluster

# One build of the module. Groups measure options.builds: this build first and, with --beside, another one.
Build = namedtuple("Build", "name module")


@contextmanager
def server(*arguments, module=MODULE, folder=None, patience=60):
    """A running server with the module (None: without) and these arguments: options of the module, then of the server.
    Yields its port, and stops the server at the end of the block. `folder` keeps its data; `patience` is the longest
    time for its start in seconds."""
    with tempfile.TemporaryDirectory(prefix="jrs-bench-") as own:
        port = free_port()
        log = pathlib.Path(folder or own) / LOG
        command = server_command() + [
            "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder or own), "--save", "", "--appendonly", "no",
            *(["--loadmodule", str(module)] if module else []), *arguments]
        process = subprocess.Popen(command, stdout=log.open("w"), stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_until_up(process, port, log, patience)
            yield port
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # also the child of a wrapper; no data to save
            process.wait()


@contextmanager
def cluster_node(module=MODULE):
    """A cluster of one node that has all slots: yields its port."""
    with cluster(1, module) as [port]:
        yield port


@contextmanager
def cluster(count, module=MODULE):
    """A cluster of nodes with equal shares of the slots, in order: yields their ports."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="jrs-bench-key-"))
        key = pathlib.Path(folder) / "key"  # a cluster node does not generate a key
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(64))
        buses = [free_port() for _ in range(count)]
        ports = [stack.enter_context(server("keys-file", str(key), "--cluster-enabled", "yes", "--cluster-port", str(bus),
                                            module=module)) for bus in buses]
        clients = [Client(port) for port in ports]
        for number, client in enumerate(clients):
            client("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            client("CLUSTER", "ADDSLOTSRANGE", str(first_slot(number, count)), str(first_slot(number + 1, count) - 1))
            if number > 0:
                client("CLUSTER", "MEET", "127.0.0.1", str(ports[0]), str(buses[0]))
        deadline = time.monotonic() + 60
        while not all("cluster_state:ok" in (info := client("CLUSTER", "INFO")) and f"cluster_known_nodes:{count}" in info
                      for client in clients):
            if time.monotonic() > deadline:
                raise Failure("the cluster did not form")
            time.sleep(0.02)
        yield ports


def first_slot(number, count):
    """The first slot of a node in a cluster of this many nodes."""
    return number * SLOTS // count


def server_command():
    """The program of the server, with the first of its arguments."""
    command = shlex.split(os.environ.get("JRS_TEST_SERVER") or "redis-server")
    if not command or not shutil.which(command[0]):
        raise Failure(f"there is no {' '.join(command)}: install redis-server, or name another with JRS_TEST_SERVER")
    return command


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until_up(process, port, log, patience):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return Client(port)("PING")
        except (OSError, Failure):  # not listening yet, or still loading
            time.sleep(0.02)
    raise Failure("\n".join(["the server did not start", *log.read_text(errors="replace").splitlines()[-15:]]))
