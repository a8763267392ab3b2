"""A client that keeps cookies as a browser does, and shows what the responses said about them."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reply:
    """A response."""

    status: int
    headers: dict[str, list[str]]
    text: str

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)

    def cookie(self, name: str) -> dict[str, str] | None:
        """The attributes of the cookie in this response, the value as `""`; None if the response does not set it."""
        for line in self.headers.get("set-cookie", []):
            first, *attributes = (part.strip() for part in line.split(";"))
            found, _, value = first.partition("=")
            if found == name:
                pairs = (attribute.partition("=") for attribute in attributes)
                return {"": value, **{key.lower(): text for key, _, text in pairs}}
        return None


@dataclass
class Browser:
    """Sends requests to one server. Cookies are kept by name, and Secure cookies are sent without TLS."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Reply:
        """Send a GET."""
        return self.send("GET", path, None, headers)

    def post(self, path: str, **body: Any) -> Reply:
        """Send a POST with a JSON object."""
        return self.send("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def form(self, path: str, body: str) -> Reply:
        """Send a POST as an HTML form does."""
        return self.send("POST", path, body.encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        """Send a request."""
        if self.cookies:
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        found: dict[str, list[str]] = {}
        for name, value in response.getheaders():
            found.setdefault(name.lower(), []).append(value)
        reply = Reply(response.status, found, text)
        self._keep(reply)
        return reply

    def copy(self) -> Browser:
        """Another browser with the same cookies, such as that of an attacker who has seen them."""
        return Browser(self.port, dict(self.cookies))

    def _keep(self, reply: Reply) -> None:
        for line in reply.headers.get("set-cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            if "max-age=0" in line.lower() or not value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
