"""A pull request, what we said on it before, and what a review is to do: frozen data in GitHub's terms.

Texts that others wrote (paths, bodies, names, labels) are data: whoever prints one goes through
`reports.markup`. Lines count from 1. A commit is its full name in 40 hexadecimal digits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from repairbot.model import Audit, Finding

Side = Literal["LEFT", "RIGHT"]
"""RIGHT: added and kept lines, by their number in the head's file; LEFT: removed ones, by that in the base's."""

Status = Literal["added", "removed", "modified", "renamed", "copied", "changed", "unchanged"]

Conclusion = Literal["success", "neutral", "failure", "skipped"]
"""Those of GitHub's conclusions of a check run that we use."""

Level = Literal["notice", "warning", "failure"]

Classifier = Literal["OUTDATED", "RESOLVED"]
"""Those of GraphQL's ReportedContentClassifiers that we use."""

BODY_LIMIT: Final = 65_536
"""Characters of a comment. Source: reviewdog#1065."""
CHECK_LIMIT: Final = 65_535
"""Characters of a check run's summary, and of its text. Source: GitHub's OpenAPI description."""
REVIEW_LIMIT: Final = 30
"""Comments in one review; with 32 the answer was 502. Source: src-d/lookout#264."""
ANNOTATIONS_LIMIT: Final = 50
"""Annotations in one request. Source: GitHub's documentation of check runs."""
ACTIONS_LIMIT: Final = 3
"""Buttons of a check run: label 20 characters, description 40, identifier 20. Source: the same."""


# The pull request


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What is known of a pull request before its files are looked at.

    `repo`, `head_repo`: "owner/name"; `head_repo` is "" where the fork is gone. `base`: the commit that the
    change is compared with (the merge base, not the tip of the base branch). `url`: its page
    ("https://github.com/owner/name/pull/7"), from which links are made.
    """

    repo: str
    number: int
    head: str
    base: str
    head_repo: str
    url: str
    author: str = ""
    author_is_bot: bool = False
    draft: bool = False
    labels: tuple[str, ...] = ()
    head_ref: str = ""
    base_ref: str = ""

    @property
    def fork(self) -> bool:
        """Whether the head stands in another repository."""
        return self.head_repo != self.repo


class HunkLine(NamedTuple):
    """One line of a hunk. `left` and `right`: its numbers in the base's and the head's file, 0 on the side
    that does not have it. `text`: without its sign and line feed."""

    left: int
    right: int
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk. Its header's figures: `left`/`right` first lines, `left_count`/`right_count` numbers of lines."""

    left: int
    left_count: int
    right: int
    right_count: int
    lines: tuple[HunkLine, ...]


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file of the pull request. `hunks` is None where GitHub sends no `patch` (binary, or too large).

    Make `hunks` with `hunks.parse(patch)`. `previous_path`: of a renamed or copied file, else "".
    """

    path: str
    status: Status
    hunks: tuple[Hunk, ...] | None = ()
    previous_path: str = ""


# What stands there already


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on the pull request's page (GitHub: issue comment) or in a thread (review comment).

    `id`: REST's number; `node_id`: GraphQL's. `ours`: its author is the identity we post with now.
    `trusted`: its author is a person who may write to the repository (whose commands count). `minimised`:
    folded away. `is_bot`: its author is a bot, we or another.
    """

    id: int
    body: str
    node_id: str = ""
    author: str = ""
    ours: bool = False
    is_bot: bool = False
    trusted: bool = False
    minimised: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of review comments, the first of which opened it.

    `id`: GraphQL's node id. `line` is None where the thread is outdated (its line left the diff);
    `original_line` stays. `start_line` is None for a comment on one line. `resolved_by`: a login, "" while
    open; `resolved_by_us`: it is ours. All threads of the pull request may be given: those whose first
    comment is not ours are left alone.
    """

    id: str
    path: str
    comments: tuple[Comment, ...]
    line: int | None = None
    start_line: int | None = None
    original_line: int | None = None
    side: Side = "RIGHT"
    resolved: bool = False
    resolved_by: str = ""
    resolved_by_us: bool = False
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """All that stands on the pull request: threads, the comments of its page, our check run at this head.

    `check_run`: the id of our check run at the head while it carries no annotations, else 0: an update adds its
    annotations to those that are there, so that one with annotations is succeeded by a new run.
    """

    threads: tuple[Thread, ...] = ()
    comments: tuple[Comment, ...] = ()
    check_run: int = 0


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this door may do. `comment`: reviews and comments; `check`: check runs; `buttons`: somebody hears
    a check run's buttons (an App does, the Action does not), `commits`: and may commit repairs. `why`: the reason where
    one of the first two is missing, for people ("this run of a fork has a read-only token")."""

    comment: bool = True
    check: bool = True
    buttons: bool = False
    commits: bool = True
    why: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """All that a plan depends on, beside the settings.

    `audit`: of the head's files that the change touches, sifted by confidence and baseline but not by what
    the base had. `known`: how often each fingerprint was found at the base. `sources`: the head's bytes of
    (at least) the files in which something was found, by path. `refused`: fingerprints whose comment GitHub
    refused in an attempt before (as `markers.identify` names them), with the reason: they get none.
    `unlisted`: files of the pull request that GitHub did not list (it lists 3,000).
    """

    pull: PullRequest
    files: tuple[ChangedFile, ...]
    audit: Audit
    known: Mapping[str, int] = field(default_factory=Counter)
    sources: Mapping[str, bytes] = field(default_factory=dict)
    earlier: Earlier = Earlier()
    abilities: Abilities = Abilities()
    refused: Mapping[str, str] = field(default_factory=dict)
    unlisted: int = 0


