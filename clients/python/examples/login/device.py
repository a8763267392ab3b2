"""A name for a device, which its user recognizes."""

# The order matters: the header of most browsers also contains the names of those after them.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac": "Mac",
    "Linux": "Linux",
}


def describe_device(user_agent: str) -> str:
    """Returns a name such as "Firefox on Linux" for a `User-Agent` header."""
    browser = _find(BROWSERS, user_agent) or "A browser"
    system = _find(SYSTEMS, user_agent)
    return f"{browser} on {system}" if system else browser


def _find(names: dict[str, str], user_agent: str) -> str | None:
    return next((name for part, name in names.items() if part in user_agent), None)
