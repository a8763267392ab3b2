"""The clients: threads that send random commands until the time is up."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.client import Client, Failure, encode
from stressing.commands import CREATES, DISTURBANCES, Tokens, batch, disturbance, session_command

CLIENTS, READERS = 20, 2  # on the primary, and on the replica
PATIENCE = 30  # seconds that a reply may take


class Refused(str):
    """An error reply."""


class Connection(Client):
    """A connection that returns error replies, and waits at most PATIENCE seconds for a reply."""

    def __init__(self, port):
        super().__init__(port)
        self.socket.settimeout(PATIENCE)

    def refused(self, text):
        return Refused(text)

    def close(self):
        self.replies.close()
        self.socket.close()


@dataclass
class Run:
    """The shared state of the clients of one run. Each thread has its own counters."""

    seed: str
    port: int  # of the primary
    ends: float
    key_files: list
    tokens: Tokens = field(default_factory=Tokens)
    seen: list = field(default_factory=list)  # keys of sessions, now and then
    ids: dict = field(default_factory=lambda: {0: "0"})  # client -> its connection's id
    sent: Counter = field(default_factory=Counter)
    errors: Counter = field(default_factory=Counter)
    done: Counter = field(default_factory=Counter)  # commands that succeeded, by name
    sentences: dict = field(default_factory=dict)
    findings: list = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, command, reply, rng):
        """Counts one reply, and keeps the token in it."""
        if isinstance(reply, Refused):
            word = reply.split(" ", 1)[0]
            self.errors[word] += 1
            self.sentences.setdefault(reply[:160], " ".join(command)[:120])
            return
        if command[:2] == ["MODULE", "UNLOAD"]:
            self.findings.append(f"MODULE UNLOAD was not refused: {reply}")
        if reply is not None and reply != "QUEUED":
            self.done[command[0]] += 1
        if command[0] == "EXEC":
            for part in reply or []:
                self.judge(["queued"], part, rng)
        elif command[0] in CREATES and isinstance(reply, str) and reply.startswith("ey"):
            self.tokens.add(rng, reply)
        elif command[0] == "JRS.LIST" and isinstance(reply, list) and reply:
            realm = command[-1]
            self.seen[:] = [("sess:" if realm == "default" else f"{realm}:") + entry[1] for entry in reply[:50]]

    def exchange(self, connection, commands, rng):
        connection.socket.sendall(b"".join(map(encode, commands)))
        for command in commands:
            reply = connection.reply()
            with self.lock:
                self.sent[command[0]] += 1
                self.judge(command, reply, rng)


def client(run, number, port, next_commands):
    """One client. A connection that the server closed is opened again."""
    rng, connection = random.Random(f"{run.seed}/{number}"), None
    try:
        while time.monotonic() < run.ends:
            try:
                if connection is None:
                    connection = Connection(port)
                    if port == run.port:
                        run.ids[number] = connection("CLIENT", "ID")
                    connection("SELECT", rng.choice("0001"))
                run.exchange(connection, next_commands(rng), rng)
            except TimeoutError:
                raise Failure(f"no reply within {PATIENCE} seconds") from None
            except ConnectionRefusedError:
                raise Failure("the server does not accept connections any more") from None
            except (OSError, ValueError, Failure):  # the connection was killed, maybe within a reply
                run.errors["(closed)"] += 1
                if connection is not None:
                    connection.close()
                connection = None
    except Exception as failure:  # noqa: BLE001  any exception fails the run
        run.findings.append(f"client {number}: {type(failure).__name__}: {failure}")
        run.ends = 0  # for all
    finally:
        if connection is not None:
            connection.close()


def storm(run, primary, replica):
    """Runs all clients until the time is up."""
    first = list(DISTURBANCES)  # each at least once, also in a short run

    def commands(rng):
        ids = list(run.ids.values())
        with run.lock:
            what = first.pop() if first and len(run.tokens.all) > CLIENTS else None
        if what:
            return disturbance(what, rng, ids, run.key_files)
        return batch(rng, run.tokens, run.seen, ids, run.key_files)

    def reads(rng):
        time.sleep(0.002)  # otherwise they would keep the replica busy all the time
        return [session_command(rng, run.tokens, run.seen)]

    threads = [threading.Thread(target=client, args=(run, number, primary, commands), daemon=True)
               for number in range(CLIENTS)]
    threads += [threading.Thread(target=client, args=(run, CLIENTS + number, replica, reads), daemon=True)
                for number in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
