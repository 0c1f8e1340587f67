"""A sweep: an audit of each repository of an installation, queued beside the reviews and on the same engine.

Each repository is a job. What it finds stands in the one issue about the default branch, as with the Action.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from repairbot.baseline import BaselineError
from repairbot.cache import Cache
from repairbot.config import ConfigError
from repairbot.github import branch
from repairbot.github.auditing import Auditor
from repairbot.github.client import repository
from repairbot.github.errors import Denied, NotThere
from repairbot.pool import Pool
from repairbot.reports import RuleInfo
from repairbot.reports.markup import visible
from repairbot.reports.view import plural
from repairbot.service.queue import AGAIN, Queue
from repairbot.service.room import Room
from repairbot.service.task import Failed, Finished, Task
from repairbot.service.tokens import READ, App, Permissions
from repairbot.service.worker import Ending
from repairbot.sources import SourceError

_LOG: Final = logging.getLogger(__name__)
_WANTED: Final[Permissions] = {"contents": "read", "issues": "write"}


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Does the jobs of sweeps. `cache`: the folder of results."""

    app: App
    cache: str
    rules: Callable[[], Mapping[str, RuleInfo]]
    room: Room

    def do(self, task: Task) -> Ending:
        """Audit one repository's default branch. Raises GitHubError, BrokenWorker."""
        with self.room.entered() as few, ExitStack() as stack:
            pool = stack.enter_context(Pool())
            transport = self.app.installed(task.installation, repository(task.repo), _WANTED)
            stack.callback(transport.close)
            kept = stack.enter_context(Cache(self.cache, lambda line: _LOG.warning("%s", line)))
            try:
                held = branch.audit(transport, Auditor(pool, kept, jobs=few), task.repo)
            except NotThere:
                return Ending("skipped", "it holds no commit, or the App is no longer installed there")
            except (ConfigError, BaselineError, SourceError) as error:
                return Ending("skipped", str(error))
            said = f"{plural(len(held.audit.findings), 'leak')} on {visible(held.name)}"
            try:
                did = branch.keep(transport, task.repo, held, branch.report(held, self.rules()))
            except Denied:
                return Ending("swept", f"{said}; no issue: the App may not write issues there")
            return Ending("swept", f"{said}; the issue: {did}")


def installation(app: App, account: str) -> int:
    """The App's installation on an organisation or a person's account. Raises NotThere, GitHubError."""
    transport = app.itself()
    try:
        for kind in ("orgs", "users"):
            try:
                return int(transport.get(f"/{kind}/{quote(account, safe='')}/installation")["id"])
            except NotThere:
                continue
    finally:
        transport.close()
    raise NotThere(f"the App is not installed on {visible(account)}: install it there, or correct the name")


def repositories(app: App, number: int) -> Iterator[str]:
    """The repositories of an installation that are in use, by name. Raises GitHubError."""
    transport = app.everywhere(number, READ)
    try:
        for page in transport.pages("/installation/repositories"):
            for each in page["repositories"]:
                if not (each.get("archived") or each.get("disabled")):
                    yield repository(str(each["full_name"]))
    finally:
        transport.close()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is. `ended`: by repository, its outcome ("failed" where it is on the shelf) and a line."""

    total: int
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing of it waits or runs."""
        return len(self.ended) >= self.total


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep that was queued. `name`: what its jobs are known by; `jobs`: their ids."""

    account: str
    name: str
    jobs: frozenset[str]

    def progress(self, held: Queue) -> Progress:
        """How far it is. Raises SQLAlchemyError."""
        ended = {}
        for job, each in held.asked_by(self.name, f"sweep:{self.account}/").items():
            if job not in self.jobs:
                continue
            if isinstance(each, Failed):
                ended[each.repo] = ("failed", each.said)
            elif isinstance(each, Finished) and each.outcome != AGAIN:
                ended[each.repo] = (each.outcome, each.said)
        return Progress(len(self.jobs), ended)


def queue(app: App, held: Queue, account: str, name: str) -> Sweep:
    """Queue an audit of each repository of an account. One that was queued under this name stays as it is.

    Raises GitHubError, SQLAlchemyError.
    """
    number = installation(app, account)
    jobs = set()
    for repo in repositories(app, number):
        account = repo.partition("/")[0]  # as it is written
        task = Task("sweep", name, number, repo, since=time.time())
        held.add(task)
        jobs.add(task.id)
    return Sweep(account, name, frozenset(jobs))
