"""Sessions for Django: `SESSION_ENGINE = "jrs_session.django"`.

Add `"jrs_session.django"` to `INSTALLED_APPS` too: then Django's system checks know the settings.
"""

from ._devices import adestroy_all, asessions, destroy_all, sessions
from ._recent_auth import require_recent_auth
from ._settings import get_jrs
from ._store import SessionStore

__all__ = ["SessionStore", "adestroy_all", "asessions", "destroy_all", "get_jrs", "require_recent_auth", "sessions"]
