"""The cost of each signature algorithm relative to HS256, in the same run."""

import json
import pathlib
import secrets
import statistics
import subprocess
import tempfile
from contextlib import contextmanager

from benchmarks.bounds import Floor
from benchmarks.client import Client, Failure
from benchmarks.load import redis_benchmark
from benchmarks.machine import describe
from benchmarks.server import server

CONNECTIONS = 20
OWNER, DATA = "42", '{"name":"Ann Example","role":"editor","cart":[17,42]}'
# The openssl command for a key of each algorithm. The realm of the algorithm has this one key.
RSA, EC = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["-algorithm", "EC", "-pkeyopt"]
ALGORITHMS = {"HS256": None, "HS384": None, "HS512": None, "RS256": RSA, "RS384": RSA, "RS512": RSA,
              "PS256": RSA, "PS384": RSA, "PS512": RSA, "ES256": [*EC, "ec_paramgen_curve:P-256"],
              "ES384": [*EC, "ec_paramgen_curve:P-384"], "EdDSA": ["-algorithm", "ED25519"]}
SIGN, COLD, CACHED = "sign: JRS.CREATE", "verify: JRS.GET, no cache", "JRS.GET, cached"
WAYS = {SIGN: "sign", COLD: "verify", CACHED: "cached"}  # their names in the results file
FLOOR, FLOORED = 0.90, ("RS256", "ES256")


def make_key(name, file):
    """Writes a new key for the algorithm into the file."""
    file.touch(mode=0o600)
    if kind := ALGORITHMS[name]:
        subprocess.run(["openssl", "genpkey", *kind, "-out", str(file)], check=True, capture_output=True, timeout=60)
    else:
        # With a kid: only one realm may have a secret without one.
        file.write_text(json.dumps({"kty": "oct", "kid": name, "alg": name, "k": secrets.token_urlsafe(64)}))


@contextmanager
def server_with_keys(names=tuple(ALGORITHMS)):
    """A server with a realm for each of these algorithms, of the same name: yields its port."""
    with tempfile.TemporaryDirectory(prefix="jrs-bench-keys-") as folder:
        realms = []
        for name in names:
            key = pathlib.Path(folder) / name
            make_key(name, key)
            realms += [f"[realm.{name}]", f'keys-file = "{key}"', f'keyspace = "{name}:"', f'algorithm = "{name}"']
        file = pathlib.Path(folder) / "realms.toml"
        file.write_text("\n".join(realms) + "\n")
        with server("realms-file", str(file)) as port:
            yield port


def rates(port, client, way, options):
    """The rounds of one way for all algorithms: {algorithm: [(commands a second, server's seconds a command), …]}."""
    client("FLUSHALL", "SYNC")
    cache = client("CONFIG", "GET", "jrs.token-cache-size")[1]
    if way == COLD:
        client("CONFIG", "SET", "jrs.token-cache-size", "0")
    create = {name: ["JRS.CREATE", "__rand_int__", DATA, "REALM", name] for name in ALGORITHMS}
    commands = create
    if way != SIGN:
        commands = {name: ["JRS.GET", client("JRS.CREATE", OWNER, DATA, "REALM", name)] for name in ALGORITHMS}

    def run(name, requests):
        if way == SIGN:
            client("FLUSHALL", "SYNC")
        before = client.totals()
        rate = redis_benchmark(port, commands[name], requests, connections=CONNECTIONS)
        cpu, errors = (after - earlier for after, earlier in zip(client.totals(), before))
        if errors:
            raise Failure(f"{commands[name][0]} replied with errors")
        return rate, cpu / requests

    # All rounds take equally long; the first run finds the number of commands.
    requests = {name: max(200, int(run(name, 500)[0] * options.seconds)) for name in ALGORITHMS}
    results = {name: [] for name in ALGORITHMS}
    names = list(ALGORITHMS)
    for _ in range(options.short_rounds):
        names.append(names.pop(0))  # another one first each time
        for name in names:
            results[name].append(run(name, requests[name]))
    client("CONFIG", "SET", "jrs.token-cache-size", cache)
    return results


def compare(options):
    """Prints the table; returns the floors."""
    floors = []
    with server_with_keys() as port:
        client = Client(port)
        describe(client, options, options.short_rounds)
        threads = client("CONFIG", "GET", "jrs.crypto-threads")[1]
        print(f"- {CONNECTIONS} connections, no pipeline, jrs.crypto-threads {threads}, RSA keys of 2048 bits\n")
        print("| what | algorithm | k/s | ratio to HS256 | spread | server, µs of a core each |")
        print("|---|---|--:|--:|--:|--:|")
        for way in (SIGN, COLD, CACHED):
            results = rates(port, client, way, options)
            for name, measured in results.items():
                ratios = [rate / beside for (rate, _), (beside, _) in zip(measured, results["HS256"])]
                ratio = statistics.median(ratios)
                rate, cpu = (statistics.median(values) for values in zip(*measured))
                print(f"| {way} | {name} | {rate / 1000:,.1f} | {ratio:.2f} | {min(ratios):.2f}..{max(ratios):.2f} |"
                      f" {cpu * 1e6:,.0f} |", flush=True)
                options.record.row("algorithms", algorithm=name, way=WAYS[way], rate=round(rate), ratio=ratio)
                if way == CACHED and name in FLOORED:
                    floors.append(Floor(f"JRS.GET with a cached {name} token vs HS256's rate", ratio, FLOOR))
    return floors
