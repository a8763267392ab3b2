"""Uses sessions through Sentinels with redis-py. The argument is that of ioredis.mjs, the output that of load.mjs."""

import json
import os
import random
import re
import sys
import threading
import traceback

import redis
from redis.sentinel import Sentinel

REFUSED = re.compile(r"(READONLY|UNBLOCKED|NOREPLICAS|LOADING|MASTERDOWN|TRYAGAIN) ")
KEPT = 20
PAUSE = 0.02

over = threading.Event()
printing = threading.Lock()


def show(line):
    with printing:
        print(line, flush=True)


def connection_in(reply):
    """The server and the connection in a reply to CLIENT INFO; None for an error."""
    return (reply["id"], reply["laddr"]) if isinstance(reply, dict) else None


def outcome_of(reply, op):
    if isinstance(reply, redis.ResponseError):
        # redis-py raises errors of its own for some words, and leaves the word out.
        is_refused = bool(REFUSED.match(str(reply))) or isinstance(
            reply, (redis.exceptions.MasterDownError, redis.exceptions.ReadOnlyError)
        )
        show(f"{'error' if is_refused else 'unexpected'} {reply}")
        return "refused" if is_refused else "unknown"
    if isinstance(reply, Exception):
        show(f"error connection: {reply}")
        return "unknown"
    return "null" if reply is None or (reply == 0 and op in ("destroy", "wait")) else "ok"


def reply_of(reply, op):
    if op in ("create", "rotate"):
        return {"new_token": reply}
    if op == "read":
        return {"data": reply["data"]}
    if op == "list":
        return {"ids": [session["id"] for session in reply]}
    return {}


class Owner:
    def __init__(self, owner, client):
        self.owner = owner
        self.client = client
        self.connection = None
        self.alive = []
        self.destroyed = []
        self.writes = 0

    def run(self):
        while not over.wait(PAUSE):
            self.perform(*self.choose())

    def choose(self):
        choice = random.randrange(100)
        token = random.choice(self.alive) if self.alive else None
        self.writes += 1
        data = json.dumps({"n": self.writes})
        if choice < 2:
            return {"op": "destroyall"}, ["JRS.DESTROYALL", self.owner]
        if choice < 6:
            return {"op": "list"}, ["JRS.LIST", self.owner]
        if choice < 10 and self.destroyed:
            token = random.choice(self.destroyed)
            return {"op": "read", "token": token}, ["JRS.GET", token]
        if choice < 40 and token:
            return {"op": "read", "token": token}, ["JRS.GET", token]
        if choice < 55 and token:
            return {"op": "update", "token": token, "data": data}, ["JRS.UPDATE", token, data]
        if choice < 70 and token:
            return {"op": "rotate", "token": token}, ["JRS.ROTATE", token]
        if token and (choice < 78 or len(self.alive) >= KEPT):
            return {"op": "destroy", "token": token}, ["JRS.DESTROY", token]
        return {"op": "create", "data": data}, ["JRS.CREATE", self.owner, data]

    def perform(self, operation, words):
        op = operation["op"]
        waits = op not in ("read", "list") and random.random() < 0.5
        replies = self.exchange([["CLIENT INFO"], words] + ([["WAIT", 1, 1000]] if waits else []))
        connection = connection_in(replies[0])
        if connection is None or connection != self.connection:
            self.print({"op": "connect", "outcome": "ok"})
            self.connection = connection
        outcome = outcome_of(replies[1], op)
        done = operation | {"outcome": outcome} | (reply_of(replies[1], op) if outcome == "ok" else {})
        self.print(done)
        self.remember(done)
        if waits and outcome == "ok":
            self.print({"op": "wait", "outcome": outcome_of(replies[2], "wait")})

    def exchange(self, commands):
        """The replies to commands on one connection, or errors in their places."""
        pipeline = self.client.pipeline(transaction=False)
        for words in commands:
            pipeline.execute_command(*words)
        try:
            return pipeline.execute(raise_on_error=False)
        except redis.RedisError as error:
            return [error] * len(commands)

    def print(self, operation):
        show(json.dumps(operation | {"owner": self.owner}))

    def remember(self, done):
        op, outcome, token = done["op"], done["outcome"], done.get("token")
        if token and (outcome == "null" or (outcome == "ok" and op in ("rotate", "destroy"))):
            self.forget([token])
        if outcome == "ok" and op == "destroyall":
            self.forget(self.alive)
        if "new_token" in done:
            self.alive.append(done["new_token"])

    def forget(self, tokens):
        gone = [token for token in self.alive if token in tokens]
        self.alive = [token for token in self.alive if token not in tokens]
        self.destroyed = (self.destroyed + gone)[-KEPT:]


def fail(arguments):
    """Ends the process: by default an exception only ends its thread."""
    traceback.print_exception(arguments.exc_value)
    os._exit(1)


threading.excepthook = fail
task = json.loads(sys.argv[1])
sentinel = Sentinel([("127.0.0.1", port) for port in task["ports"]], socket_timeout=10)
# By default redis-py sends a command again if the connection was lost before the reply: it may run twice.
clients = [
    sentinel.master_for(task["name"], decode_responses=True, retry=None, socket_timeout=30) for _ in task["owners"]
]
threads = [threading.Thread(target=Owner(*each).run) for each in zip(task["owners"], clients)]
for thread in threads:
    thread.start()
sys.stdin.read()
over.set()
for thread in threads:
    thread.join()
