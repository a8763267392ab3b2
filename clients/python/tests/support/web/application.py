"""What the tests know of an application, whatever its framework is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from support.web.browser import Browser

if TYPE_CHECKING:
    from jrs_session.web import ReusedToken

# Fields that belong to a framework, not to the application.
OWN_FIELDS = ("_auth_", "_user_id", "_session_expiry")


@dataclass
class Application:
    """A running application.

    Each of its routes is a POST with a JSON object. `show` replies with the fields, the owner and the id; `set`,
    `remove` and `append` change fields; `during` sets fields and then calls `hook`; `login`, `logout`, `rotate`,
    `devices`, `end_device`, `everywhere` and `recent` are what their names say; with `late`, `login` and `logout`
    call `hook` first; `ping` does not use the session.
    """

    framework: str
    port: int = 0
    hook: Callable[[], Any] = lambda: None
    reused: list[ReusedToken] = field(default_factory=list)

    @property
    def cookie(self) -> str:
        """The name of the cookie."""
        return "sessionid" if self.framework == "django" else "__Host-session"

    def browser(self) -> Browser:
        """A new browser."""
        return Browser(self.port)

    def signed_in(self, user: str) -> tuple[Browser, str]:
        """A browser with a session of a user, and the owner of this session."""
        browser = self.browser()
        reply = browser.post("/login", user=user)
        assert reply.status == 200, reply.text
        return browser, str(browser.post("/show").json["owner"])


def shown(session: Any, owner: str, session_id: str | None) -> dict[str, Any]:
    """The reply of `show`."""
    fields = {name: value for name, value in session.items() if not name.startswith(OWN_FIELDS)}
    return {"fields": fields, "owner": owner, "id": session_id}
