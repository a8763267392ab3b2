"""One run: the servers, the clients, the schedule of events, and what came of it."""

import random
import time
from collections import Counter, defaultdict
from contextlib import contextmanager

from benchmarks.client import Failure
from soaking import client
from soaking.checkpoint import checkpoint
from soaking.control import CHECK, QUIET, Clients, Control
from soaking.events import EVENTS, GENTLE, KILLS
from soaking.faults import undetected_faults
from soaking.figures import Recorder
from soaking.keys import NAMES, KeyFiles
from soaking.pair import Pair
from soaking.sessions import kid
from stressing.clients import Connection

CLIENTS = 6
MOST_FINDINGS = 30  # with more, the run ends


class Soak:
    def __init__(self, folder, series, module, options):
        self.options, self.rng = options, random.Random(options.seed)
        self.findings, self.counts, self.checks = [], Counter(), Counter()
        self.notes, self.points = defaultdict(list), defaultdict(list)
        self.storm_size = options.storm
        self.stormed = set()  # processes, as (server, start), that had a storm: their tables do not grow any more
        self.keys = KeyFiles(folder)
        self.pair = Pair(folder, [str(module), *self.keys.module_arguments()])
        self.control = Control([QUIET, CHECK, *EVENTS])
        self.clients = self.recorder = None
        self.series = series

    def find(self, what):
        self.findings.append(f"{time.monotonic() - self.began:.0f} s, {self.control.phase_name()}: {what}")
        print(f"  FOUND {self.findings[-1]}", flush=True)

    def check(self, what):
        self.checks[what] += 1

    def note(self, what, value):
        self.notes[what].append(value)

    def publish_ports(self):
        self.control.primary.value, self.control.replica.value = self.pair.primary.port, self.pair.replica.port

    @contextmanager
    def disturbed(self):
        """The replica may not answer, or not have everything."""
        self.control.epoch.value += 1
        yield
        self.control.epoch.value += 1

    def measured(self, node, figures):
        """Keeps a checkpoint of a server for the trend, once its tables have their usual size."""
        process = (node.name, node.starts)
        if process in self.stormed and time.monotonic() > node.started + self.options.warm_up:
            for name in ("memory", "rss", "index_bytes", "fragmentation"):
                self.points[name].append((process, (time.monotonic() - self.began) / 3600, figures[name]))

    def run(self):
        self.began = time.monotonic()
        self.pair.start()
        self.publish_ports()
        # The processes are started before any thread.
        self.clients = Clients(self.control, CLIENTS, client.work(self.options.seed))
        self.recorder = Recorder(self.series, self.pair, self.clients, self.control, self.options.sample)
        primary = Connection(self.pair.primary.port)
        tokens = {realm: primary("JRS.CREATE", "soak:first", "{}", "REALM", realm) for realm in NAMES}
        for token in tokens.values():
            primary("JRS.DESTROY", token)
        primary.close()
        self.kids = {realm: [kid(token)] for realm, token in tokens.items()}
        self.recorder.thread.start()
        checkpoint(self)  # creates the sessions
        if self.options.verbose:
            print(f"{time.monotonic() - self.began:7.1f} s  the clients have their sessions", flush=True)
        self.clients.order("run")
        self.control.enter(QUIET)
        for event in self.schedule():
            if event is None:
                checkpoint(self)
                self.clients.order("run")
                self.control.enter(QUIET)
            else:
                self.run_event(event)
                time.sleep(self.options.pause)
            self.collect_findings()
            if len(self.findings) >= MOST_FINDINGS:
                self.find("there are too many findings: the run ends")
                break
        checkpoint(self)
        self.collect_findings()
        if self.options.quick and not self.findings:
            for fault in undetected_faults(self):
                self.find(f"not noticed: {fault}")
        self.clients.order("quit")
        self.collect_findings()
        self.seconds = time.monotonic() - self.began
        self.recorder.stop()

    def schedule(self):
        """Yields the events, in a new order each time, and None for a checkpoint.

        Blocks of gentle events alternate with shorter ones of kills, so that the servers live long enough to show
        whether their memory grows.
        """
        options = self.options
        if options.quick:
            yield from self.shuffled(GENTLE)
            yield None
            yield from self.shuffled(KILLS)
            return
        ends = self.began + options.hours * 3600
        checks, block = self.began, options.hours * 3600 / options.blocks
        while (now := time.monotonic()) < ends:
            is_gentle = (now - self.began) % block < block * 0.7
            for event in self.shuffled(GENTLE if is_gentle else KILLS):
                if time.monotonic() > ends:
                    return
                yield event
                if time.monotonic() > checks + options.every:
                    yield None
                    checks = time.monotonic()

    def shuffled(self, events):
        names = list(events)
        self.rng.shuffle(names)
        return names

    def run_event(self, event):
        """One event, with a moment of calm after it, which counts as a part of it."""
        began = time.monotonic()
        self.control.enter(event)
        EVENTS[event](self)
        time.sleep(self.options.calm)
        self.control.enter(QUIET)
        self.counts[event] += 1
        if event == "expiry storm":
            self.stormed.update((node.name, node.starts) for node in self.pair.nodes)
        self.recorder.write("event", {"event": event, "took": round(time.monotonic() - began, 2)})
        if self.options.verbose:
            print(f"{time.monotonic() - self.began:7.1f} s  {event}, {time.monotonic() - began:.1f} s", flush=True)

    def collect_findings(self):
        """Findings of the clients, and servers that have ended."""
        self.collect_findings_of_clients()
        for node in self.pair.nodes:
            if node.has_crashed():
                raise Failure(f"{node.name} has ended by itself")

    def collect_findings_of_clients(self):
        if not self.clients:  # the servers did not start
            return
        new, self.clients.findings = self.clients.findings, []
        for finding in new:
            self.find(finding)

    def stop(self):
        if self.clients:
            self.clients.stop()
        self.pair.stop()
