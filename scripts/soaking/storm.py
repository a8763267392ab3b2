"""Many sessions that expire at the same moment."""

import time

from soaking.pair import await_that
from soaking.figures import own_memory
from stressing.clients import Connection, Refused

OWNERS = 200
BATCH = 250  # commands in one write
LIVES = 2.5  # seconds from the last create until all expire


def expiry_storm(soak):
    """All sessions of the storm expire at once. They are gone at once, and their memory comes back."""
    client = Connection(soak.pair.primary.port)
    before = client.info("everything")
    count, realms = soak.storm_size, ("default", "sealed")
    ends = int((time.time() + LIVES + count / 4000) * 1000)
    tokens = []
    while len(tokens) < count and time.time() * 1000 < ends - 1500:  # fewer on a machine that is busy
        commands = [["JRS.CREATE", f"storm:{number % OWNERS}", '{"storm":true}', "PXAT", str(ends), "REALM",
                     realms[number % 2]] for number in range(len(tokens), len(tokens) + BATCH)]
        tokens += client.pipeline(commands)
    if refused := [token for token in tokens if isinstance(token, Refused)]:
        soak.find(f"{len(refused)} creates of the storm were refused: {refused[0]}")
    soak.note("sessions of an expiry storm", len(tokens))
    places = [["JRS.COUNT", f"storm:{number}", "REALM", realm] for number in range(OWNERS) for realm in realms]
    counted = sum(map(int, client.pipeline(places)))
    if time.time() * 1000 < ends and counted != len(tokens):
        soak.find(f"the storm has {counted} sessions, not {len(tokens)}")
    peak = client.info("everything")
    time.sleep(max(0, ends / 1000 - time.time()) + 0.05)
    if counted := sum(map(int, client.pipeline(places))):
        soak.find(f"JRS.COUNT counts {counted} expired sessions")
    for token in tokens[::max(1, len(tokens) // 100)]:
        reply = client("JRS.GET", token)
        if not (reply is None or (isinstance(reply, Refused) and reply.startswith("EXPIREDTOKEN"))):
            soak.find(f"JRS.GET of an expired session replied {reply}")
        soak.check("expired sessions are gone at once")
    least = int(before["jrs_sessions_active"]) + len(tokens) // 10
    seconds = await_that("the expired sessions are deleted",
                         lambda: int(client.info("everything")["jrs_sessions_active"]) < least)
    soak.note("expired sessions are deleted after, ms", seconds * 1000)
    came, stays = (own_memory(info) - own_memory(before) for info in (peak, client.info("everything")))
    soak.note("memory of an expiry storm, kB", came / 1024)
    soak.note("memory that stays after a storm, kB", stays / 1024)
    if stays > max(came / 2, 1 << 20):
        soak.find(f"of {came} bytes for expired sessions {stays} stay")
