"""Creates sessions before a measurement."""

import base64
import json

from benchmarks.load import redis_benchmark


def data_of(size):
    """Session data, a JSON object of this many bytes."""
    head, tail = '{"name":"Ann Example","role":"editor","cart":[17,42]', "}"
    if size > len(head) + len(tail):
        head += ',"note":"' + "x" * (size - len(head) - len(',"note":""}')) + '"'
    return head + tail


def fill(port, count, data, owner="__rand_int__"):
    """Creates this many sessions as fast as possible, by default each with a new owner."""
    redis_benchmark(port, ["JRS.CREATE", owner, data], count, pipeline=32)


def create(client, owners, data):
    """A session for each of these owners: pairs of its key and its token."""
    return [(key_of(token), token) for token in client.pipeline(["JRS.CREATE", owner, data] for owner in owners)]


def key_of(token):
    """The key of the session in the keyspace of the realm `default`."""
    payload = token.split(".")[1]
    return "sess:" + json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]
