"""Reviews against the rig, in this process: with a clock that does not wait, and what people see afterwards."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from repairbot.cache import Cache
from repairbot.github import job
from repairbot.github.auditing import Auditor
from repairbot.github.client import GitHub
from repairbot.github.job import Done, Looked
from repairbot.github.limiter import Limiter
from repairbot.github.model import Abilities
from repairbot.github.transport import Site, Transport
from repairbot.pool import Pool
from tests.github.rig.server import Rig
from tests.github.rig.state import Pull, ReviewComment, Thread

REPO, NUMBER = "octo/leaky", 7
LEAK = """\
def {name}(path):
    file = open(path)
    line = file.readline()
    return line.strip()
"""
FIXED = """\
def {name}(path):
    with open(path) as file:
        line = file.readline()
    return line.strip()
"""
_FENCE = re.compile(r"^(`{3,})suggestion\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


def leaks(*names: str, fixed: str = "") -> str:
    """A module with one leak a name, or the repaired function where the name is in `fixed`."""
    words = fixed.split()
    return "\n\n".join((FIXED if name in words else LEAK).format(name=name) for name in names)


@dataclass(slots=True)
class FakeClock:
    """Time that passes only by sleeping. `slept`: every pause, in seconds."""

    at: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@dataclass(slots=True)
class Desk:
    """Somebody who reviews pull request 7 with one token. `cache`: a folder for results; `api`: another address."""

    rig: Rig
    cache: Path
    token: str = ""
    clock: FakeClock = field(default_factory=FakeClock)
    looked: dict[str, Looked] = field(default_factory=dict)
    api: str = ""

    def __post_init__(self) -> None:
        self.token = self.token or self.rig.token()

    @property
    def site(self) -> Site:
        other = {"GITHUB_API_URL": self.api} if self.api else {}
        return Site.of({**self.rig.environment(self.token), **other})

    def client(self) -> GitHub:
        """A client of its own, as each run has one."""
        return GitHub(Transport(self.token, self.site, Limiter(self.clock), self.clock))

    def look(self, client: GitHub | None = None, abilities: Abilities | None = None) -> Looked:
        """Read and audit."""
        with Pool() as pool, Cache(str(self.cache), lambda _: None) as cache:
            return job.look(
                client or self.client(), Auditor(pool, cache), self.site, self.token, REPO, NUMBER, abilities
            )

    def review(self) -> Done:
        """A whole review."""
        client = self.client()
        try:
            return job.publish(client, self.look(client))
        finally:
            client.transport.close()

    def publish(self) -> Done:
        """Only what comes after the audit, whose result is kept by the head's name."""
        head = self.pull.head
        if head not in self.looked:
            self.looked[head] = self.look()
        client = self.client()
        try:
            return job.publish(client, self.looked[head])
        finally:
            client.transport.close()

    @property
    def pull(self) -> Pull:
        return self.rig.state.pulls[NUMBER]

    def push(self, parent: str = "", **files: str | None) -> None:
        """Push to its branch (dots in a name are written `__`); with `parent`, by force."""
        named: dict[str, str | bytes | tuple[str, str] | None] = {
            name.replace("__", "."): content for name, content in files.items()
        }
        self.rig.state.repository.commit(self.pull.head_ref, named, parent)
        self.rig.state.push(NUMBER)

    def ours(self) -> list[Thread]:
        """The threads that the bot opened."""
        return [each for each in self.pull.threads if each.comments[0].account.bot]

    def open(self) -> list[Thread]:
        """Those that nobody resolved and nobody folded."""
        return [each for each in self.ours() if each.resolved_by is None and not each.comments[0].minimized]

    def reports(self) -> list[str]:
        """The bodies of the bot's comments on the page."""
        return [each.body for each in self.rig.state.comments_of(NUMBER) if each.account.bot]

    def suggested(self, comment: ReviewComment) -> str | None:
        """The file as it is when the comment's suggestion is committed, None where it has none."""
        found = _FENCE.search(comment.body)
        if found is None:
            return None
        content = self.rig.state.repository.show(comment.commit, comment.path)
        assert content is not None
        lines = content.decode().splitlines(keepends=True)
        lines[(comment.start_line or comment.line) - 1 : comment.line] = [found[2]]
        return "".join(lines)


def opened(rig: Rig, tmp_path: Path, base: dict[str, str], head: dict[str, str]) -> Desk:
    """A pull request from `topic` onto `main`, and somebody to review it."""
    git = rig.state.repository
    git.commit("main", {"README.md": "leaky\n", **base})
    git.commit("topic", dict(head), git.tip("main"))
    rig.state.open(NUMBER, "topic")
    return Desk(rig, tmp_path / "cache")


def keep(name: str, lines: Iterable[str]) -> None:
    """Write what a test saw to the folder that REPAIRBOT_TRANSCRIPT names, for people; nothing without it."""
    if folder := os.environ.get("REPAIRBOT_TRANSCRIPT"):
        Path(folder, name).write_text("".join(f"{line}\n" for line in lines))
