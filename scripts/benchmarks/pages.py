"""Starts the web applications of clients/peers and their load generator, and counts what they cost."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager

from benchmarks.client import Failure, encode
from benchmarks.server import ROOT, free_port

PEERS = ROOT / "clients" / "peers"
PATIENCE = 60  # the longest time for the start of an application, and for one page, in seconds
ACCOUNT = {"name": "Ann Example", "role": "editor", "items": 3}
INFO = ("INFO", "everything")


@contextmanager
def application(words, redis_port, environment=None):
    """A running application. `{redis}` and `{port}` in its words and its environment are replaced by the port of the Redis
    server and its own. Yields an Application, and stops it at the end of the block."""
    port = free_port()
    placed = [word.format(redis=redis_port, port=port) for word in words]
    more = {name: value.format(redis=redis_port, port=port) for name, value in (environment or {}).items()}
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(placed, cwd=PEERS, env=os.environ | more, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_until_up(process, port, log)
            yield Application(process.pid, port)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # also the workers of gunicorn
            except ProcessLookupError:
                pass
            process.wait()


def wait_until_up(process, port, log):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except OSError:
            time.sleep(0.02)
    log.seek(0)
    raise Failure("\n".join(["the application did not start", *log.read().splitlines()[-15:]]))


class Application:
    """A running application: its process group, and its pages."""

    def __init__(self, group, port):
        self.group, self.port = group, port

    def request(self, method, page, headers=None):
        """The reply as (parsed body, text of the body, cookies that it sets). A status other than 200 is a failure."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, page, headers=headers or {})
            response = connection.getresponse()
            text = response.read().decode()
            if response.status != 200:
                raise Failure(f"{method} {page}: status {response.status}: {text[:200]}")
            lines = response.headers.get_all("Set-Cookie") or []
            return json.loads(text), text, "; ".join(line.split(";", 1)[0] for line in lines)
        finally:
            connection.close()

    def log_in(self, count):
        """Logs in that many browsers: the header of each with its session, and the text of the page /account. Checks that
        both pages work."""
        replies = [self.request("POST", "/login") for _ in range(count)]
        headers = [{"cookie": cookie} if cookie else {"x-access-token": body["token"]} for body, _, cookie in replies]
        body, text, _ = self.request("GET", "/account", headers[0])
        self.request("POST", "/seen", headers[0])
        seen = self.request("GET", "/seen", headers[0])[0]["seen"]
        if body != ACCOUNT or seen != 1:
            raise Failure(f"the pages do not work: /account is {text}, /seen is {seen}")
        return headers, text

    def seconds(self):
        """The processor seconds of its processes that are alive."""
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            if int(fields[2]) == self.group:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


class Generator:
    """autocannon, in a process of its own."""

    def __init__(self, process):
        self.process = process

    def send(self, application, method, page, headers, amount, body):
        """Sends that many requests, over a connection for each header: (requests a second, p99 of the latency in ms)."""
        job = {"url": f"http://127.0.0.1:{application.port}{page}", "method": method, "headers": headers,
               "amount": amount, "body": body}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            raise Failure("the load generator ended")
        result = json.loads(line)
        wrong = {name: count for name, count in result["wrong"].items() if count}
        if wrong or result["count"] != amount:
            raise Failure(f"{method} {page}: {result['count']} of {amount} replies, {wrong}")
        return result["rate"], result["p99"]


@contextmanager
def generator():
    """Yields a Generator, and stops it at the end of the block."""
    process = subprocess.Popen(["node", "load.mjs"], cwd=PEERS / "node", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, start_new_session=True)
    try:
        yield Generator(process)
    finally:
        process.kill()
        process.communicate()


class Usage:
    """What the server has counted since this object was made, without the commands that read the counts."""

    def __init__(self, client):
        self.client = client
        self.before = self.read()

    def read(self):
        lines = dict(line.split(":", 1) for line in self.client(*INFO).splitlines() if ":" in line)
        calls, refused = {}, 0
        for name, value in lines.items():
            if not name.startswith("cmdstat_") or name == "cmdstat_info":
                continue
            fields = dict(field.split("=") for field in value.split(","))
            calls[name.removeprefix("cmdstat_")] = int(fields["calls"])
            refused += int(fields["rejected_calls"]) + int(fields["failed_calls"])
        return calls, int(lines["total_net_input_bytes"]), refused

    def since(self):
        """The number of calls by command, and the bytes that clients have sent. A refused command is a failure; commands
        that a server does not know, such as those of a new connection, do not count."""
        calls, sent, refused = self.read()
        calls_before, sent_before, refused_before = self.before
        if refused != refused_before:
            raise Failure("the server refused commands")
        more = {name: count - calls_before.get(name, 0) for name, count in calls.items()}
        return {name: count for name, count in more.items() if count}, sent - sent_before - len(encode(INFO))
