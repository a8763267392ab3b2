"""What the main process and the clients share: where the servers are, and what is going on."""

import multiprocessing
import threading
from collections import Counter
from contextlib import suppress
from multiprocessing.connection import wait

PROCESSES = multiprocessing.get_context("fork")
QUIET, CHECK = "quiet", "checkpoint"
PATIENCE = 240  # seconds that a client may take for an order


class Control:
    """Shared memory. `epoch` is odd while the replica may lack what the primary has, or does not answer."""

    def __init__(self, phases):
        self.phases = phases
        self.primary, self.replica, self.phase, self.epoch = (PROCESSES.Value("q", 0, lock=False) for _ in range(4))
        self.number = 0  # of the client

    def phase_name(self):
        return self.phases[self.phase.value]

    def enter(self, phase):
        self.phase.value = self.phases.index(phase)


class Clients:
    """The client processes, seen from the main process: it sends them orders, and collects what they report."""

    def __init__(self, control, count, work):
        """Starts them. `work(control, pipe)` is what a client does."""
        self.pipes, self.processes = [], []
        for number in range(count):
            mine, theirs = PROCESSES.Pipe()
            control.number = number
            process = PROCESSES.Process(target=work, args=(control, theirs), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(mine)
            self.processes.append(process)
        self.latencies, self.errors, self.checks, self.done = Counter(), Counter(), Counter(), Counter()
        self.interval = Counter()  # the latencies since the last sample
        self.findings, self.commands = [], 0
        self.replies, self.changed = {}, threading.Condition()
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        open_pipes = list(self.pipes)
        while open_pipes:
            for pipe in wait(open_pipes):
                try:
                    kind, content = pipe.recv()
                except (EOFError, OSError):
                    open_pipes.remove(pipe)
                    with self.changed:
                        self.replies[self.pipes.index(pipe)] = None
                        self.changed.notify_all()
                    continue
                with self.changed:
                    if kind == "reply":
                        self.replies[self.pipes.index(pipe)] = content
                        self.changed.notify_all()
                    else:
                        self._add(content)

    def _add(self, report):
        self.latencies.update(report["latencies"])
        self.interval.update(report["latencies"])
        self.errors.update(report["errors"])
        self.checks.update(report["checks"])
        self.done.update(report["done"])
        self.commands += report["commands"]
        self.findings += report["findings"]

    def take_interval(self):
        """The latencies since the last call."""
        with self.changed:
            taken, self.interval = self.interval, Counter()
            return taken

    def order(self, name, *arguments):
        """Sends an order to all clients, and waits until each has carried it out. Returns their replies."""
        with self.changed:
            self.replies = {}
        for pipe in self.pipes:
            with suppress(OSError):  # it has ended, and said why
                pipe.send((name, arguments))
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.replies) == len(self.pipes), PATIENCE):
                self.findings.append(f"a client does not carry out {name!r} within {PATIENCE} seconds")
            if any(reply is None for reply in self.replies.values()) and name != "quit":
                self.findings.append(f"a client has ended before {name!r}")
            return [reply for reply in self.replies.values() if reply is not None]

    def stop(self):
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        for process in self.processes:
            process.join(10)
