"""Clients that create and read sessions, and know which ones the server acknowledged."""

import random
import threading
import time

from system import LIMIT, wait_until

import redis

CLIENTS = 4


class Load:
    """Runs from `with` to its end. Clients connect again while the server restarts."""

    def __init__(self, port):
        self.port = port
        self.tokens = []  # acknowledged; lists grow safely in threads
        self.problems = []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(LIMIT)

    def connect(self):
        return redis.Redis(port=self.port, protocol=3, decode_responses=True, socket_timeout=LIMIT, retry=None)

    def client(self, number):
        rng = random.Random(number)
        connection = self.connect()
        while not self.stopped.is_set() and not self.problems:
            try:
                self.tokens.append(connection.execute_command("JRS.CREATE", f"user:{number}", f'{{"n":{number}}}'))
                token = rng.choice(self.tokens)
                if connection.execute_command("JRS.GET", token) is None:
                    self.problems.append(f"null for {token}")
            except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
                self.stopped.wait(0.02)  # the server restarts
            except redis.RedisError as error:
                self.problems.append(repr(error))
            time.sleep(0.001)  # leave some of the processor to dpkg

    def wait_for_more(self, count=200):
        """Waits until the server has acknowledged so many sessions more."""
        goal = len(self.tokens) + count
        wait_until(lambda: self.problems or len(self.tokens) >= goal, f"{count} more sessions")
        assert not self.problems, self.problems

    def lost(self):
        """The acknowledged sessions that the server does not have."""
        connection = self.connect()
        return [token for token in self.tokens if connection.execute_command("JRS.PEEK", token) is None]
