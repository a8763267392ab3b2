"""The key files and the realms file, which both servers read, and changes of them."""

import json
import secrets
import tempfile
from pathlib import Path

from benchmarks.algorithms import make_key

KEPT = 4  # keys of a realm: one signs, the others are those of older tokens
DATA_KEYS = 40  # of the realm with encrypted data; a session keeps the key that it was last written with
NAMES = {"default": "HS256", "sealed": "HS256", "ES256": "ES256", "RS256": "RS256"}  # realm -> algorithm


class KeyFiles:
    def __init__(self, folder):
        self.folder = folder
        self.keys = {realm: [self._new(realm, 0)] for realm in NAMES}  # texts, the signing one first
        self.data_keys = [self._new_data_key()]
        self.made = 0
        self.touch_interval = 60
        for realm in NAMES:
            self.write(realm)
        self.write_data_keys()
        self.write_realms()

    def module_arguments(self):
        return ["keys-file", str(self.file("default")), "realms-file", str(self.folder / "realms.toml"),
                "token-cache-size", "1mb"]

    def file(self, realm):
        return self.folder / f"{realm}.keys"

    def _new(self, realm, number):
        if NAMES[realm] == "HS256":
            secret = secrets.token_urlsafe(48)
            return json.dumps({"kty": "oct", "kid": f"{realm}-{number}", "alg": "HS256", "k": secret})
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            make_key(NAMES[realm], Path(name) / "key")
            return (Path(name) / "key").read_text()

    @staticmethod
    def _new_data_key():
        secret = secrets.token_urlsafe(32)
        return {"kty": "oct", "use": "enc", "alg": "A256GCM", "kid": secrets.token_hex(4), "k": secret}

    def _replace(self, file, text):
        """Replaces the file in one step, as an operator must."""
        new = file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(text)
        new.replace(file)

    def write(self, realm):
        keys = self.keys[realm]
        self._replace(self.file(realm), f'{{"keys":[{",".join(keys)}]}}' if NAMES[realm] == "HS256" else "".join(keys))

    def write_data_keys(self):
        self._replace(self.folder / "data.keys", json.dumps({"keys": self.data_keys}))

    def write_realms(self):
        lines = []
        for realm in NAMES:
            if realm != "default":
                lines += [f"[realm.{realm}]", f'keys-file = "{self.file(realm)}"', f'keyspace = "{realm}:"',
                          f'algorithm = "{NAMES[realm]}"', f"touch-interval = {self.touch_interval}"]
            if realm == "sealed":
                lines.append(f'data-keys-file = "{self.folder / "data.keys"}"')
        self._replace(self.folder / "realms.toml", "\n".join(lines) + "\n")

    def change_realms(self):
        """Another touch-interval for all realms but the default. Returns it."""
        self.touch_interval = 90 - self.touch_interval
        self.write_realms()
        return self.touch_interval

    def break_file(self, number):
        """Writes a bad file, and returns a function that undoes that."""
        realm = ("default", "ES256", "sealed")[number % 3]
        match number % 4:
            case 0:
                self._replace(self.file(realm), self.file(realm).read_text()[:-30])
            case 1:
                self._replace(self.file(realm), '{"keys":[{"kty":"oct","kid":"short","k":"c2hvcnQ"}]}')
            case 2:
                self.file(realm).unlink()
            case _:
                self._replace(self.folder / "realms.toml", '[realm.sealed]\nkeyspace = "sess:"\n')
        return lambda: (self.write(realm), self.write_realms())

    def add(self, realm):
        """A new key behind the others: it verifies, and does not sign yet."""
        self.made += 1
        self.keys[realm].append(self._new(realm, self.made))
        self.write(realm)

    def put_first(self, realm):
        """The last key signs from the next reload on."""
        self.keys[realm].insert(0, self.keys[realm].pop())
        self.write(realm)

    def add_data_key(self):
        """A new data key encrypts from the next reload on."""
        if len(self.data_keys) < DATA_KEYS:
            self.data_keys.insert(0, self._new_data_key())
            self.write_data_keys()

    def is_full(self, realm):
        return len(self.keys[realm]) > KEPT

    def remove_last(self, realm):
        self.keys[realm].pop()
        self.write(realm)
