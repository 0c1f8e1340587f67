"""What a job of the queue does: a review, a command, a button, or finding the pull requests of a commit.

Whatever was posted before it was cut off stands already when it runs again, and is not posted twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from repairbot.baseline import BaselineError
from repairbot.cache import Cache
from repairbot.config import Config, ConfigError
from repairbot.github import job as reviews
from repairbot.github import markers
from repairbot.github.auditing import Auditor
from repairbot.github.client import GitHub, repository
from repairbot.github.errors import (
    BadToken,
    Busy,
    Denied,
    GitHubError,
    HeadMoved,
    NotThere,
    Refused,
    Unreachable,
)
from repairbot.github.fixing import Asked, NothingToFix, fix
from repairbot.github.job import Looked
from repairbot.github.model import Abilities, Look
from repairbot.github.obeying import Obedience
from repairbot.model import Audit, Finding, Outcome
from repairbot.pool import BrokenWorker, Pool
from repairbot.reports import RuleInfo
from repairbot.reports.view import plural
from repairbot.service.ledger import Ended, Leak, Ledger, Limit
from repairbot.service.room import Room
from repairbot.service.task import Task
from repairbot.service.tokens import COMMANDS, REVIEW, App, Permissions
from repairbot.service.worker import Again, Ending
from repairbot.sources import SourceError

_LOG: Final = logging.getLogger(__name__)
UNREADABLE: Final = (ConfigError, BaselineError, SourceError)
"""What is wrong on the base branch: the pull request says so, and trying again would not help."""
PASSING: Final = (Unreachable, Refused, BrokenWorker, OSError, MemoryError)
"""What may go well the next time."""

Add = Callable[[Task], object]
Do = Callable[[Task], Ending]


@dataclass(slots=True)
class Steps:
    """Where a job's time went: seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count the block's time."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun


@dataclass(slots=True)
class Door:
    """What is open while one task is done."""

    task: Task
    client: GitHub
    auditor: Auditor
    steps: Steps
    abilities: Abilities


