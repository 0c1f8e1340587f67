"""Posting what a run without rights found: its leaking files are examined again, and nothing else is believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from repairbot.config import Config
from repairbot.github.artifact import Left
from repairbot.github.auditing import Audited, Auditor
from repairbot.github.sides import Sides
from repairbot.model import FileResult, Outcome
from repairbot.sources import Entry, Found, Source, failed

LEAKING: Final = (Outcome.REPORTED, Outcome.REPAIRED)
REASON: Final = "so said the run that has no rights; it was not looked at again"


@dataclass(slots=True)
class Confirming(Auditor):
    """Examines only those files of which `left` says that they leak: findings, repairs and words are all its own.

    Of the others the outcome is taken over, without a reason. Whoever lies there hides his own leaks from a
    comment, as he can by leaving the workflow out.
    """

    left: Left | None = None

    def audit(self, sides: Sides, found: Config) -> Audited:
        """Examine both sides. Raises as Auditor.audit."""
        assert self.left is not None
        audited = Auditor.audit(self, _Narrowed(sides, self.left), found)
        again = [file for file in audited.audit.files if self.left.files.get(file.path) in LEAKING]
        gone = sum(file.outcome is Outcome.CLEAN for file in again)
        if not gone:
            return audited
        problem = f"{gone:,} of {len(again):,} files that were said to leak do not, now that they were looked at again"
        problems = (*audited.audit.problems, problem)
        return replace(audited, audit=replace(audited.audit, problems=problems))


@dataclass(slots=True)
class _Narrowed:
    """The same sides; of the head's files only the leaking ones are to be looked at."""

    sides: Sides
    left: Left

    @property
    def problem(self) -> str:
        """What is worse than it should be."""
        return self.sides.problem

    @property
    def requests(self) -> int:
        """How many requests git sent for it."""
        return self.sides.requests

    def setting(self, path: str) -> bytes | None:
        """A file at the tip of the base branch."""
        return self.sides.setting(path)

    def head(self, config: Config) -> Source:
        """The changed files as they are in the head."""
        source = self.sides.head(config)
        return _Known(source, self.left, source.root)

    def base(self, config: Config) -> Source:
        """The changed files as they were where the head left the base."""
        return self.sides.base(config)


@dataclass(slots=True)
class _Known:
    """A source that lists a file as it is known to have ended, unless it is said to leak."""

    source: Source
    left: Left
    root: str

    def entries(self) -> Iterator[Found]:
        """Everything, as far as it leaks to be looked at."""
        for each in self.source.entries():
            known = self.left.files.get(each.path)
            if isinstance(each, FileResult) or known in LEAKING:
                yield each
            elif known is None:
                yield failed(each.path, each.language, "the run that has no rights did not say how it ended")
            else:
                yield FileResult(each.path, each.language, known, "" if known is Outcome.CLEAN else REASON)

    def want(self, entries: Sequence[Entry]) -> None:
        """These will be read soon."""
        self.source.want(entries)

    def read(self, entry: Entry) -> bytes:
        """The file's bytes."""
        return self.source.read(entry)

    def identity(self, entry: Entry) -> str:
        """A name for the file's content."""
        return self.source.identity(entry)

    def holds(self, path: str) -> bool:
        """Whether there is a file or folder at this path."""
        return self.source.holds(path)

    def neighbour(self, path: str) -> Entry | None:
        """A file beside those that were asked for."""
        return self.source.neighbour(path)
