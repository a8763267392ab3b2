"""The measured pair: two servers with persistence, one of which follows the other."""

import os
import signal
import subprocess
import time

from benchmarks.client import Client, Failure
from benchmarks.server import free_port, server_command, wait_until_up

PATIENCE = 120  # seconds for a start, a synchronization, a failover
OPTIONS = ["--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always", "--save", "120 1000",
           "--repl-diskless-sync-delay", "0", "--repl-diskless-load", "swapdb", "--replica-serve-stale-data", "no",
           "--enable-module-command", "local", "--maxmemory", "2gb", "--auto-aof-rewrite-min-size", "32mb",
           "--loglevel", "notice"]


class Node:
    """One server. It keeps its port and its folder when it starts again."""

    def __init__(self, name, folder, module_arguments):
        self.name, self.folder, self.module_arguments = name, folder / name, module_arguments
        self.folder.mkdir()
        self.log = folder / f"{name}.log"
        self.port, self.process, self.starts, self.started = free_port(), None, 0, 0.0

    def start(self, primary=None):
        """Starts the server; with `primary` as its replica."""
        command = [*server_command(), "--port", str(self.port), "--dir", str(self.folder), *OPTIONS,
                   "--loadmodule", *self.module_arguments]
        if primary:
            command += ["--replicaof", "127.0.0.1", str(primary.port)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.starts, self.started = self.starts + 1, time.monotonic()
        wait_until_listening(self)

    def connect(self):
        return Client(self.port)

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # also the child of a wrapper, and one that saves
            self.process.wait()

    def has_crashed(self):
        return self.process.poll() is not None


def wait_until_listening(node):
    """Waits until the server answers: a replica may refuse commands until it has the data of its primary."""
    try:
        wait_until_up(node.process, node.port, node.log, PATIENCE)
    except Failure:
        if node.process.poll() is not None:
            raise


def await_that(what, condition, patience=PATIENCE):
    """Waits until the condition is true, and returns how long that took. An error of a connection counts as false."""
    began = time.monotonic()
    while True:
        try:
            if condition():
                return time.monotonic() - began
        except (OSError, ValueError, Failure):
            pass
        if time.monotonic() - began > patience:
            raise Failure(f"waited {patience} seconds, and still not: {what}")
        time.sleep(0.02)


class Pair:
    """Two servers, and which of them is the primary."""

    def __init__(self, folder, module_arguments):
        self.nodes = [Node(name, folder, module_arguments) for name in ("one", "two")]
        self.primary, self.replica = self.nodes

    def start(self):
        self.primary.start()
        self.replica.start(self.primary)
        self.await_link()

    def swap(self):
        self.primary, self.replica = self.replica, self.primary

    def await_link(self):
        """Waits until the replica follows the primary and has all of its data."""
        def follows():
            info = self.replica.connect().info()
            expected = ("slave", "up", str(self.primary.port))
            return tuple(info[name] for name in ("role", "master_link_status", "master_port")) == expected

        await_that("the replica follows the primary", follows)
        client = self.primary.connect()
        client("SET", "soak:link", "1")
        await_that("the replica has everything", lambda: client("WAIT", "1", "100") == "1")

    def idle(self):
        """Waits until no server saves, rewrites or synchronizes."""
        def is_idle():
            infos = [node.connect().info() for node in self.nodes]
            return all(info[name] == "0" for info in infos for name in
                       ("loading", "rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"))

        await_that("no server saves", is_idle)

    def stop(self):
        for node in self.nodes:
            node.kill()
