"""Sources in, results out: dismissed from the cache, examined by children, joined across files.

Each file that a source lists ends in exactly one outcome. The order of the results is that of their paths,
whatever the number of children.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from repairbot import languages, wire
from repairbot.cache import Cache, code_version, digest
from repairbot.config import CONFIDENCES, Config
from repairbot.lazily import dataclass
from repairbot.links import Answers, Exchange, Line, Naming
from repairbot.model import FileResult, Finding, Outcome
from repairbot.pool import AHEAD_FILES, Pool, Task
from repairbot.sources import Entry, Source, Unreadable, binary, failed, skipped

Progress = Callable[[int, int, int], None]
"""Told how far the work is: files done, files in all, findings so far."""


WINDOW = 2000
"""Files whose earlier results are brought at once."""


@dataclass(slots=True)
class Examination:
    """All that is known of one listed file on its way. `content`: the digest of its bytes."""

    entry: Entry
    content: bytes = b""
    result: FileResult | None = None
    unknown: int = 0
    answers: Answers | None = None
    asked: tuple[str, ...] = ()
    """For a look that only serves others: the names they ask about."""
    provisional: bool = True
    """Whether others may still answer what it asks."""
    waiting: bool = False
    """Whether its repairs are still to be written, once it is known what others answer."""
    by: int = 0
    """The child that looked at it, and keeps what it found as long as its repairs wait."""

    @property
    def wanted(self) -> bool:
        """Whether the user asked for this file's result."""
        return not self.asked


class Run:
    """One examination of one source: `examinations` holds what is known of every file afterwards.

    A file is examined again when others answered what it asks. Repairs are written once: a file that asks gets its
    own in its last examination, which comes without answers as well where there are repairs to write.
    """

    def __init__(
        self,
        source: Source,
        config: Config,
        pool: Pool,
        cache: Cache,
        progress: Progress = lambda *_: None,
        *,
        fixes: bool = True,
    ) -> None:
        self.source = source
        self.examinations: list[Examination] = []
        self.passed: list[FileResult] = []
        self._pool, self._cache, self._progress, self._fixes = pool, cache, progress, fixes
        self._settings = config.settings
        self._total = self._done = self._findings = 0
        namings = {name: Naming(each.suffixes, each.package) for name, each in languages.walk().items()}
        self._exchange = Exchange(namings, source.holds)

    def go(self) -> Run:
        """Examine everything. Raises pool.BrokenWorker."""
        for found in self.source.entries():
            if isinstance(found, FileResult):
                self.passed.append(found)
            else:
                self.examinations.append(Examination(found))
        self.examinations.sort(key=lambda each: each.entry.path)
        self._total = len(self.examinations)
        self._examine(range(self._total))
        self._ask()
        answers = self._exchange.answers()
        again = [tag for tag, each in enumerate(self.examinations) if each.waiting or tag in answers]
        for tag in again:
            each = self.examinations[tag]
            each.answers, each.provisional = answers.get(tag), False
        # The most work first, so that no process is left with it while the others have ended.
        self._examine(sorted(again, key=lambda tag: -self._found(tag)), ahead=1)
        return self

    def results(self) -> list[FileResult]:
        """How every file ended, by path."""
        ended = [each.result for each in self.examinations if each.wanted and each.result is not None]
        return sorted([*ended, *self.passed], key=lambda result: result.path)

    def unknown(self) -> int:
        """How often an analysis gave up on a place."""
        return sum(each.unknown for each in self.examinations if each.wanted)

    def fresh(self, each: Examination) -> bytes | None:
        """A file's bytes read again, None when they are not those that were examined."""
        try:
            source = self.source.read(each.entry)
        except Unreadable:
            return None
        return source if digest(source) == each.content else None

    def _ask(self) -> None:
        """Look closely at the files that others ask, be they in this run or beside it."""
        first = len(self.examinations)
        asked = self._exchange.asked()
        here = {each.entry.path: each.entry for each in self.examinations if each.entry.path in asked}
        for path, names in sorted(asked.items()):
            entry = here.get(path) or self.source.neighbour(path)
            if entry is not None:
                self.examinations.append(Examination(entry, asked=names))
        self._examine(range(first, len(self.examinations)))

    def _examine(self, tags: Sequence[int], ahead: int = AHEAD_FILES) -> None:
        rest = self._recalled(tags)
        keys: dict[int, bytes] = {}
        self.source.want([self.examinations[tag].entry for tag in rest])
        for answer in self._pool.run(self._tasks(rest, keys), len(rest), ahead):
            each = self.examinations[answer.tag]
            each.by = answer.by
            if answer.failure:
                self._end(each, failed(each.entry.path, each.entry.language, answer.failure))
            elif self._take(answer.tag, answer.frame) and answer.tag in keys:
                self._cache.keep(keys.pop(answer.tag), answer.frame)

    def _recalled(self, tags: Sequence[int]) -> Sequence[int]:
        """Answer what the cache can without reading a file; the rest comes back."""
        if not self._cache.recalls:
            return tags
        rest: list[int] = []
        for start in range(0, len(tags), WINDOW):
            chosen = tags[start : start + WINDOW]
            names = {
                tag: self.source.identity(each.entry)
                for tag in chosen
                if not (each := self.examinations[tag]).content
            }
            known = self._cache.digests([name for name in names.values() if name])
            for tag, name in names.items():
                self.examinations[tag].content = known.get(name, b"")
            keys = {tag: self._key(each) for tag in chosen if (each := self.examinations[tag]).content}
            found = self._cache.answers(list(keys.values()))
            rest += [
                tag
                for tag in chosen
                if (held := found.get(keys.get(tag, b""))) is None or not self._take(tag, held)
            ]
        return rest

    def _tasks(self, tags: Iterable[int], keys: dict[int, bytes]) -> Iterator[Task]:
        """Read what has to be examined, as the children have room for it."""
        for tag in tags:
            each = self.examinations[tag]
            entry = each.entry
            # Asked before the file is read: what changes in between is then read again the next time.
            identity = self.source.identity(entry) if self._cache.keeps else ""
            try:
                source = self.source.read(entry)
            except Unreadable as error:
                self._end(each, failed(entry.path, entry.language, str(error)))
                continue
            if binary(source):
                self._end(each, skipped(entry.path, entry.language, "binary"))
                continue
            content = digest(source)
            if content != each.content:
                each.content = content
                self._cache.remember(identity, content)
                if self._cache.recalls:
                    key = self._key(each)
                    held = self._cache.answers([key]).get(key)
                    if held is not None and self._take(tag, held):
                        continue
            if self._cache.keeps:
                keys[tag] = self._key(each)
            yield Task(tag, self._request(each), source, each.by if each.waiting and not each.answers else 0)

    def _request(self, each: Examination) -> bytes:
        fixes = self._fixes and each.wanted
        return request(
            each.entry.path,
            each.entry.language,
            each.answers or {},
            fixes=fixes,
            asked=each.asked,
            provisional=each.provisional,
        )

    @cached_property
    def _salt(self) -> bytes:
        return digest(code_version(), wire.encode(self._settings), b"fixes" if self._fixes else b"")

    def _key(self, each: Examination) -> bytes:
        answers = json.dumps(each.answers, sort_keys=True).encode() if each.answers else b""
        asked = "\n".join(each.asked).encode("utf-8", "surrogateescape")
        last = b"" if each.provisional else b"last"
        return digest(self._salt, os.fsencode(each.entry.path), each.content, answers, asked, last)

    def _take(self, tag: int, frame: bytes) -> bool:
        """Take in one answer; False when it is not one."""
        each = self.examinations[tag]
        try:
            first, second, third = frame.split(b"\n")
            line = Line.read(second, third)
            result = told(first, each.entry.path, each.entry.language)
        except ValueError as error:
            self._end(
                each,
                failed(each.entry.path, each.entry.language, f"the answer about it was malformed: {error}"),
            )
            return False
        self._exchange.offer(each.entry.path, line.offers)
        if each.wanted and each.provisional:
            self._exchange.ask(tag, each.entry.path, each.entry.language, line.asks, line.makers)
        each.unknown, each.waiting = line.unknown, line.waiting
        if not (first or line.asks or line.makers):
            each.content = b""  # nobody reads it again: there are many such files, and not much room
        self._end(each, result)
        return True

    def _found(self, tag: int) -> int:
        result = self.examinations[tag].result
        return len(result.findings) if result is not None else 0

    def _end(self, each: Examination, result: FileResult) -> None:
        if each.result is None and each.wanted:
            self._done += 1
            self._findings += len(result.findings)
        each.result = result
        self._progress(self._done, self._total, self._findings)


