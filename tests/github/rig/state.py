"""What the rig remembers: people and tokens, pull requests, reviews, threads, comments, checks, issues."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .repository import Repository

if TYPE_CHECKING:
    from .manifest import Made

Level = Literal["read", "write"]


@dataclass(frozen=True, slots=True)
class Account:
    """Who acts. `role`: what the person may do in the repository: none, read, write, admin."""

    login: str
    bot: bool = False
    role: str = "read"

    @property
    def id(self) -> int:
        """A number that stays the same for the name."""
        return sum(ord(letter) * (place + 1) for place, letter in enumerate(self.login))


BOT = Account("github-actions[bot]", bot=True, role="write")
AUTHOR = Account("mona", role="write")
VISITOR = Account("hubot", role="read")
OWNER = Account("octo", role="admin")
EVERYTHING: dict[str, Level] = {
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
}


@dataclass(frozen=True, slots=True)
class Token:
    """What a token stands for. `permissions`: by the names GitHub gives them; absent means none."""

    account: Account
    permissions: dict[str, Level] = field(default_factory=lambda: dict(EVERYTHING))

    def may(self, name: str, level: Level = "write") -> bool:
        """Whether the token allows this."""
        return self.permissions.get(name) in (("write",) if level == "write" else ("read", "write"))


@dataclass(slots=True)
class Reaction:
    """One reaction of one account."""

    id: int
    content: str
    account: Account


@dataclass(slots=True)
class Comment:
    """A comment on an issue or pull request."""

    id: int
    number: int
    account: Account
    body: str
    minimized: str = ""
    reactions: list[Reaction] = field(default_factory=list)

    @property
    def node(self) -> str:
        return f"IC_{self.id}"


@dataclass(slots=True)
class ReviewComment:
    """A comment on lines of a pull request. `line` etc. count in `commit`, as it was posted."""

    id: int
    review: int
    account: Account
    body: str
    path: str
    commit: str
    line: int
    side: str
    start_line: int | None = None
    start_side: str | None = None
    reply_to: int | None = None
    minimized: str = ""
    reactions: list[Reaction] = field(default_factory=list)

    @property
    def node(self) -> str:
        return f"PRRC_{self.id}"


@dataclass(slots=True)
class Thread:
    """A comment on lines and the replies. `line`: where it stands in the present diff, None when outdated."""

    id: int
    comments: list[ReviewComment]
    line: int | None
    start_line: int | None
    resolved_by: Account | None = None

    @property
    def node(self) -> str:
        return f"PRRT_{self.id}"


@dataclass(slots=True)
class Review:
    """One review. `state`: COMMENTED, APPROVED, CHANGES_REQUESTED."""

    id: int
    account: Account
    body: str
    state: str
    commit: str

    @property
    def node(self) -> str:
        return f"PRR_{self.id}"


@dataclass(slots=True)
class CheckRun:
    """One check run, with all the annotations it was given."""

    id: int
    name: str
    head_sha: str
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    details_url: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Issue:
    """One issue that is no pull request."""

    number: int
    account: Account
    title: str
    body: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Artifact:
    """What a workflow run left: a ZIP."""

    id: int
    run: int
    name: str
    content: bytes
    expired: bool = False


@dataclass(slots=True)
class Pull:
    """One pull request. `head` is the commit GitHub thinks its branch stands at."""

    number: int
    account: Account
    base_ref: str
    head_ref: str
    head: str
    fork: str = ""
    """The full name of the fork the branch lies in; "" for the repository itself."""
    title: str = "A change"
    draft: bool = False
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """One repository on the rig's GitHub, and who may do what in it."""

    repository: Repository
    full_name: str = "octo/leaky"
    former_name: str = ""
    """What it was called before: requests for that are sent on."""
    private: bool = False
    most_files: int = 3000
    """Files of a pull request that are listed."""
    tokens: dict[str, Token] = field(default_factory=dict)
    accounts: dict[str, Account] = field(
        default_factory=lambda: {each.login: each for each in (BOT, AUTHOR, VISITOR, OWNER)}
    )
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    checks: list[CheckRun] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(101))
    made: dict[str, Made] = field(default_factory=dict)
    """By code: Apps that manifests asked for (`manifest.py`)."""

    def open(
        self,
        number: int,
        head_ref: str,
        base_ref: str = "main",
        account: Account = AUTHOR,
        **more: Any,
    ) -> Pull:
        """Open a pull request from a branch of the repository."""
        head = self.repository.tip(head_ref)
        pull = Pull(number, account, base_ref, head_ref, head, heads=[head], **more)
        self.pulls[number] = pull
        self.repository.git("update-ref", f"refs/pull/{number}/head", head)
        return pull

    def push(self, number: int) -> None:
        """Take note of the branch's new commit: threads move with their lines, or become outdated."""
        pull = self.pulls[number]
        pull.head = self.repository.tip(pull.head_ref)
        pull.heads.append(pull.head)
        self.repository.git("update-ref", f"refs/pull/{number}/head", pull.head)
        for thread in pull.threads:
            first = thread.comments[0]
            thread.line = self.place(pull, first, first.line)
            if first.start_line is not None:
                thread.start_line = self.place(pull, first, first.start_line) if thread.line else None

    def place(self, pull: Pull, comment: ReviewComment, line: int) -> int | None:
        """Where a line of a comment stands in the pull request's present diff; None where it does not."""
        new = line
        if comment.side == "RIGHT":
            new = self.repository.follow(comment.path, line, comment.commit, pull.head)
        shown = self.changed(pull, pull.head, comment.path)
        return new if new and shown and any(new in hunk for hunk in shown.lines(comment.side)) else None

    def base(self, pull: Pull) -> str:
        """The commit its base branch stands at."""
        return self.repository.tip(pull.base_ref)

    def changed(self, pull: Pull, commit: str, path: str) -> Any:
        """A file of its diff as of `commit`; None when the diff does not hold it."""
        since = self.repository.merge_base(self.base(pull), commit)
        return next((each for each in self.repository.diff(since, commit) if each.path == path), None)

    def comments_of(self, number: int) -> list[Comment]:
        """The comments of one issue or pull request."""
        return [each for each in self.comments if each.number == number]

    def thread_of(self, comment: int) -> tuple[Pull, Thread] | None:
        """The thread that a review comment stands in."""
        for pull in self.pulls.values():
            for thread in pull.threads:
                if any(each.id == comment for each in thread.comments):
                    return pull, thread
        return None