@dataclass(slots=True)
class Desk:
    """Does tasks. `cache`: the folder of results; `add`: puts a further task in; `others`: who does other kinds."""

    app: App
    cache: str
    add: Add
    rules: Callable[[], Mapping[str, RuleInfo]]
    ledger: Ledger | None = None
    room: Room = field(default_factory=Room)
    others: Mapping[str, Do] = field(default_factory=dict)

    def do(self, task: Task) -> Ending:
        """Do one. Raises Again where it may go well later; Denied and what nobody foresaw come through."""
        try:
            return self._done(task)
        except HeadMoved as error:
            return Ending("moved", str(error))
        except NotThere as error:
            return Ending(
                "gone", f"it is no longer there, or the App is not installed there any more ({error})"
            )
        except Busy as error:
            raise Again(_said(error), error.pause) from None
        except BadToken as error:
            self.app.forget(task.installation)
            raise Again(_said(error)) from None
        except PASSING as error:
            raise Again(_said(error)) from None

    def _done(self, task: Task) -> Ending:
        if task.kind in self.others:
            return self.others[task.kind](task)
        if task.kind == "lookup":
            return self._lookup(task)
        with self.room.entered() as few, ExitStack() as stack:
            # Its children start while GitHub is asked; none outlives a job, whoever's code it read.
            pool = stack.enter_context(Pool())
            wanted = REVIEW if task.kind == "review" else COMMANDS
            client = stack.enter_context(self._asking(task, wanted))
            kept = stack.enter_context(Cache(self.cache, lambda line: _LOG.warning("%s", line)))
            door = Door(task, client, Auditor(pool, kept, jobs=few), Steps(), self._abilities(task))
            if task.kind == "review":
                return self._review(door)
            return self._press(door) if task.button else self._obey(door)

    @contextmanager
    def _asking(self, task: Task, wanted: Permissions) -> Iterator[GitHub]:
        transport = self.app.installed(task.installation, repository(task.repo), wanted)
        try:
            yield GitHub(transport)
        finally:
            remaining, most, reset = transport.limit
            if self.ledger is not None and most > 0 and reset > 0:
                self._note(lambda ledger: ledger.limit(Limit(task.installation, remaining, most, reset)))
            transport.close()

    def _abilities(self, task: Task) -> Abilities:
        return Abilities(buttons=True, commits=self.app.may_commit(task.installation))

    # Reviews

    def _review(self, door: Door) -> Ending:
        looked, done = self._published(door)
        plan, task = done.plan, door.task
        posted = ", ".join(f"{what} {count}" for what, count in sorted(done.posted.items()))
        said = f"skipped: {plan.skipped}" if plan.skipped else posted or "all of it stands there already"
        if done.refused:
            said += f"; refused: {'; '.join(done.refused)}"
        ours = [*plan.commented, *plan.listed]
        outcome = "skipped" if plan.skipped else "commented" if ours else "clean"
        leaks = None if plan.skipped else tuple(_leaks(plan.commented, plan.listed, plan.dismissed))
        failed = {Outcome.FAILED, Outcome.SKIPPED}
        ended = Ended(
            task.id,
            task.delivery,
            task.repo,
            task.number,
            outcome,
            head=looked.look.pull.head,
            said=said,
            waited=max(0.0, time.time() - task.since - sum(door.steps.seconds.values()))
            if task.since
            else 0.0,
            steps=door.steps.seconds,
            requests=door.client.requests,
            leaks=leaks,
            unseen=frozenset(file.path for file in looked.look.audit.files if file.outcome in failed),
        )
        self._note(lambda ledger: ledger.ended(ended))
        _LOG.info(
            "%s: %s", outcome, said, extra={"repo": task.repo, "number": task.number, "leaks": len(ours)}
        )
        return Ending(outcome, said)

    def _published(self, door: Door) -> tuple[Looked, reviews.Done]:
        task, client = door.task, door.client
        transport = client.transport
        try:
            with door.steps.timed("look"):
                looked = reviews.look(
                    client,
                    door.auditor,
                    transport.site,
                    transport.token,
                    task.repo,
                    task.number,
                    door.abilities,
                )
        except UNREADABLE as error:
            looked = self._unreadable(door, str(error))
        with door.steps.timed("publish"):
            return looked, reviews.publish(client, looked)

    def _unreadable(self, door: Door, why: str) -> Looked:
        """A look at nothing, that says why."""
        _LOG.warning("not looked at: %s", why)
        pull = door.client.pull(door.task.repo, door.task.number).pull
        return Looked(Look(pull, (), Audit("", ()), abilities=door.abilities), Config(), why)

    def _note(self, what: Callable[[Ledger], None]) -> None:
        """Write into the ledger. A review is not done again because its figures could not be kept."""
        if self.ledger is None:
            return
        try:
            what(self.ledger)
        except SQLAlchemyError as error:
            _LOG.warning("not noted for the status page: %s", type(error).__name__)

    # Commands and buttons

    def _obey(self, door: Door) -> Ending:
        task = door.task
        assert task.said is not None

        def again(number: int) -> str:
            return self._published(replace_number(door, number))[0].skipped

        obedience = Obedience(
            door.client,
            door.auditor,
            task.repo,
            task.said,
            self.rules,
            again,
            lambda line: _LOG.info("%s", line),
        )
        return Ending("done" if obedience.obey() else "refused")

    def _press(self, door: Door) -> Ending:
        """The button for safe repairs. The commit's own event has it looked at again."""
        task = door.task
        if not door.client.may_write(task.repo, task.by):
            return Ending("refused", "buttons count from people with write access")
        try:
            fixed = fix(
                door.client, door.auditor, task.repo, task.number, Asked(thread=0, unsafe=False), task.by
            )
        except NothingToFix as error:
            return Ending("done", f"nothing to repair: {error}")
        except Denied as error:
            return Ending("refused", str(error))
        return Ending("done", f"{plural(len(fixed.applied), 'leak')} repaired in {fixed.commit[:12]}")

    # Commits

    def _lookup(self, task: Task) -> Ending:
        """Find the open pull requests whose head a check's commit is; for forks GitHub names none."""
        with self._asking(task, {"pull_requests": "read"}) as client:
            pages = client.transport.pages(f"/repos/{task.repo}/pulls", state="open")
            numbers = [
                int(each["number"]) for page in pages for each in page if each["head"]["sha"] == task.head
            ]
        for number in numbers:
            self.add(replace(task, kind="command" if task.button else "review", number=number))
        return Ending("done", f"{plural(len(numbers), 'pull request')} with this head")


def replace_number(door: Door, number: int) -> Door:
    """The same door for another pull request."""
    return replace(door, task=replace(door.task, number=number))


def _leaks(
    commented: tuple[Finding, ...], listed: tuple[Finding, ...], dismissed: tuple[Finding, ...]
) -> Iterator[Leak]:
    for finding in commented:
        yield Leak(markers.identify(finding), finding.rule, finding.path, suggested=finding.fix is not None)
    for finding in listed:
        yield Leak(markers.identify(finding), finding.rule, finding.path)
    for finding in dismissed:
        yield Leak(markers.identify(finding), finding.rule, finding.path, dismissed=True)


def _said(error: GitHubError | BrokenWorker | OSError | MemoryError) -> str:
    return f"{type(error).__name__}: {error}"