# What to do


@dataclass(frozen=True, slots=True)
class DraftComment:
    """A review comment to be made. `start_line` is None for one line, else below `line` and on the same side.

    `fingerprints`: of the findings it speaks of, the first one being the mark it is found again by (`markers`).
    `suggestion`: its body holds one.
    """

    path: str
    line: int
    body: str
    start_line: int | None = None
    side: Side = "RIGHT"
    fingerprints: tuple[str, ...] = ()
    suggestion: bool = False


@dataclass(frozen=True, slots=True)
class CreateReview:
    """Make a review (event COMMENT) at `commit`, at most 30 comments in it. Its body may be empty."""

    commit: str
    comments: tuple[DraftComment, ...]
    body: str = ""


@dataclass(frozen=True, slots=True)
class EditComment:
    """Give a review comment a new body."""

    id: int
    body: str
    why: str


@dataclass(frozen=True, slots=True)
class MinimiseComment:
    """Fold a comment away (GraphQL)."""

    node_id: str
    classifier: Classifier


@dataclass(frozen=True, slots=True)
class ResolveThread:
    """Resolve a thread (GraphQL); where the token may not, do `otherwise` in its place, in order."""

    thread: str
    otherwise: tuple[EditComment | MinimiseComment, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateReport:
    """Make the report comment on the pull request's page."""

    body: str


@dataclass(frozen=True, slots=True)
class EditReport:
    """Give the report comment a new body."""

    id: int
    body: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of a check run. `message` and `raw_details` hold at most 64 KiB, `title` 255 characters."""

    path: str
    start_line: int
    end_line: int
    level: Level
    message: str
    title: str
    raw_details: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """A button of a check run."""

    label: str
    description: str
    identifier: str


@dataclass(frozen=True, slots=True)
class PostCheckRun:
    """Make a completed check run at `head`, or where `id` is not 0 bring that one up to date.

    `annotations` come in batches of at most 50, one for each request: the first with the run itself, each of
    the rest with a PATCH that repeats `title` and `summary`.
    """

    head: str
    conclusion: Conclusion
    title: str
    summary: str
    annotations: tuple[tuple[Annotation, ...], ...] = ()
    actions: tuple[Action, ...] = ()
    id: int = 0
    name: str = "repairbot"


Step = CreateReview | EditComment | ResolveThread | MinimiseComment | CreateReport | EditReport | PostCheckRun


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that the plan does not say where one could expect it: how many, of what ("leak"), and why.

    `why` is Markdown of our own making.
    """

    number: int
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in this order, and what was left out.

    `commented`: the findings that have (or get) a comment; `listed`: those of the change that have none;
    `others`: those that stand in the files it touches; `dismissed`: those of which nobody wants to hear.
    `summary`: Markdown, what the check run says and a step's summary should, with what could not be posted.
    """

    steps: tuple[Step, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    commented: tuple[Finding, ...] = ()
    listed: tuple[Finding, ...] = ()
    others: tuple[Finding, ...] = ()
    dismissed: tuple[Finding, ...] = ()
    summary: str = ""
    skipped: str = ""
    """Why nothing was looked at; "" where something was."""
    conclusion: Conclusion = "neutral"
    """Of the check run, be there one or not."""
