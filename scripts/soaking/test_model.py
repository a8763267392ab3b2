"""The model of a client accepts what a correct server replies, and finds each false reply."""

import base64
import json
import math
import random
import time
import unittest

from soaking.figures import Trend
from soaking.model import LOST, Model

REALM, OWNER = "default", "user:1"
NOW = time.time()
LATER = NOW + 10


def token(uuid, owner=OWNER):
    claims = {"jti": f"{{{owner}}}:{uuid}", "sub": owner}
    parts = [{"alg": "HS256", "kid": "one"}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".sig"


def reply(session, data):
    return {"id": session.id, "owner": session.owner, "data": data, "etag": "0" * 16}


class Scenario(unittest.TestCase):
    def setUp(self):
        self.model = Model(random.Random(1))
        self.session = self.create("a", '{"n":1}')

    def create(self, uuid, data, ttl=math.inf):
        return self.model.create(REALM, OWNER, data, token(uuid), NOW, NOW, ttl=ttl)

    def read(self, session, what, at=NOW, extends=False):
        self.model.read(session, what, at, at, extends=extends)

    def update(self, session, what, data='{"n":2}', is_merge=False):
        self.model.update(session, data, is_merge, what, NOW, NOW)

    def found(self, *words):
        """Checks that there is exactly one finding, with these words."""
        self.assertEqual(len(self.model.findings), 1, self.model.findings)
        for word in words:
            self.assertIn(word, self.model.findings[0])

    def good(self):
        self.assertEqual(self.model.findings, [])


class CorrectReplies(Scenario):
    def test_a_life(self):
        self.read(self.session, reply(self.session, '{"n": 1}'))
        self.update(self.session, "1" * 16)
        self.update(self.session, "1" * 16, '{"more":true}', is_merge=True)
        self.read(self.session, reply(self.session, '{"more":true,"n":2}'))
        self.model.touch(self.session, "86400", NOW, NOW)
        new = self.model.rotate(self.session, token("b"), NOW, NOW)
        self.read(new, reply(new, '{"n":2,"more":true}'))
        self.model.list(REALM, OWNER, [new.id], 1, NOW, NOW)
        self.model.destroy(new, "1", NOW, NOW)
        self.model.list(REALM, OWNER, [], 0, NOW, NOW)
        for destroyed in self.model.recent:
            self.model.read_destroyed(destroyed, None, LATER)
        self.good()

    def test_a_lost_reply_allows_both(self):
        for seen in ('{"n":1}', '{"n":2}'):
            session = self.create(f"lost{seen[5]}", '{"n":1}')
            self.update(session, LOST)
            self.read(session, reply(session, seen))
        for seen in ("1", "0"):
            session = self.create(f"gone{seen}", "{}")
            self.model.destroy(session, LOST, NOW, NOW)
            self.model.destroy(session, seen, NOW, NOW)
        self.model.create(REALM, OWNER, "{}", LOST, NOW, NOW)
        ids = [session.id for session in self.model.alive]
        self.model.list(REALM, OWNER, [*ids, "{user:1}:unknown"], 4, NOW, NOW)
        self.model.destroy_all(REALM, OWNER, None, "4", NOW, NOW)
        self.good()

    def test_a_short_session_expires(self):
        session = self.create("short", "{}", ttl=1)
        self.read(session, reply(session, "{}"), at=NOW + 0.5)
        self.read(session, None, at=NOW + 1.1)
        self.good()

    def test_a_use_extends_a_short_session(self):
        session = self.create("short", "{}", ttl=1)
        self.model.touch(session, "1", NOW + 0.9, NOW + 0.9)
        self.read(session, reply(session, "{}"), at=NOW + 1.5)
        self.good()

    def test_a_grace(self):
        self.model.rotate(self.session, token("b"), NOW, NOW, grace=5)
        self.model.read_destroyed(self.model.recent[0], {"id": "the new one"}, NOW + 1)
        self.good()


class FalseReplies(Scenario):
    def test_a_lost_session(self):
        self.read(self.session, None)
        self.found("JRS.GET replied null", '{"n": 1}')

    def test_a_lost_session_in_other_replies(self):
        for name in ("touch", "rotate"):
            self.setUp()
            getattr(self.model, name)(self.session, None, NOW, NOW)
            self.found("replied null")
        self.setUp()
        self.update(self.session, None)
        self.found("JRS.UPDATE replied null")
        self.setUp()
        self.model.destroy(self.session, "0", NOW, NOW)
        self.found("JRS.DESTROY replied 0")

    def test_a_lost_update(self):
        self.update(self.session, "1" * 16)
        self.read(self.session, reply(self.session, '{"n":1}'))
        self.found("other data", '{"n": 1}')

    def test_a_lost_merge(self):
        self.update(self.session, "1" * 16, '{"more":1}', is_merge=True)
        self.read(self.session, reply(self.session, '{"more":1}'))
        self.found("other data")

    def test_another_session(self):
        other = self.create("b", '{"n":1}')
        self.read(self.session, reply(other, '{"n":1}'))
        self.found("another session", other.id)

    def test_a_destroyed_session_is_back(self):
        self.model.destroy(self.session, "1", NOW, NOW)
        self.model.read_destroyed(self.model.recent[0], reply(self.session, '{"n":1}'), LATER)
        self.found("is back")

    def test_an_old_token_after_its_grace(self):
        self.model.rotate(self.session, token("b"), NOW, NOW, grace=1)
        self.model.read_destroyed(self.model.recent[0], {"id": "the new one"}, LATER)
        self.found("is back")

    def test_an_expired_session_is_found(self):
        session = self.create("short", "{}", ttl=1)
        self.read(session, reply(session, "{}"), at=LATER)
        self.found("expired")

    def test_a_session_expires_too_early(self):
        session = self.create("short", "{}", ttl=5)
        self.read(session, None, at=NOW + 1)
        self.found("replied null")

    def test_lists(self):
        for ids, words in (([], "JRS.LIST replied null"), ([self.session.id] * 2, "twice"),
                           ([self.session.id, "{user:1}:b"], "not created")):
            self.setUp()
            self.model.list(REALM, OWNER, ids, None, NOW, NOW)
            self.found(words)

    def test_a_count(self):
        for count in (0, 2):
            self.setUp()
            self.model.list(REALM, OWNER, [self.session.id], count, NOW, NOW)
            self.found(f"is {count}, not 1 to 1")

    def test_a_number_of_destroyed_sessions(self):
        for count in ("0", "2"):
            self.setUp()
            self.model.destroy_all(REALM, OWNER, None, count, NOW, NOW)
            self.found(f"replied {count}, not 1 to 1")

    def test_a_session_that_destroyall_spared(self):
        self.create("b", "{}")
        self.model.destroy_all(REALM, OWNER, self.session, "1", NOW, NOW)
        self.good()
        self.read(self.session, None)
        self.found("replied null")

    def test_a_token_of_another_owner(self):
        self.model.create(REALM, OWNER, "{}", token("c", "user:2"), NOW, NOW)
        self.found("has the claims")

    def test_an_id_that_is_not_new(self):
        self.create("a", "{}")
        self.found("not new")


class Trends(unittest.TestCase):
    def points(self, growth, noise=1000):
        """Two processes with other levels; growth is in bytes an hour."""
        rng = random.Random(1)
        return [(process, number / 60, 1e7 + process * 1e6 + growth * number / 60 + rng.gauss(0, noise))
                for process in (1, 2) for number in range(20)]

    def test_noise_and_levels_are_not_a_growth(self):
        self.assertFalse(Trend(self.points(0, 50_000)).grows(0.02))

    def test_a_growth(self):
        trend = Trend(self.points(2e6, 50_000))
        self.assertAlmostEqual(trend.slope, 2e6, delta=2e5)
        self.assertTrue(trend.grows(0.02))

    def test_a_small_growth(self):
        self.assertFalse(Trend(self.points(50_000)).grows(0.02))

    def test_too_few_points(self):
        self.assertFalse(Trend(self.points(2e6)[:3]).grows(0.02))
        self.assertFalse(Trend(self.points(9e6)[:12]).grows(0.02))


if __name__ == "__main__":
    unittest.main()
