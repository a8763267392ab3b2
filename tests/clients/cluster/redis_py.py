"""Sends commands through RedisCluster of redis-py; serve.mjs describes the argument, the requests and the answers."""

import json
import sys

from redis.cluster import ClusterNode, RedisCluster

options = json.loads(sys.argv[1])
nodes = [ClusterNode("127.0.0.1", port) for port in options["ports"]]
cluster = RedisCluster(startup_nodes=nodes, decode_responses=True, read_from_replicas=options["replicas"])


def send(words, anywhere, read):
    target = {}
    if anywhere:
        target = {"target_nodes": cluster.get_random_node()}
    elif read and options["replicas"] and not options["plain"]:
        # read_from_replicas is only for the commands that redis-py knows.
        target = {"target_nodes": cluster.get_node_from_key(words[1], replica=True)}
    return cluster.execute_command(*words, **target)


def transaction(commands):
    with cluster.pipeline(transaction=True) as pipeline:
        for words in commands:
            pipeline.execute_command(*words)
        return pipeline.execute()


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"reply": transaction(**request) if "commands" in request else send(**request)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
