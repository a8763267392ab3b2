"""Routes that need a recent login."""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Callable, TypeVar, cast

from asgiref.sync import sync_to_async
from django.http import HttpResponse

from .._request import NOT_LOGGED_IN, challenge, check_seconds
from ..errors import StaleAuth
from ..web_errors import SessionEnded
from ._devices import _owned

if TYPE_CHECKING:
    from django.http import HttpRequest

View = TypeVar("View", bound=Callable[..., Any])


def require_recent_auth(seconds: int) -> Callable[[View], View]:
    """A decorator that refuses a request with the status 401 (RFC 9470) if the login is older."""
    check_seconds(seconds)

    def refusal(request: HttpRequest) -> HttpResponse | None:
        try:
            store, _ = _owned(request)
            if store._jrs.peek(store.session_key or "", max_auth_age=seconds) is None:
                raise SessionEnded("the session has expired or was destroyed")
        except (StaleAuth, *NOT_LOGGED_IN) as error:
            return HttpResponse(status=401, headers={"WWW-Authenticate": challenge(error, seconds)})
        return None

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return refusal(request) or view(request, *args, **kwargs)

        @wraps(view)
        async def async_checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return await sync_to_async(refusal)(request) or await view(request, *args, **kwargs)

        return cast("View", async_checked if iscoroutinefunction(view) else checked)

    return decorate
