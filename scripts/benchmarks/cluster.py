"""JRS.GET on a cluster of three nodes, compared with GETEX of the same keys on the same cluster."""

import binascii
import bisect
import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.client import Client, Failure, encode
from benchmarks.fill import create, data_of
from benchmarks.load import redis_benchmark, stream
from benchmarks.machine import describe
from benchmarks.rounds import rate_header, rate_row, take_turns
from benchmarks.server import SLOTS, cluster, first_slot

NODES, SESSIONS = 3, 10_000
DATA = data_of(53)
CONNECTIONS, PIPELINE = 50, 32  # of each node
ALONE, PIPELINED, STREAM = "no pipeline", f"-P {PIPELINE}", "stream"


@dataclass
class Node:
    """A node of the cluster and the sessions on it: pairs of key and token."""
    port: int
    client: Client
    sessions: list


def get(key, token):
    return ["JRS.GET", key, token]


def getex(key, _):
    return ["GETEX", key, "EX", "86400"]


def start_nodes(ports, count):
    """The nodes, after each has created the sessions of the owners in its slots."""
    owners = [[] for _ in ports]
    starts = [first_slot(number, len(ports)) for number in range(len(ports))]
    for owner in (f"{number:07}" for number in range(count)):
        slot = binascii.crc_hqx(owner.encode(), 0) % SLOTS
        owners[bisect.bisect(starts, slot) - 1].append(owner)
    clients = map(Client, ports)
    return [Node(port, client, create(client, of_node, DATA)) for port, client, of_node in zip(ports, clients, owners)]


def sender(nodes, how, command, options):
    """A function that sends this command to all nodes at the same time, each about its own sessions. It returns (commands a
    second of all nodes, a node's processor seconds for each of them). A redirection is an error reply, so a failure."""
    requests = options.requests // len(nodes) * (1 if how == ALONE else 5)
    seeds = itertools.count()

    def block(node, seed):
        read = random.Random(seed).choices(node.sessions, k=requests)
        return b"".join(encode(command(*session)) for session in read)

    def benchmark(node):
        return redis_benchmark(node.port, command(*node.sessions[0]), requests, 1 if how == ALONE else PIPELINE, CONNECTIONS)

    def run():
        # In each round both sides read the same sessions.
        seed = next(seeds)
        blocks = [block(node, seed) for node in nodes] if how == STREAM else []
        before = totals(nodes)
        start = time.monotonic()
        with ThreadPoolExecutor(len(nodes)) as pool:
            if how == STREAM:
                list(pool.map(lambda node, block: stream(node.port, block, requests, len(DATA)), nodes, blocks))
            else:
                list(pool.map(benchmark, nodes))
        rate = requests * len(nodes) / (time.monotonic() - start)
        cpu, errors = (after - earlier for after, earlier in zip(totals(nodes), before))
        if errors:
            raise Failure("a node replied with errors")
        return rate, cpu / len(nodes) / (requests * len(nodes))

    return run


def totals(nodes):
    return [sum(values) for values in zip(*(node.client.totals() for node in nodes))]


def compare(options):
    """Prints the table; returns no floors."""
    with cluster(NODES) as ports:
        nodes = start_nodes(ports, options.scaled(SESSIONS))
        describe(nodes[0].client, options)
        print(f"- {NODES} nodes, {CONNECTIONS} connections to each; {sum(len(node.sessions) for node in nodes):,} sessions, data"
              f" {len(DATA)} bytes; {options.requests:,} commands a round (5 times as many in -P {PIPELINE} and stream)\n")
        rate_header(options)
        for name, over in (("GETEX against itself (noise)", getex), ("JRS.GET with its key", get)):
            for how in (ALONE, PIPELINED, STREAM):
                sides = [sender(nodes, how, command, options) for command in (over, getex)]
                results = [side[1:] for side in take_turns(sides, options.rounds + 1)]  # the first round does not count
                rate_row(options.record, "cluster", {"jrs": name, "plain": "GETEX EX", "how": how}, [results])
    return []