def told(line: bytes, path: str, language: str) -> FileResult:
    """The result in an answer's first line, which is empty for a clean file. Raises wire.Malformed."""
    return wire.decode(FileResult, line) if line else FileResult(path, language, Outcome.CLEAN)


def request(
    path: str,
    language: str,
    answers: Answers,
    *,
    fixes: bool = True,
    asked: tuple[str, ...] = (),
    provisional: bool = False,
) -> bytes:
    """A worker.Request as JSON, without importing what the worker imports."""
    header = {"path": path, "language": language, "fixes": fixes, "asked": asked, "provisional": provisional}
    return wire.encode({**header, **answers})


@dataclass(slots=True)
class Sifted:
    """Results as they are shown, and how many findings were taken away and why."""

    files: list[FileResult]
    baselined: int = 0
    hidden: int = 0


def sift(
    files: Iterable[FileResult],
    config: Config,
    *,
    everything: bool = False,
    known: Counter[str] | None = None,
    rules: frozenset[str] = frozenset(),
) -> Sifted:
    """Take away what is below the confidence that is shown, what is known already, and what no chosen rule says.

    `known`: how often each fingerprint stands in a baseline; each of them takes one finding away.
    """
    least = 0 if everything else CONFIDENCES.index(config.confidence)
    left = Counter(known or ())
    sifted = Sifted([])
    for file in files:
        kept: list[Finding] = []
        for finding in file.findings:
            if rules and finding.rule not in rules:
                continue
            if CONFIDENCES.index(finding.confidence) < least:
                sifted.hidden += 1
            elif left[finding.fingerprint] > 0:
                left[finding.fingerprint] -= 1
                sifted.baselined += 1
            else:
                kept.append(finding)
        outcome = file.outcome
        if outcome not in (Outcome.SKIPPED, Outcome.FAILED):
            outcome = Outcome.REPORTED if kept else Outcome.CLEAN
        if outcome is not file.outcome or len(kept) < len(file.findings):
            file = replace(file, outcome=outcome, findings=tuple(kept))
        sifted.files.append(file)
    return sifted
