"""A pull request's page without GitHub: files at base and head, threads that follow their lines, and a plan done.

It refuses what GitHub refuses, by its own reading of the diff, and applies suggestions as GitHub does, from the
rendered Markdown.
"""

from __future__ import annotations

import difflib
import html
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import cmarkgfm  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from markdown_it import MarkdownIt

from repairbot import edits, languages
from repairbot.config import ReviewSettings
from repairbot.examine import examine
from repairbot.github import hunks as diffs
from repairbot.github.model import (
    Abilities,
    ChangedFile,
    Comment,
    CreateReport,
    CreateReview,
    DraftComment,
    Earlier,
    EditComment,
    EditReport,
    Look,
    MinimiseComment,
    Plan,
    PostCheckRun,
    PullRequest,
    ResolveThread,
    Status,
    Step,
    Thread,
)
from repairbot.github.plan import plan
from repairbot.model import Audit, FileResult, Settings

URL = "https://github.example/owner/name/pull/7"
BOT = "repairbot[bot]"


def lines_of(source: bytes) -> list[bytes]:
    """Split at line feeds alone."""
    parts = source.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def patch_of(before: bytes, after: bytes) -> str:
    """The `patch` of a file as GitHub sends it."""
    return "\n".join(edits.unified(before, after, "x").split("\n")[2:]).removesuffix("\n")


def changed(path: str, before: bytes | None, after: bytes | None, previous: str = "") -> ChangedFile:
    """A file of the pull request; None: not there on that side."""
    status: Status = "added" if before is None else "removed" if after is None else "modified"
    hunks = diffs.parse(patch_of(before or b"", after or b""))
    return ChangedFile(path, "renamed" if previous else status, hunks, previous)


def suggestions(body: str) -> list[str]:
    """The suggestions in a body, as two renderers find them, one of them GitHub's."""
    found = [
        token.content
        for token in MarkdownIt("commonmark").parse(body)
        if token.type == "fence" and token.info == "suggestion"
    ]
    rendered = cmarkgfm.github_flavored_markdown_to_html(body, Options.CMARK_OPT_UNSAFE)
    blocks = re.findall(r'<pre lang="suggestion"><code>(.*?)</code></pre>', rendered, re.DOTALL)
    assert [html.unescape(block) for block in blocks] == found
    return found


def accepted(source: bytes, comment: DraftComment | Thread, body: str) -> bytes:
    """The file after a person accepts the suggestion of a comment."""
    (text,) = suggestions(body)
    lines = lines_of(source)
    assert comment.line is not None
    first = comment.start_line or comment.line
    lines[first - 1 : comment.line] = [text.encode()]
    return b"".join(lines)


def audit_of(files: dict[str, bytes]) -> tuple[FileResult, ...]:
    """What the program finds in Python files."""
    return tuple(_examined(path, files[path]) for path in sorted(files))


@cache
def _examined(path: str, source: bytes) -> FileResult:
    return examine(source, path, languages.walk()["python"], Settings()).result


