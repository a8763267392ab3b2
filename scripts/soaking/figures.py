"""The figures of a run: a sample of each server every few seconds, and whether its memory grows."""

import json
import math
import statistics
import threading
import time
from collections import defaultdict

from benchmarks.client import Failure
from soaking.latency import merged, percentile

# What INFO says, by the name in a sample.
FIELDS = {"used_memory": "used_memory", "rss": "used_memory_rss", "dataset": "used_memory_dataset",
          "fragmentation": "mem_fragmentation_ratio", "index_bytes": "jrs_index_bytes",
          "cache_bytes": "jrs_token_cache_bytes", "sessions": "jrs_sessions_active", "owners": "jrs_owners_active",
          "aof_size": "aof_current_size", "expired": "expired_keys", "ops": "instantaneous_ops_per_sec",
          "fork_us": "latest_fork_usec", "clients": "connected_clients"}


def own_memory(info):
    """used_memory without what the load needs for a moment: buffers, backlog, the cache of tokens."""
    buffers = int(info.get("mem_total_replication_buffers", 0)) or int(info["mem_clients_slaves"])
    passing = sum(int(info.get(name, 0)) for name in ("jrs_token_cache_bytes", "mem_clients_normal", "mem_aof_buffer"))
    return int(info["used_memory"]) - passing - buffers


def number(text):
    return float(text) if "." in text else int(text)


class Recorder:
    """Writes a line of JSON for each sample, and for each checkpoint."""

    def __init__(self, file, pair, clients, control, seconds):
        self.file, self.pair, self.clients, self.control, self.seconds = file.open("w"), pair, clients, control, seconds
        self.began, self.over = time.monotonic(), threading.Event()
        self.lock, self.connections = threading.Lock(), {}
        self.peaks = defaultdict(int)  # of RSS and AOF size, in bytes
        self.thread = threading.Thread(target=self._run, daemon=True)

    def write(self, kind, content):
        with self.lock:
            line = {"kind": kind, "seconds": round(time.monotonic() - self.began, 2), **content}
            print(json.dumps(line), file=self.file, flush=True)

    def sample(self, node):
        """The figures of a server; None while it does not answer."""
        try:
            if node.port not in self.connections:
                self.connections[node.port] = node.connect()
            info = self.connections[node.port].info("everything")
            return {name: number(info[field]) for name, field in FIELDS.items() if field in info}
        except (OSError, ValueError, Failure):
            self.connections.pop(node.port, None)
            return None

    def _run(self):
        before, last = 0, time.monotonic()
        while not self.over.wait(self.seconds):
            servers = {node.name: self.sample(node) for node in self.pair.nodes}
            for sample in filter(None, servers.values()):
                for name in ("rss", "aof_size"):
                    self.peaks[name] = max(self.peaks[name], sample.get(name, 0))
            groups = defaultdict(list)
            for (_, group, bucket), count in self.clients.take_interval().items():
                groups[group].append({bucket: count})
            latencies = {group: merged(counts) for group, counts in groups.items()}
            now, commands = time.monotonic(), self.clients.commands
            self.write("sample", {
                "phase": self.control.phase_name(), "primary": self.pair.primary.name,
                "commands_per_second": round((commands - before) / (now - last)),
                "servers": servers,
                "latency_ms": {group: [round(percentile(counts, share), 3) for share in (0.5, 0.99, 0.999)]
                               for group, counts in sorted(latencies.items())}})
            before, last = commands, now

    def stop(self):
        self.over.set()
        if self.thread.is_alive():
            self.thread.join(10)
        self.file.close()


class Trend:
    """The growth of a figure: one line through all processes of the servers, each of which has its own level."""

    LEAST, LEAST_HOURS = 6, 0.25  # points, and their time, without which there is no trend

    def __init__(self, points):
        """`points` are (process, hours, value)."""
        processes = defaultdict(list)
        for process, hours, value in points:
            processes[process].append((hours, value))
        processes = [points for points in processes.values() if len(points) > 1]
        self.count = sum(map(len, processes))
        self.level = statistics.mean([value for points in processes for _, value in points]) if processes else math.nan
        self.hours = sum(points[-1][0] - points[0][0] for points in processes)
        self.slope, self.error = math.nan, math.inf
        moved = []  # each process around its own mean
        for points in processes:
            hour, level = (statistics.mean(column) for column in zip(*points))
            moved += [(hours - hour, value - level) for hours, value in points]
        spread, freedom = sum(x * x for x, _ in moved), self.count - len(processes) - 1
        if self.count >= self.LEAST and spread and freedom > 0:
            self.slope = sum(x * y for x, y in moved) / spread
            rest = sum((y - self.slope * x) ** 2 for x, y in moved)
            self.error = math.sqrt(rest / freedom / spread)

    def grows(self, share):
        """Whether the figure certainly grows, and by more than this share of its level in an hour."""
        if self.hours < self.LEAST_HOURS:
            return False
        certain = self.slope - 3 * self.error
        return certain > 0 and self.slope > share * self.level
