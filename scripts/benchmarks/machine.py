"""Describes the machine of the measurements."""

import os
import subprocess


def describe(client, options, rounds=None):
    """Prints where and how often a group measures, and records it."""
    rounds = rounds or options.rounds
    info = client.info()
    name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    tool = subprocess.run(["redis-benchmark", "--version"], capture_output=True, text=True, timeout=10).stdout.strip()
    machine, load = f"{os.cpu_count()} cores, {os.uname().sysname} {os.uname().machine}", f"{os.getloadavg()[0]:.2f}"
    print(f"- {machine}, load average before the run {load}")
    print(f"- {name}; {tool}; {rounds} round{'s' if rounds > 1 else ''}", flush=True)
    options.record.describe(machine=machine, server=name, load=load, rounds=rounds)
