"""A client's connections to the pair: it sends a command again while a server refuses it for the moment."""

import time
from collections import Counter

from benchmarks.client import Failure, encode
from soaking.latency import bucket
from soaking.model import LOST
from stressing.clients import Connection, Refused

PATIENCE = 60  # seconds that an outage may take
# The words with which a server refuses a command that the client must send again.
TEMPORARY = ("READONLY", "UNBLOCKED", "LOADING", "MASTERDOWN", "TRYAGAIN")
PRIMARY, REPLICA = "primary", "replica"  # the roles
GONE, REFUSED = "connection lost", "no connection"
# What a client may see on the primary in each phase. Whatever else it sees is a finding.
EXPECTED = {
    "kill primary": (GONE, REFUSED, "LOADING"),
    "promotion": (GONE, REFUSED, "LOADING", "READONLY", "MASTERDOWN"),
    "failover": (GONE, "READONLY", "UNBLOCKED", "TRYAGAIN", "MASTERDOWN", "LOADING"),
    "unload": ("TRYAGAIN",),
}


class Stop(Exception):
    """The run cannot go on for this client."""


class Link:
    def __init__(self, control, find):
        self.control, self.find = control, find
        self.connections = {}  # role -> (port, epoch, connection)
        self.confirms = False  # whether a write must be on the replica before it counts
        self.sent = self.received = 0.0  # of the last command
        self.errors, self.latencies = Counter(), Counter()  # by (phase, word), (phase, group, bucket)
        self.commands = 0

    def close(self):
        for role in list(self.connections):
            self._drop(role)

    def _drop(self, role):
        if role in self.connections:
            self.connections.pop(role)[2].close()

    def _connection(self, role):
        """The connection to the server with this role. The replica may have been another one, or have restarted."""
        port = (self.control.primary if role == PRIMARY else self.control.replica).value
        epoch = 0 if role == PRIMARY else self.control.epoch.value
        if self.connections.get(role, (None, None))[:2] != (port, epoch):
            self._drop(role)
            self.connections[role] = port, epoch, Connection(port)
        return self.connections[role][2]

    def exchange(self, role, *commands):
        """The replies of a server. An error of the connection is a ConnectionRefusedError or a ConnectionResetError."""
        try:
            connection = self._connection(role)
        except OSError as failure:
            raise ConnectionRefusedError(str(failure)) from None
        try:
            self.sent = time.time()
            connection.socket.sendall(b"".join(map(encode, commands)))
            replies = [connection.reply() for _ in commands]
            self.received = time.time()
            self.commands += len(commands)
            return replies
        except TimeoutError:
            raise Stop(f"no reply to {commands[0][0]} within {connection.socket.gettimeout():.0f} seconds") from None
        except (OSError, ValueError, Failure) as failure:
            self._drop(role)
            raise ConnectionResetError(str(failure)) from None

    def primary(self, group, *command, on_refused=lambda: None):
        """The reply of the primary, or LOST. `on_refused` is called before the command is sent again."""
        began, phase = time.monotonic(), self.control.phase_name()
        while True:
            try:
                reply = self.exchange(PRIMARY, command)[0]
            except ConnectionRefusedError:
                self._count(phase, REFUSED)
            except ConnectionResetError:
                self._count(phase, GONE)
                self.received = time.time()
                return LOST
            else:
                word = reply.split(" ", 1)[0] if isinstance(reply, Refused) else None
                if word not in TEMPORARY:
                    if self.confirms and word is None and not self._confirmed():
                        return LOST
                    self.latencies[phase, group, bucket(time.monotonic() - began)] += 1
                    return reply
                self._count(phase, word)
                on_refused()
                if word in ("READONLY", "UNBLOCKED"):
                    self._drop(PRIMARY)
            if time.monotonic() - began > PATIENCE:
                raise Stop(f"{command[0]} was refused for {PATIENCE} seconds")
            time.sleep(0.01)

    def _confirmed(self):
        """Waits until the replica has the write. False if the connection was lost before."""
        sent, received = self.sent, self.received
        while True:
            try:
                if self.exchange(PRIMARY, ("WAIT", "1", "1000"))[0] == "1":
                    self.sent, self.received = sent, received
                    return True
            except OSError:
                self._count(self.control.phase_name(), GONE)
                return False

    def _count(self, phase, word):
        """An error of a command that was first sent in this phase."""
        now = self.control.phase_name()
        if word in EXPECTED.get(now, ()):
            phase = now  # the event has just begun
        elif word not in EXPECTED.get(phase, ()):
            self.find(f"{word} from the primary in the phase {phase!r}")
        self.errors[phase, word] += 1

    def catch_up(self):
        """Waits until the replica has everything that this client wrote. False if it does not within a second."""
        try:
            mine = f"soak:{self.control.number}"
            return self.exchange(PRIMARY, ("SET", mine, "1"), ("WAIT", "1", "1000")) == ["OK", "1"]
        except OSError:
            return False

    def replica(self, *command):
        """The reply of the replica, which has everything that this client wrote; LOST if it cannot be sure of that."""
        epoch = self.control.epoch.value
        if epoch % 2 or not self.catch_up():
            return LOST
        began, phase = time.monotonic(), self.control.phase_name()
        try:
            reply = self.exchange(REPLICA, command)[0]
        except OSError as failure:
            reply = Refused(f"{TEMPORARY[0]} {failure}")
        if self.control.epoch.value != epoch:
            return LOST
        if isinstance(reply, Refused) and reply.split(" ", 1)[0] in TEMPORARY:
            self.find(f"the replica does not answer while nothing happens: {reply}")
            return LOST
        self.latencies[phase, "PEEK and LIST on the replica", bucket(time.monotonic() - began)] += 1
        return reply
