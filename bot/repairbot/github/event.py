"""What happened, out of the event that GitHub Actions hands to a step.

Payloads are old, new, and of many makers (github.md: most recorded ones fit no schema), so only what is needed is
read, and an event that is about nothing of ours says why it is passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from repairbot.github.errors import GitHubError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Changed:
    """A pull request was opened or pushed to. `strangers`: its run has a read-only token (a fork, Dependabot)."""

    number: int
    strangers: bool = False


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A workflow run ended. What it ran for, in names that GitHub vouches for: `head_repo` ("owner/name") is where
    its branch lies, `head` the commit."""

    id: int
    head_repo: str
    head_ref: str
    head: str


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody commented on a pull request. `thread`: the id of the comment that opened the thread, 0 on the
    page. `kind`: where GitHub's API keeps the comment."""

    number: int
    id: int
    kind: Literal["issues", "pulls"]
    body: str
    author: str
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """Something that is about no pull request: the whole default branch is looked at."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Not for us. `why`: the end of a sentence that begins with "nothing to do:"."""

    why: str


Event = Changed | FinishedRun | Said | Branch | Nothing


def load(name: str, file: str) -> Event:
    """The event called `name` (GITHUB_EVENT_NAME) out of a file (GITHUB_EVENT_PATH). Raises GitHubError."""
    try:
        payload = json.loads(Path(file).read_bytes())
        return read(name, payload)
    except OSError as error:
        raise GitHubError(f"the event's file cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GitHubError(f"GITHUB_EVENT_PATH is no {name} event: {type(error).__name__} {error}") from None


def read(name: str, payload: Json) -> Event:
    """The event in a payload. Raises KeyError, TypeError, ValueError, AttributeError for what is none."""
    match name:
        case "pull_request" | "pull_request_target":
            return _changed(name, payload)
        case "workflow_run":
            return _finished(payload)
        case "issue_comment" | "pull_request_review_comment":
            return _said(name, payload)
        case "schedule" | "workflow_dispatch" | "push" | "repository_dispatch":
            return Branch()
        case _:
            return Nothing("the event is about no pull request and no branch")


def _changed(name: str, payload: Json) -> Event:
    pull = payload["pull_request"]
    home = (pull["head"].get("repo") or {}).get("full_name", "")
    dependabot = (payload.get("sender") or {}).get("login") == "dependabot[bot]"
    strangers = name == "pull_request" and (home != payload["repository"]["full_name"] or dependabot)
    return Changed(int(pull["number"]), strangers)


def _finished(payload: Json) -> Event:
    run = payload["workflow_run"]
    home = (run.get("head_repository") or {}).get("full_name", "")
    if payload.get("action") != "completed" or run["event"] != "pull_request":
        return Nothing("the run was none of a pull request")
    if not home:
        return Nothing("the fork that it ran for is gone")
    return FinishedRun(int(run["id"]), home, str(run["head_branch"]), str(run["head_sha"]))


def _said(name: str, payload: Json) -> Event:
    comment = payload["comment"]
    on_page = name == "issue_comment"
    if payload.get("action") != "created":
        return Nothing("commands are read when they are written, not when they are edited")
    if on_page and not payload["issue"].get("pull_request"):
        return Nothing("the comment is on an issue, not on a pull request")
    author = comment.get("user") or {}
    if not author or author.get("type") == "Bot":
        return Nothing("a bot wrote the comment")
    about = payload["issue" if on_page else "pull_request"]
    return Said(
        int(about["number"]),
        int(comment["id"]),
        "issues" if on_page else "pulls",
        str(comment["body"] or ""),
        str(author["login"]),
        0 if on_page else int(comment.get("in_reply_to_id") or comment["id"]),
    )
