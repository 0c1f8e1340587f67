"""The door to GitHub: what a review reads and writes, in the terms of `model`.

`Client` is the door; `GitHub` the real one. Every method raises errors.GitHubError, and no other error of
GitHub's or the network's comes through.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

from repairbot.github import hunks, markers, queries
from repairbot.github.errors import Denied, GitHubError, NotThere
from repairbot.github.model import (
    Annotation,
    ChangedFile,
    Classifier,
    Comment,
    CreateReview,
    Earlier,
    PostCheckRun,
    PullRequest,
    Thread,
)

if TYPE_CHECKING:  # PyGithub takes a fifth of a second, which who only reads a webhook need not spend
    from repairbot.github.transport import Transport

Json = dict[str, Any]
MOST_FILES: Final = 3_000
"""Files of a pull request that GitHub lists. Source: its REST documentation, "List pull requests files"."""
_REPO: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]+")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SECONDS: Final = re.compile(r"\b\d+\.\d s\b")
_COMMAND: Final = re.compile(r"^\s*/repairbot\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Opened:
    """A pull request as it stands now. `tip`: the commit its base branch stands at, whose configuration counts.

    `open`: neither merged nor closed. `changed_files`: how many GitHub counts.
    """

    pull: PullRequest
    tip: str
    open: bool = True
    changed_files: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """A file's content in a commit. `name`: the blob's."""

    name: str
    content: bytes


class Client(Protocol):
    """What a review asks of GitHub."""

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        ...

    def pull(self, repo: str, number: int) -> Opened:
        """A pull request and the commit it is compared with."""
        ...

    def head(self, repo: str, number: int) -> str:
        """The commit its head stands at now."""
        ...

    def files(self, pull: PullRequest) -> tuple[ChangedFile, ...]:
        """What it changes, with the hunks."""
        ...

    def earlier(self, pull: PullRequest, check: str) -> Earlier:
        """What stands on it. `check`: the name of our check run."""
        ...

    def may_write(self, repo: str, login: str) -> bool:
        """Whether a person may write to the repository."""
        ...

    def content(self, repo: str, commit: str, path: str) -> Held | None:
        """A file of a commit; None where there is none, or something that is no file."""
        ...

    def review(self, pull: PullRequest, step: CreateReview) -> None:
        """Make a review."""
        ...

    def edit_review_comment(self, repo: str, comment: int, body: str) -> None:
        """Give a review comment a new body."""
        ...

    def resolve(self, thread: str) -> None:
        """Resolve a thread."""
        ...

    def minimise(self, node: str, classifier: Classifier) -> None:
        """Fold a comment away."""
        ...

    def report(self, pull: PullRequest, body: str) -> None:
        """Make the report comment."""
        ...

    def edit_report(self, repo: str, comment: int, body: str) -> None:
        """Give the report comment a new body."""
        ...

    def says(self, step: PostCheckRun) -> bool:
        """Whether the check run that `earlier` found says already what the step wants it to."""
        ...

    def check(self, repo: str, step: PostCheckRun) -> None:
        """Make a check run. One that is there stays: GitHub would only append to its annotations."""
        ...


@dataclass(slots=True)
class GitHub:
    """The real one."""

    transport: Transport
    _viewer: str = ""
    _seen: frozenset[str] = frozenset()
    """The threads that stood there when the review began: one that a lost answer made is none of them."""
    _checks: dict[int, Json] = field(default_factory=dict)
    """The check runs that stood there then, by their ids."""
    _trusted: dict[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.transport.requests

    def pull(self, repo: str, number: int) -> Opened:
        """A pull request and the commit it is compared with."""
        held = self.transport.get(f"/repos/{repository(repo)}/pulls/{number}")
        head, tip = commit(held["head"]["sha"]), commit(held["base"]["sha"])
        name = repository(held["base"]["repo"]["full_name"])
        compared = self.transport.get(f"/repos/{name}/compare/{tip}...{head}", per_page=1)
        user = held["user"] or {}
        pull = PullRequest(
            repo=name,
            number=number,
            head=head,
            base=commit(compared["merge_base_commit"]["sha"]),
            head_repo=(held["head"]["repo"] or {}).get("full_name", ""),
            url=f"{self.transport.site.server}/{name}/pull/{number}",
            author=user.get("login", ""),
            author_is_bot=user.get("type") == "Bot",
            draft=bool(held.get("draft")),
            labels=tuple(each["name"] for each in held["labels"]),
            head_ref=held["head"]["ref"],
            base_ref=held["base"]["ref"],
        )
        return Opened(pull, tip, held["state"] == "open", int(held.get("changed_files", 0)))

    def head(self, repo: str, number: int) -> str:
        """The commit its head stands at now."""
        return commit(self.transport.get(f"/repos/{repository(repo)}/pulls/{number}")["head"]["sha"])

    def files(self, pull: PullRequest) -> tuple[ChangedFile, ...]:
        """What it changes, with the hunks."""
        pages = self.transport.pages(f"/repos/{pull.repo}/pulls/{pull.number}/files")
        return tuple(
            ChangedFile(
                each["filename"],
                each["status"],
                hunks.parse(each.get("patch")),
                each.get("previous_filename", ""),
            )
            for page in pages
            for each in page
        )

    def earlier(self, pull: PullRequest, check: str) -> Earlier:
        """What stands on it. `check`: the name of our check run."""
        threads, comments = self._talk(pull)
        self._seen = frozenset(each.id for each in threads)
        return Earlier(threads, comments, self._check_run(pull, check))

    def may_write(self, repo: str, login: str) -> bool:
        """Whether a person may write to the repository."""
        if (repo, login) not in self._trusted:
            try:
                held = self.transport.get(f"/repos/{repo}/collaborators/{quote(login, safe='')}/permission")
            except (NotThere, Denied):
                held = {"permission": "none"}
            self._trusted[repo, login] = held["permission"] in ("admin", "write")
        return self._trusted[repo, login]

    def content(self, repo: str, commit: str, path: str) -> Held | None:
        """A file of a commit; None where there is none, or something that is no file."""
        try:
            place = quote(path.encode("utf-8", "surrogateescape"))
            held = self.transport.get(f"/repos/{repo}/contents/{place}", ref=commit)
        except NotThere:
            return None
        if not isinstance(held, dict) or held.get("type") != "file":
            return None
        if held.get("encoding") != "base64":  # over 1 MB: only the blob has it
            held = {**held, **self.transport.get(f"/repos/{repo}/git/blobs/{held['sha']}")}
        return Held(str(held["sha"]), base64.b64decode(held["content"]))

    def review(self, pull: PullRequest, step: CreateReview) -> None:
        """Make a review."""
        wanted = [
            {"path": each.path, "body": each.body, "line": each.line, "side": each.side}
            | ({"start_line": each.start_line, "start_side": each.side} if each.start_line else {})
            for each in step.comments
        ]
        body: Json = {"commit_id": step.commit, "event": "COMMENT", "comments": wanted}
        body |= {"body": step.body} if step.body else {}

        def found() -> bool | None:
            threads, _ = self._talk(pull, comments=False)
            there = Counter((each.path, _mark(each)) for each in threads if each.id not in self._seen)
            return Counter((each.path, each.fingerprints[0]) for each in step.comments) <= there or None

        self.transport.write("POST", f"/repos/{pull.repo}/pulls/{pull.number}/reviews", body, found)

    def edit_review_comment(self, repo: str, comment: int, body: str) -> None:
        """Give a review comment a new body."""
        self.transport.write("PATCH", f"/repos/{repo}/pulls/comments/{comment}", {"body": body})

    def resolve(self, thread: str) -> None:
        """Resolve a thread."""
        self.transport.mutate(queries.RESOLVE, id=thread)

    def minimise(self, node: str, classifier: Classifier) -> None:
        """Fold a comment away."""
        self.transport.mutate(queries.MINIMISE, id=node, classifier=classifier)

    def report(self, pull: PullRequest, body: str) -> None:
        """Make the report comment."""

        def found() -> Comment | None:
            _, comments = self._talk(pull, threads=False)
            return next(iter(markers.reports(comments)), None)

        place = f"/repos/{pull.repo}/issues/{pull.number}/comments"
        there = self.transport.write("POST", place, {"body": body}, found)
        if isinstance(there, Comment) and there.body != body:
            self.edit_report(pull.repo, there.id, body)

    def edit_report(self, repo: str, comment: int, body: str) -> None:
        """Give the report comment a new body."""
        self.transport.write("PATCH", f"/repos/{repo}/issues/comments/{comment}", {"body": body})

    def says(self, step: PostCheckRun) -> bool:
        """Whether the check run that `earlier` found says already what the step wants it to."""
        held = self._checks.get(step.id)
        return held is not None and _told(held) == (
            step.conclusion,
            _timeless(step.title),
            _timeless(step.summary),
            sum(map(len, step.annotations)),
        )

    def check(self, repo: str, step: PostCheckRun) -> None:
        """Make a check run. One that is there stays: GitHub would only append to its annotations."""
        batches = step.annotations or ((),)
        output: Json = {"title": step.title, "summary": step.summary}
        body: Json = {
            "name": step.name,
            "status": "completed",
            "conclusion": step.conclusion,
            "output": output | _annotations(batches[0]),
            "actions": [
                {"label": each.label, "description": each.description, "identifier": each.identifier}
                for each in step.actions
            ],
        }
        place, count = f"/repos/{repo}/check-runs", len(batches[0])
        made = self._made(repo, step, {**body, "head_sha": step.head})
        for batch in batches[1:]:
            count += len(batch)
            self._annotate(f"{place}/{made}", {"output": output | _annotations(batch)}, count)

    def _made(self, repo: str, step: PostCheckRun, body: Json) -> int:
        """Make the check run, or find the one that a lost answer made; its id."""

        def found() -> Json | None:
            before = self._checks
            made = [each for each in self._check_runs(repo, step.head, step.name) if each not in before]
            return {"id": max(made)} if made else None

        held = self.transport.write("POST", f"/repos/{repo}/check-runs", body, found)
        assert isinstance(held, dict)
        return int(held["id"])

    def _annotate(self, place: str, body: Json, count: int) -> None:
        """Append annotations. A lost answer is looked after by their `count`, since twice would append twice."""

        def found() -> bool | None:
            output = self.transport.get(place)["output"]
            return (output.get("annotations_count") or 0) >= count or None

        self.transport.write("PATCH", place, body, found)

    def _check_run(self, pull: PullRequest, name: str) -> int:
        try:
            found = self._checks = self._check_runs(pull.repo, pull.head, name)
        except (Denied, NotThere):  # a token without rights to check runs; posting one says so
            return 0
        return max(found, default=0)

    def _check_runs(self, repo: str, head: str, name: str) -> dict[int, Json]:
        held = self.transport.get(f"/repos/{repo}/commits/{head}/check-runs", check_name=name, filter="all")
        return {int(each["id"]): each for each in held["check_runs"]}

    def _talk(
        self, pull: PullRequest, *, threads: bool = True, comments: bool = True
    ) -> tuple[tuple[Thread, ...], tuple[Comment, ...]]:
        """The threads and the comments of a pull request."""
        owner, _, name = pull.repo.partition("/")
        nodes: dict[str, list[Json]] = {"reviewThreads": [], "comments": []}
        asked: Json = {"threads": threads, "comments": comments, "thread": None, "comment": None}
        while asked["threads"] or asked["comments"]:
            data = self.transport.query(queries.EARLIER, owner=owner, name=name, number=pull.number, **asked)
            self._viewer = _plain(data["viewer"]["login"])
            held = (data["repository"] or {}).get("pullRequest") or {}
            for key, flag, cursor in (
                ("reviewThreads", "threads", "thread"),
                ("comments", "comments", "comment"),
            ):
                if asked[flag]:
                    page = held[key]
                    nodes[key] += [each for each in page["nodes"] if each]
                    asked[flag] = page["pageInfo"]["hasNextPage"]
                    asked[cursor] = page["pageInfo"]["endCursor"]
        found = tuple(self._thread(pull.repo, each) for each in nodes["reviewThreads"])
        return found, tuple(self._comment(pull.repo, each) for each in nodes["comments"])

    def _thread(self, repo: str, held: Json) -> Thread:
        resolver = _plain((held["resolvedBy"] or {}).get("login", ""))
        nodes, page = list(held["comments"]["nodes"]), held["comments"]["pageInfo"]
        while page["hasNextPage"]:
            more = self.transport.query(queries.THREAD, id=held["id"], comment=page["endCursor"])["node"]
            if more is None:  # deleted since
                break
            nodes += more["comments"]["nodes"]
            page = more["comments"]["pageInfo"]
        return Thread(
            id=held["id"],
            path=held["path"],
            comments=tuple(self._comment(repo, each) for each in nodes if each),
            line=held["line"],
            start_line=held["startLine"],
            original_line=held["originalLine"],
            side=held["diffSide"],
            resolved=held["isResolved"],
            resolved_by=resolver,
            resolved_by_us=bool(resolver) and resolver == self._viewer,
            outdated=held["isOutdated"],
        )

    def _comment(self, repo: str, held: Json) -> Comment:
        author = held["author"] or {}  # None: the account was deleted
        login, bot, ours = author.get("login", ""), author.get("__typename") == "Bot", held["viewerDidAuthor"]
        speaks = not bot and not ours and bool(login) and _COMMAND.search(held["body"]) is not None
        return Comment(
            id=int(held["fullDatabaseId"]),
            body=held["body"],
            node_id=held["id"],
            author=login,
            ours=ours,
            is_bot=bot,
            trusted=speaks and self.may_write(repo, login),
            minimised=held["isMinimized"],
        )


def _plain(login: str) -> str:
    """A login without the ending that GitHub gives those of bots in some places and not in others."""
    return login.removesuffix("[bot]")


def _mark(thread: Thread) -> str:
    """The finding that a thread of ours speaks of first."""
    marker = markers.read(thread.comments[0]) if thread.comments else None
    return marker.ids[0] if marker is not None and marker.ids else ""


def _told(held: Json) -> tuple[str | None, str, str, int]:
    """What a check run says: conclusion, title, summary and how many annotations."""
    output = held["output"]
    title, summary = (_timeless(output.get(key) or "") for key in ("title", "summary"))
    return held["conclusion"], title, summary, int(output.get("annotations_count") or 0)


def _timeless(text: str) -> str:
    """The text without how long it took, and with the line ends that GitHub may change."""
    return _SECONDS.sub("", text.replace("\r\n", "\n")).strip()


def _annotations(batch: Sequence[Annotation]) -> Json:
    """A batch in the API's words; without the key where there is none."""
    if not batch:
        return {}
    return {
        "annotations": [
            {
                "path": each.path,
                "start_line": each.start_line,
                "end_line": each.end_line,
                "annotation_level": each.level,
                "message": each.message,
                "title": each.title,
            }
            | ({"raw_details": each.raw_details} if each.raw_details else {})
            for each in batch
        ]
    }


def repository(name: str) -> str:
    """The name, when it has the form OWNER/NAME. Raises GitHubError."""
    if not _REPO.fullmatch(name) or name.endswith(("/.", "/..")):
        raise GitHubError(f"{name!r} is no repository: give OWNER/NAME")
    return name


def commit(name: str) -> str:
    """The name, when it is a commit's in full: only such names reach git. Raises GitHubError."""
    if not _COMMIT.fullmatch(name):
        raise GitHubError(f"GitHub gave a commit the name {name!r}, which is not 40 hexadecimal digits")
    return name
