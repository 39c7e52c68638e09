"""What a list of sessions calls a browser: its name and system. The rest of a User-Agent is not kept."""

from __future__ import annotations

_BROWSERS = (  # first match counts: Edge also says Chrome, Chrome also says Safari
    ("MicroMessenger/", "WeChat"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def agent_name(user_agent: str) -> str:
    """`Firefox, Linux`; one of the two, or "" for what is not known."""
    found = (next((name for sign, name in known if sign in user_agent), "") for known in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name)
