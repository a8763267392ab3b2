"""A Redis Cluster."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .server import Server, key_set, until

SLOTS = 16384


class Cluster:
    """A cluster of three nodes without replicas, which share their keys."""

    def __init__(self, folder: Path) -> None:
        self.nodes: list[Server] = []
        settings = {"cluster-enabled": "yes", "jrs.keys-file": "{folder}/keys.json"}
        keys = key_set()
        try:
            for name in ("a", "b", "c"):
                (folder / name).mkdir()
                self.nodes.append(Server(folder / name, settings, files={"keys.json": keys}))
            self._join()
        except BaseException:
            self.stop()
            raise

    @property
    def port(self) -> int:
        """The port of one of the nodes."""
        return self.nodes[0].port

    def _join(self) -> None:
        count = len(self.nodes)
        for at, node in enumerate(self.nodes):
            node.send("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
            node.send("CLUSTER", "ADDSLOTSRANGE", SLOTS * at // count, SLOTS * (at + 1) // count - 1)
            node.send("CLUSTER", "MEET", "127.0.0.1", self.port)
        until("the nodes agree", self._is_ok)

    def _is_ok(self) -> bool:
        infos = [str(node.send("CLUSTER", "INFO")) for node in self.nodes]
        return all("cluster_state:ok" in info and "cluster_known_nodes:3" in info for info in infos)

    def send(self, *words: object) -> list[Any]:
        """Send a command to each node."""
        return [node.send(*words) for node in self.nodes]

    def node_of(self, key: str) -> Server:
        """The node that has the slot of a key."""
        slot = int(self.nodes[0].send("CLUSTER", "KEYSLOT", key))
        return self.nodes[next(at for at in range(3) if slot < SLOTS * (at + 1) // 3)]

    def owner_on(self, node: Server) -> str:
        """An owner whose sessions are on a node."""
        return next(f"user:{n}" for n in range(1000) if self.node_of(f"user:{n}") is node)

    def redirections(self) -> int:
        """How often the nodes have replied with `MOVED` or `ASK` since the last `CONFIG RESETSTAT`."""
        texts = [str(node.send("INFO", "errorstats")) for node in self.nodes]
        return sum(int(count) for text in texts for count in re.findall(r"(?:MOVED|ASK)'?: \{'count': '?(\d+)", text))

    def stop(self) -> None:
        """Kill the nodes."""
        for node in self.nodes:
            node.stop()
