"""Sends commands through redis.asyncio.cluster.RedisCluster; serve.mjs describes the argument, the requests and the
answers."""

import asyncio
import json
import sys

from redis.asyncio.cluster import ClusterNode, RedisCluster

options = json.loads(sys.argv[1])


async def send(cluster, words, anywhere, read):
    target = {}
    if anywhere:
        target = {"target_nodes": cluster.get_random_node()}
    elif read and options["replicas"] and not options["plain"]:
        target = {"target_nodes": cluster.get_node_from_key(words[1], replica=True)}
    return await cluster.execute_command(*words, **target)


async def transaction(cluster, commands):
    async with cluster.pipeline(transaction=True) as pipeline:
        for words in commands:
            pipeline.execute_command(*words)
        return await pipeline.execute()


async def main():
    nodes = [ClusterNode("127.0.0.1", port) for port in options["ports"]]
    cluster = RedisCluster(startup_nodes=nodes, decode_responses=True, read_from_replicas=options["replicas"])
    for line in sys.stdin:
        request = json.loads(line)
        handle = transaction if "commands" in request else send
        try:
            answer = {"reply": await handle(cluster, **request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