@dataclass
class Page:
    """The state of one pull request. `base` and `head`: file contents by path."""

    base: dict[str, bytes]
    head: dict[str, bytes] = field(default_factory=dict)
    threads: list[Thread] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    check: PostCheckRun | None = None
    log: list[Step] = field(default_factory=list)
    may_resolve: bool = True
    settings: ReviewSettings = field(default_factory=ReviewSettings)
    pushes: int = 0
    next_id: int = 100

    def pull(self, **more: Any) -> PullRequest:
        head = f"{self.pushes:040x}"
        return PullRequest("owner/name", 7, head, "b" * 40, "owner/name", URL, "someone", **more)

    def files(self) -> tuple[ChangedFile, ...]:
        paths = sorted({*self.base, *self.head})
        return tuple(
            changed(path, self.base.get(path), self.head.get(path))
            for path in paths
            if self.base.get(path) != self.head.get(path)
        )

    def look(self, abilities: Abilities | None = None, **more: Any) -> Look:
        files = self.files()
        heads = {file.path: self.head[file.path] for file in files if file.path in self.head}
        bases = {file.path: self.base[file.path] for file in files if file.path in self.base}
        known = Counter(f.fingerprint for result in audit_of(bases) for f in result.findings)
        earlier = Earlier(
            tuple(self.threads),
            tuple(self.comments),
            0 if self.check is None or self.check.annotations else 1,
        )
        audit = Audit("", audit_of(heads), base="main")
        values: dict[str, Any] = {"known": known, "sources": heads, "earlier": earlier, **more}
        return Look(self.pull(), files, audit, abilities=abilities or Abilities(), **values)

    def run(self, **more: Any) -> Plan:
        """Look, plan, and do what the plan says."""
        made = plan(self.look(**more), self.settings)
        for step in made.steps:
            self.do(step)
        return made

    def do(self, step: Step) -> None:
        """One step, or an error as GitHub would give it."""
        self.log.append(step)
        match step:
            case CreateReview():
                assert step.commit == self.pull().head
                assert 0 < len(step.comments) <= 30
                for draft in step.comments:
                    self._open(draft)
            case EditComment():
                self._edit(step.id, step.body)
            case ResolveThread():
                if not self.may_resolve:
                    for other in step.otherwise:
                        self.do(other)
                else:
                    self._change(step.thread, resolved=True, resolved_by=BOT, resolved_by_us=True)
            case MinimiseComment():
                self._minimise(step.node_id)
            case CreateReport():
                self.comments.append(self._comment(step.body))
            case EditReport():
                self._edit(step.id, step.body)
            case PostCheckRun():
                assert all(0 < len(batch) <= 50 for batch in step.annotations)
                self.check = step

    def _comment(self, body: str) -> Comment:
        assert 0 < len(body) <= 65_536
        self.next_id += 1
        return Comment(self.next_id, body, f"C{self.next_id}", BOT, ours=True, is_bot=True)

    def _open(self, draft: DraftComment) -> None:
        visible = visible_lines(self.base.get(draft.path, b""), self.head[draft.path])
        first = draft.start_line or draft.line
        hunk = next((hunk for hunk in visible if draft.line in hunk), None)
        assert draft.side == "RIGHT"
        assert hunk is not None, "Line could not be resolved"
        assert first in hunk, "start line must be part of the same hunk"
        assert draft.start_line is None or draft.start_line < draft.line
        comment = self._comment(draft.body)
        self.threads.append(
            Thread(
                f"T{self.next_id}",
                draft.path,
                (comment,),
                draft.line,
                draft.start_line,
                original_line=draft.line,
            )
        )

    def _edit(self, number: int, body: str) -> None:
        assert 0 < len(body) <= 65_536
        self.comments = [replace(c, body=body) if c.id == number else c for c in self.comments]
        self.threads = [
            replace(t, comments=tuple(replace(c, body=body) if c.id == number else c for c in t.comments))
            for t in self.threads
        ]

    def _minimise(self, node: str) -> None:
        self.comments = [replace(c, minimised=c.minimised or c.node_id == node) for c in self.comments]
        self.threads = [
            replace(
                t,
                comments=tuple(replace(c, minimised=c.minimised or c.node_id == node) for c in t.comments),
            )
            for t in self.threads
        ]

    def _change(self, thread: str, **changes: Any) -> None:
        assert any(t.id == thread for t in self.threads)
        self.threads = [replace(t, **changes) if t.id == thread else t for t in self.threads]

    # What people do

    def push(self, head: dict[str, bytes]) -> None:
        """A new head; threads follow their lines, and are outdated where those are gone or leave the diff."""
        old, self.head = self.head, head
        self.pushes += 1
        self.check = None
        self.threads = [self._followed(thread, old) for thread in self.threads]

    def _followed(self, thread: Thread, old: dict[str, bytes]) -> Thread:
        if thread.line is None or thread.path not in self.head or thread.path not in old:
            return replace(thread, line=None, start_line=None, outdated=True)
        moved = {
            a + offset + 1: b + offset + 1
            for a, b, size in difflib.SequenceMatcher(
                None, lines_of(old[thread.path]), lines_of(self.head[thread.path]), autojunk=False
            ).get_matching_blocks()
            for offset in range(size)
        }
        line, start = moved.get(thread.line), moved.get(thread.start_line or 0)
        shown = visible_lines(self.base.get(thread.path, b""), self.head[thread.path])
        lost = line is None or not any(line in hunk for hunk in shown) or (thread.start_line and not start)
        if lost:
            return replace(thread, line=None, start_line=None, outdated=True)
        return replace(thread, line=line, start_line=start)

    def reply(self, thread: Thread, body: str, *, trusted: bool = True) -> None:
        """A person answers in a thread."""
        self.next_id += 1
        comment = Comment(self.next_id, body, f"C{self.next_id}", "someone", trusted=trusted)
        self._change(thread.id, comments=(*thread.comments, comment))

    def say(self, body: str, *, trusted: bool = True) -> None:
        """A person comments on the page."""
        self.next_id += 1
        self.comments.append(Comment(self.next_id, body, f"C{self.next_id}", "someone", trusted=trusted))

    def resolve(self, thread: Thread) -> None:
        """A person resolves a thread."""
        self._change(thread.id, resolved=True, resolved_by="someone", resolved_by_us=False)

    # What is to be seen

    @property
    def open(self) -> list[Thread]:
        """Threads of ours that stand open, and not folded away."""
        return [t for t in self.threads if not t.resolved and not t.comments[0].minimised]

    @property
    def reports(self) -> list[Comment]:
        return [comment for comment in self.comments if comment.ours]


def visible_lines(before: bytes, after: bytes) -> list[range]:
    """The head's lines that the diff shows, hunk by hunk; from the headers alone."""
    headers = re.findall(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", patch_of(before, after), re.MULTILINE)
    return [range(int(start), int(start) + int(count or 1)) for start, count in headers]
