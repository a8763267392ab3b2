"""JRS commands compared with the plain Redis commands that they replace."""

from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.bounds import Floor
from benchmarks.client import Client, Failure
from benchmarks.load import counted, redis_benchmark
from benchmarks.machine import describe
from benchmarks.rounds import floors, rate_header, rate_row, take_turns
from benchmarks.server import server

CONNECTIONS = 50
PIPELINE = 32
TTL = "86400"
OWNER = "42"
DATA = '{"name":"Ann Example","role":"editor","cart":[17,42]}'
# redis-benchmark replaces __rand_int__ by a new 12-digit number, so the length stays the same.
NUMBER = "__rand_int__"
NEW_DATA = '{"name":"Ann","role":"editor","visit":"__rand_int__"}'
# The end of each key that SET writes: as long as a v7 UUID, but not one, so that the key is not a session.
TAIL = f"00000000-0000-0000-0000-{NUMBER}"
ALONE, PIPELINED = "no pipeline", f"-P {PIPELINE}"


@dataclass
class Case:
    name: str
    jrs: list
    plain: list
    settings: dict = field(default_factory=dict)
    fresh: bool = False  # each command makes a new key: the server is flushed before each run
    bare: bool = False  # the plain command goes to a server without the module
    floors: dict = field(default_factory=dict)  # mode -> lowest acceptable ratio


@dataclass
class Subject:
    """A running server, and the session that is read and written on it."""
    port: int
    client: Client
    key: str = ""
    token: str = ""

    def filled(self, command):
        return [{"KEY": self.key, "TOKEN": self.token}.get(part, part) for part in command]


def cases():
    """The comparisons on one session: its token for JRS, its key (a plain string) for the plain command."""
    getex, get = ["GETEX", "KEY", "EX", TTL], ["JRS.GET", "TOKEN"]

    def set_new(owner):
        return ["SET", f"sess:{f'{{{owner}}}:' if owner else ''}{TAIL}", DATA, "EX", TTL]

    return [
        Case("GETEX against itself (noise)", getex, getex),
        Case("JRS.GET, one token", get, getex, floors={ALONE: 0.97, PIPELINED: 0.57}),
        Case("JRS.GET, touch-interval 0", get, getex, settings={"jrs.touch-interval": "0"}),
        Case("JRS.GET, token-cache-size 0", get, getex, settings={"jrs.token-cache-size": "0"}),
        Case("JRS.PEEK", ["JRS.PEEK", "TOKEN"], ["GET", "KEY"]),
        Case("JRS.UPDATE", ["JRS.UPDATE", "TOKEN", NEW_DATA], ["SET", "KEY", NEW_DATA, "EX", TTL]),
        Case("JRS.MINT", ["JRS.MINT", "TOKEN", "AUDIENCE", "orders", "CLAIMS", '{"iss":"https://login.example"}'], getex),
        Case("JRS.TOUCH", ["JRS.TOUCH", "TOKEN"], ["EXPIRE", "KEY", TTL]),
        Case("JRS.CREATE, no owner", ["JRS.CREATE", "", DATA], set_new(""), fresh=True,
             floors={ALONE: 0.95, PIPELINED: 0.55}),
        Case("JRS.CREATE, a new owner each", ["JRS.CREATE", NUMBER, DATA], set_new(NUMBER), fresh=True,
             floors={ALONE: 0.95, PIPELINED: 0.55}),
        Case("JRS.CREATE, all of one owner", ["JRS.CREATE", OWNER, DATA], set_new(OWNER), fresh=True),
        # SET notifies the module, which costs time. This compares with a server without the module.
        Case("JRS.CREATE, a new owner each; SET on a server without the module", ["JRS.CREATE", NUMBER, DATA],
             set_new(NUMBER), fresh=True, bare=True),
    ]


def create_session(client, owner):
    """A new session's key and token."""
    token = client("JRS.CREATE", owner, DATA)
    session = client("JRS.PEEK", token)
    return "sess:" + session[session.index("id") + 1], token


def measure(subjects, bare, case, mode, options):
    """For each subject the rounds of JRS and of plain: (commands a second, the server's processor seconds each)."""
    requests = options.requests if mode == ALONE else options.requests * 5

    def run(subject, command, count=requests):
        if case.fresh:
            subject.client("FLUSHALL", "SYNC")
        return counted(subject.client, command[0], count, lambda: redis_benchmark(
            subject.port, subject.filled(command), count, 1 if mode == ALONE else PIPELINE, CONNECTIONS))

    sides = [(subject, case.jrs) for subject in subjects]
    sides += [(subject, case.plain) for subject in ([bare] if case.bare else subjects)]
    defaults = {name: subjects[0].client("CONFIG", "GET", name)[1] for name in case.settings}
    set_all(subjects, case.settings)
    for side in sides:
        run(*side, max(requests // 10, 1000))
    results = take_turns([lambda side=side: run(*side) for side in sides], options.rounds)
    set_all(subjects, defaults)
    jrs, plain = results[:len(subjects)], results[len(subjects):]
    return list(zip(jrs, plain * len(subjects) if case.bare else plain))


def set_all(subjects, settings):
    for subject in subjects:
        for name, value in settings.items():
            subject.client("CONFIG", "SET", name, value)


def compare(options):
    """Prints the table; returns the floors."""
    found = []
    with ExitStack() as stack:
        ports = [stack.enter_context(server(module=build.module)) for build in options.builds]
        bare = stack.enter_context(server(module=None))
        subjects = [Subject(port, client := Client(port), *create_session(client, OWNER)) for port in ports]
        bare = Subject(bare, Client(bare))
        describe(bare.client, options)
        print(f"- {CONNECTIONS} connections, module settings at their defaults; token {len(subjects[0].token)} bytes"
              f" (HS256), data {len(DATA)} bytes; {options.requests:,} commands a round (5 times as many in -P {PIPELINE})\n")
        rate_header(options)
        for case in cases():
            for mode in (ALONE, PIPELINED):
                plain = " ".join(part for part in case.plain if part in ("EX", "EXPIRE", "GET", "GETEX", "SET"))
                floor = case.floors.get(mode)
                ratios = rate_row(options.record, "commands", {"jrs": case.name, "plain": plain, "how": mode},
                                  measure(subjects, bare, case, mode, options), **({"floor": floor} if floor else {}))
                found += floors(Floor, f"{case.name}, {mode}", floor, ratios)
            if not case.fresh and any(subject.client("JRS.PEEK", subject.token) is None for subject in subjects):
                raise Failure("the session was lost during the run")
    return found
