"""One issue that stands for all leaks on a branch: made, edited in place, closed when clean, opened again."""

from __future__ import annotations

from typing import Any, Final, Literal

from repairbot.github.client import repository
from repairbot.github.transport import Transport

MARK: Final = "<!-- repairbot:audit v1 -->"
"""The last line of its body. It counts only where the issue's author is who we post as."""
VIEWER: Final = "query { viewer { login } }"

Found = Literal["leaks", "clean", "unsure"]
Done = Literal["made", "edited", "left", "closed", "reopened", "nothing"]


def keep(transport: Transport, repo: str, title: str, body: str, state: Found) -> Done:
    """Bring the issue up to date, and say what was done. Raises GitHubError.

    `body`: Markdown without the mark, below GitHub's limit with it. `unsure`: nothing was found, but not
    everything could be looked at, so an open issue stays open.
    """
    place = f"/repos/{repository(repo)}/issues"
    login = str(transport.query(VIEWER)["viewer"]["login"])
    held = _find(transport, place, login)
    body = f"{body.rstrip()}\n\n{MARK}\n"
    if held is None:
        if state != "leaks":
            return "nothing"
        transport.write("POST", place, {"title": title, "body": body}, lambda: _find(transport, place, login))
        return "made"
    wanted = {"leaks": "open", "clean": "closed", "unsure": held["state"]}[state]
    change: dict[str, Any] = {}
    if _text(held) != body and (wanted == "open" or held["state"] == "open"):
        change["body"] = body
    if held["state"] != wanted:
        change |= {"state": wanted, "state_reason": "completed" if wanted == "closed" else "reopened"}
    if not change:
        return "left" if wanted == "open" else "nothing"
    transport.write("PATCH", f"{place}/{int(held['number'])}", change)
    if "state" in change:
        return "closed" if wanted == "closed" else "reopened"
    return "edited"


def _find(transport: Transport, place: str, login: str) -> dict[str, Any] | None:
    """Our issue: an open one before a closed one, the oldest of several."""
    # A bot's login ends in "[bot]" in REST; whether GraphQL has the ending differs.
    ours: list[dict[str, Any]]
    for name in dict.fromkeys((login, f"{login.removesuffix('[bot]')}[bot]")):
        ours = [
            each
            for page in transport.pages(place, state="all", creator=name, sort="created", direction="asc")
            for each in page
            if "pull_request" not in each
            and (each["user"] or {}).get("login") == name
            and _text(each).rstrip().rpartition("\n")[2] == MARK
        ]
        if ours:
            return min(ours, key=lambda each: (each["state"] != "open", int(each["number"])))
    return None


def _text(issue: dict[str, Any]) -> str:
    return str(issue["body"] or "").replace("\r\n", "\n")
