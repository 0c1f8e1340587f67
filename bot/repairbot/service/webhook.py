"""A delivery of GitHub's: whether it is from GitHub, and what it asks for. No server, no network."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from repairbot.github import event as events
from repairbot.github import plan
from repairbot.github.client import commit, repository
from repairbot.github.errors import GitHubError
from repairbot.github.event import Changed, Nothing, Said

Json = dict[str, Any]
LIMIT: Final = 25 << 20
"""Bytes of a body. Larger payloads are not sent (GitHub's documentation of webhook events and payloads)."""
_DELIVERY: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
_MOVED: Final = frozenset({"opened", "synchronize", "reopened", "ready_for_review"})
_AGAIN: Final = {
    "check_run": frozenset({"rerequested", "requested_action"}),
    "check_suite": frozenset({"rerequested"}),
}
BUTTONS: Final = frozenset({plan.FIX_SAFE.identifier, plan.RERUN.identifier})
_INSTALLED: Final = frozenset({"installation", "installation_repositories"})
_TALK: Final = frozenset({"issue_comment", "pull_request_review_comment"})


class Unreadable(Exception):
    """A body that is no delivery although it is signed. One line for a person."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done for one delivery. `said`: the comment that asks for it, None for a review.

    `numbers`: the pull requests, none where only `head` is known. `head`: the commit that the event speaks of, "" where
    it names none; a later one may stand there by now. `button`: the identifier of the check run's button, and `by`: who
    pressed it.
    """

    delivery: str
    installation: int
    repo: str
    numbers: tuple[int, ...]
    head: str = ""
    said: Said | None = None
    button: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something to know and nothing to do: an installation that changed. `what`: a line for the log."""

    installation: int
    what: str


def signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether X-Hub-Signature-256 is that of the raw body; takes as long for a wrong one as for a right one."""
    right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), signature.encode("utf-8", "surrogateescape"))


def read(name: str, delivery: str, body: bytes) -> Work | Noted | Nothing:
    """What the event called `name` (X-GitHub-Event) asks for, Nothing with the reason otherwise. Raises Unreadable."""
    if not _DELIVERY.fullmatch(delivery):
        raise Unreadable("X-GitHub-Delivery is no delivery's id")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the body is no JSON: set the webhook's content type to application/json") from None
    if not isinstance(payload, dict):
        raise Unreadable("the body is no JSON object")
    try:
        return _asked(name, delivery, payload)
    except (KeyError, TypeError, ValueError, AttributeError, GitHubError) as error:
        # Payloads are of many makers and ages (github.md); what lacks what we need is about nothing of ours.
        return Nothing(f"the {name[:40]!r} event lacks what is needed ({type(error).__name__})")


def _asked(name: str, delivery: str, payload: Json) -> Work | Noted | Nothing:
    action = payload.get("action")
    head, said, button, by = "", None, "", ""
    if name == "pull_request":
        if action not in _MOVED:
            return Nothing("the pull request's code did not change")
        found = events.read(name, payload)
        assert isinstance(found, Changed)
        numbers: tuple[int, ...] = (found.number,)
        head = str(payload["pull_request"]["head"].get("sha") or "")
    elif name in _AGAIN:
        if action not in _AGAIN[name]:
            return Nothing("nobody asked for a check again")
        held = payload[name]
        numbers = tuple(dict.fromkeys(int(each["number"]) for each in held.get("pull_requests") or ()))
        # For forks GitHub names no pull requests: they are looked up by the commit.
        head = commit(str(held.get("head_sha") or ""))
        if action == "requested_action":
            button, by = str(payload["requested_action"]["identifier"]), str(payload["sender"]["login"])
            if button not in BUTTONS:
                return Nothing("the button is none of ours")
            button = "" if button == plan.RERUN.identifier else button
    elif name in _TALK:
        heard = events.read(name, payload)
        if not isinstance(heard, Said):
            return heard if isinstance(heard, Nothing) else Nothing("it is no comment")
        numbers, said = (heard.number,), heard
    elif name in _INSTALLED:
        return Noted(int(payload["installation"]["id"]), _installed(name, payload))
    else:
        return Nothing("no event of ours")
    installation = int(payload["installation"]["id"])
    repo = repository(str(payload["repository"]["full_name"]))
    return Work(delivery, installation, repo, numbers, head, said, button, by)


def _installed(name: str, payload: Json) -> str:
    """What became of an installation, in names that GitHub vouches for."""
    account = str(payload["installation"]["account"]["login"])
    names = [
        f"{sign}{repository(str(each['full_name']))}"
        for sign, key in (("+", "repositories_added"), ("-", "repositories_removed"))
        for each in payload.get(key) or ()
    ]
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20:,} more" if len(names) > 20 else "")
    return f"{name} of {account}: {payload['action']}" + (f" ({shown})" if shown else "")
