"""The cookie that holds the token of a session in the browser."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_COOKIE_SIZE = 4096
"""The largest cookie, name and value in bytes, that browsers keep (RFC 6265bis, section 5.6)."""

MAX_COOKIE_AGE = 34_560_000
"""The longest Max-Age in seconds that browsers accept: 400 days (RFC 6265bis, section 5.5)."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DOMAIN = re.compile(r"\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PATH = re.compile(r"/[ -:<-~]*")  # printable ASCII without a semicolon
_SAME_SITE = ("Strict", "Lax", "None")


@dataclass(frozen=True)
class Cookie:
    """The name and the attributes of the cookie.

    Without a name it is called `__Host-session`; `__Secure-session` if a domain or another path is set; `session`
    without `secure`. Browsers silently drop a cookie that breaks their rules, so such a combination is a ValueError.
    """

    name: str | None = None
    domain: str | None = None
    path: str = "/"
    same_site: str = "Lax"
    secure: bool = True
    http_only: bool = True
    partitioned: bool = False
    persistent: bool = True
    """Whether the cookie has a Max-Age, which follows the session. Without, it ends with the browser's session."""

    def __post_init__(self) -> None:
        if self.name is None:
            object.__setattr__(self, "name", self._default_name())
        for value, pattern, what in (
            (self.name, _NAME, "name"),
            (self.domain or None, _DOMAIN, "domain"),
            (self.path, _PATH, "path"),
        ):
            if value is not None and not pattern.fullmatch(value):
                raise ValueError(f"the {what} of the cookie has characters that are not allowed: {value!r}")
        object.__setattr__(self, "same_site", self.same_site.capitalize())
        if self.same_site not in _SAME_SITE:
            raise ValueError("same_site must be 'Strict', 'Lax' or 'None'")
        self._check_rules()
        object.__setattr__(self, "_attributes", self._render_attributes())

    def _default_name(self) -> str:
        if not self.secure:
            return "session"
        return "__Secure-session" if self.domain or self.path != "/" else "__Host-session"

    def _check_rules(self) -> None:
        lower = (self.name or "").lower()
        if not self.secure:
            if lower.startswith(("__host-", "__secure-")):
                raise ValueError(f"a cookie with the name {self.name!r} must be secure")
            if self.same_site == "None" or self.partitioned:
                raise ValueError("a cookie with same_site='None' or partitioned must be secure")
        if lower.startswith("__host-") and (self.domain or self.path != "/"):
            raise ValueError("a cookie whose name begins with '__Host-' must have the path '/' and no domain")

    def _render_attributes(self) -> str:
        parts = [f"; Path={self.path}"]
        if self.domain:
            parts.append(f"; Domain={self.domain}")
        if self.secure:
            parts.append("; Secure")
        if self.http_only:
            parts.append("; HttpOnly")
        parts.append(f"; SameSite={self.same_site}")
        if self.partitioned:
            parts.append("; Partitioned")
        return "".join(parts)

    @property
    def has_default_name(self) -> bool:
        """Whether the name follows from the attributes."""
        return self.name == self._default_name()

    @property
    def max_token_length(self) -> int:
        """The longest token that fits into the cookie."""
        return MAX_COOKIE_SIZE - len(self.name or "")

    def set(self, token: str, max_age: int | None = None) -> str:
        """The value of the header `Set-Cookie` that stores the token.

        Args:
            token: The token.
            max_age: In seconds; `None`: until the browser is closed.
        """
        age = "" if max_age is None else f"; Max-Age={max(0, min(max_age, MAX_COOKIE_AGE))}"
        attributes: str = self._attributes  # type: ignore[attr-defined]
        return f"{self.name}={token}{age}{attributes}"

    def clear(self) -> str:
        """The value of the header `Set-Cookie` that removes the cookie."""
        attributes: str = self._attributes  # type: ignore[attr-defined]
        return f"{self.name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{attributes}"

    def read(self, header: str) -> str | None:
        """The token in a header `Cookie`; `None` if it is missing or empty."""
        start = f"{self.name}="
        for pair in header.split(";"):
            pair = pair.strip()
            if pair.startswith(start):
                return pair[len(start) :].strip('"') or None
        return None

    def is_set_by(self, header: str) -> bool:
        """Whether a header `Set-Cookie` sets the cookie of this name."""
        return header.startswith(f"{self.name}=")


def resolve_cookie(cookie: bool | Cookie) -> Cookie | None:
    """The cookie of an option that is `True`, `False` or a `Cookie`."""
    if isinstance(cookie, Cookie):
        return cookie
    if isinstance(cookie, bool):
        return Cookie() if cookie else None
    raise TypeError("cookie must be True, False or a Cookie")
