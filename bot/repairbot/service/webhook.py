"""A delivery of GitHub's: whether it is from GitHub, and what it asks for. No server, no network."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from repairbot.github import event as events
from repairbot.github.client import repository
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
_TALK: Final = frozenset({"issue_comment", "pull_request_review_comment"})


class Unreadable(Exception):
    """A body that is no delivery although it is signed. One line for a person."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done for one delivery. `said`: the comment that asks for it, None for a review.

    `head`: the commit that the event speaks of, "" where it names none; a later one may stand there by now.
    """

    delivery: str
    installation: int
    repo: str
    numbers: tuple[int, ...]
    head: str = ""
    said: Said | None = None


def signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether X-Hub-Signature-256 is that of the raw body; takes as long for a wrong one as for a right one."""
    right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), signature.encode("utf-8", "surrogateescape"))


def read(name: str, delivery: str, body: bytes) -> Work | Nothing:
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


def _asked(name: str, delivery: str, payload: Json) -> Work | Nothing:
    action = payload.get("action")
    head, said = "", None
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
        head = str(held.get("head_sha") or "")
        if not numbers:
            return Nothing("the check names no pull request (GitHub names none for forks)")
    elif name in _TALK:
        heard = events.read(name, payload)
        if not isinstance(heard, Said):
            return heard if isinstance(heard, Nothing) else Nothing("it is no comment")
        numbers, said = (heard.number,), heard
    else:
        return Nothing("no event of ours")
    installation = int(payload["installation"]["id"])
    return Work(
        delivery, installation, repository(str(payload["repository"]["full_name"])), numbers, head, said
    )
