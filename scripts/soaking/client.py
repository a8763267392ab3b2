"""A client process: random operations at a steady rate, and the orders of the main process."""

import random
import signal
import time

from soaking import checking
from soaking.link import Link
from soaking.model import Model
from soaking.work import Work

RATE = 200  # operations a second of each client, if the servers are quick enough
REPORT = 0.5  # seconds between two reports


class Client:
    def __init__(self, control, pipe, seed):
        self.pipe, self.number = pipe, control.number
        rng = random.Random(f"{seed}/{control.number}")
        self.model = Model(rng)
        self.link = Link(control, self.model.find)
        self.work = Work(self.link, self.model, rng, control.number)
        self.is_running, self.reported, self.known = False, time.monotonic(), 0

    def carry_out(self, name, arguments):
        """An order. Returns the reply, which must not be None."""
        match name:
            case "run":  # goes on; with `confirms`, each write waits for the replica
                self.link.confirms = bool(arguments)
                self.is_running = True
                while self.link.confirms and not self.link.catch_up():
                    pass
            case "hold":  # waits without a connection
                self.is_running = False
                self.link.close()
            case "even out":
                self.is_running = False
                return checking.even_out(self.work)
            case "leave key":
                return checking.leave_key(self.work, *arguments)
            case "sample":
                return checking.sample(self.work)
            case "verify":
                checking.verify(self.work)
        return True

    def report(self):
        model, link = self.model, self.link
        findings = [f"client {self.number}: {finding}" for finding in model.findings[self.known:]]
        self.known = len(model.findings)
        self.pipe.send(("report", {
            "latencies": link.latencies, "errors": link.errors, "checks": model.checks, "done": self.work.done,
            "commands": link.commands, "findings": findings}))
        for counts in (link.latencies, link.errors, model.checks, self.work.done):
            counts.clear()
        link.commands, self.reported = 0, time.monotonic()

    def run(self):
        due = time.monotonic()
        while True:
            if not self.is_running or self.pipe.poll():
                name, arguments = self.pipe.recv()
                if name == "quit":
                    break
                reply = self.carry_out(name, arguments)
                self.report()
                self.pipe.send(("reply", reply))
                due = time.monotonic()
                continue
            self.work.step()
            due += 1 / RATE
            now = time.monotonic()
            if now < due:
                time.sleep(due - now)
            elif now > due + 0.2:
                due = now  # it does not catch up after an outage
            if now > self.reported + REPORT:
                self.report()
        self.report()


def work(seed):
    """What a client process does."""
    def main(control, pipe):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends it
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        client = Client(control, pipe, seed)
        try:
            client.run()
        except (EOFError, BrokenPipeError):
            pass  # the main process has ended
        except Exception as failure:  # any exception fails the run
            client.model.findings.append(f"{type(failure).__name__}: {failure}")
            client.report()
    return main
