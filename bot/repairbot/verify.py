"""The ladder that a candidate repair climbs before anybody sees it; every rung travels with the fix.

parses, comments kept, names bound    by the language's printer
bytes kept                            what no edit names is the same
finding gone, nothing new             the repaired file is lowered and analysed again, by every rule
released once                         no double release and no use after release that was not there before
idempotent                            a second run finds nothing to do where the first one wrote

Candidates climb together where what is said of each can be told from what is said of the others, by their functions or
by `sharing`: the language's rungs look at one version of the file that holds them all. A version of which these rungs
do not say what they say of the file as it is, is halved; candidates that are in each other's way climb apart; and one
that does not hold climbs again alone, and that counts, but where its reason is told for certain. So the result is the
same as if each had climbed alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import field
from functools import cached_property
from typing import Final

from repairbot.edits import BadEditsError, apply, ordered
from repairbot.languages.base import Printer
from repairbot.lazily import dataclass
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Check, Edit
from repairbot.rule import Report

Key = tuple[str, str, str]
"""What a finding is known by across versions of a file: rule, symbol, variable."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What one analysis of a file says: each rule's reports, and the misuses by kind, function and place.

    `wrong`: why the file could not be analysed, or "". `unread`: what was given up in it, without the lines.
    """

    reports: tuple[tuple[str, Report], ...] = ()
    misuses: Counter[Key] = field(default_factory=Counter)
    wrong: str = ""
    unread: Counter[str] = field(default_factory=Counter)

    def within(self, symbols: frozenset[str] | None) -> Reported:
        """What is said of these functions alone, and not of the members of containers; all of it for None."""
        if symbols is None:
            return self
        reports = tuple(
            pair for pair in self.reports if pair[1].symbol in symbols and "." not in pair[1].variable
        )
        misuses = Counter({key: count for key, count in self.misuses.items() if key[1] in symbols})
        return Reported(reports, misuses, self.wrong, self.unread)

    def keys(self) -> Counter[Key]:
        """How many findings there are of each key."""
        return Counter(key(rule, report) for rule, report in self.reports)


@dataclass(frozen=True, slots=True)
class Share:
    """What has to do with one repair of several in a version of a file: what is said of it without them and with.

    `own`: the findings in `base` that are about what it changes, and no other repair.
    """

    base: Reported
    again: Reported
    own: Counter[Key]

    @classmethod
    def whole(cls, base: Reported, again: Reported) -> Share:
        """The share of a repair that no other one shares its functions with."""
        return cls(base, again, base.keys())


Analyse = Callable[[bytes, "frozenset[str] | None"], Reported]
"""Lower and analyse a version of the file, or these functions of it, and run the rules."""
Sharing = Callable[[bytes, "Sequence[Candidate]", "tuple[Edit, ...]"], "Sequence[Share | None] | None"]
"""The share of each candidate in a version with all of them, None where it has to be checked alone; or None for all."""

Members = Callable[[bytes, "Candidate"], "Share | None"]
"""The share of a candidate that is about a member in its version, None where all of the file has to be looked at."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A repair that was written for what a rule reports.

    `symbols`: the functions that it changes, where it changes nothing else and what they say is all that counts.
    `speaking`: those that have a say in what is said of the member that it is about, where that is told.
    """

    rule: str
    report: Report
    edits: tuple[Edit, ...]
    symbols: frozenset[str] | None = None
    speaking: frozenset[str] | None = None

    @property
    def key(self) -> Key:
        """The key of its finding."""
        return key(self.rule, self.report)


@dataclass(frozen=True, slots=True)
class Climb:
    """How far a candidate came. `fell`: why it may not be used, "" when it holds."""

    checks: tuple[Check, ...]
    after: bytes = b""
    fell: str = ""

    @property
    def sure(self) -> bool:
        """Whether it is what would be said of the candidate alone: places have their numbers by what stands ahead."""
        return not self.fell or (self.checks[-1].name in _BY_SHARE and "#" not in self.fell)


_BY_SHARE: Final = frozenset({"finding gone", "nothing new", "released once"})
"""The rungs that a candidate's share tells of."""


def key(rule: str, report: Report) -> Key:
    """The key of a report."""
    return rule, report.symbol, report.variable


@dataclass(frozen=True)
class Ladder:
    """The ladder of one file. `base` is what is said of it as it is, in `before`."""

    before: bytes
    base: Reported
    analyse: Analyse
    printer: Printer
    sharing: Sharing | None = None
    """Where it is not there, candidates of one function do not climb together."""
    members: Members | None = None
    """Where it is not there, all of the file is looked at again for the sake of a member."""

    def climb(self, candidates: Sequence[Candidate]) -> list[Climb]:
        """How far each candidate comes: to the first rung that does not hold.

        Of several, each has `symbols`, and none has a say in what is said of the functions of another, or they have the
        same and `sharing` tells them apart.
        """
        if len(candidates) == 1:
            return [self._alone(candidates[0])]
        climbs = self._together(candidates)
        if climbs is None:
            half = len(candidates) // 2
            return self.climb(candidates[:half]) + self.climb(candidates[half:])
        untold = [each for each, climb in zip(candidates, climbs, strict=True) if climb is None]
        apart = iter(self._one_by_one(untold))
        return [
            next(apart) if climb is None else climb if climb.sure else self._alone(each)
            for each, climb in zip(candidates, climbs, strict=True)
        ]

    def _one_by_one(self, candidates: Sequence[Candidate]) -> list[Climb]:
        """The same of candidates that are in each other's way: the first one of each function, and then the others.

        Most often the first is about what the values of the others are put into.
        """
        met: set[frozenset[str] | None] = set()
        first: list[bool] = []
        for each in candidates:
            first.append(each.symbols not in met)
            met.add(each.symbols)
        if all(first):
            return [self._alone(each) for each in candidates]
        climbs = {
            chosen: iter(
                self.climb([each for each, one in zip(candidates, first, strict=True) if one is chosen])
            )
            for chosen in dict.fromkeys(first)
        }
        return [next(climbs[one]) for one in first]

    def _alone(self, candidate: Candidate) -> Climb:
        try:
            edits = ordered(candidate.edits, len(self.before))
        except BadEditsError as error:
            return Climb((Check("bytes kept", "failed", str(error)),), fell=str(error))
        after = apply(self.before, edits)
        if after == self.before:
            return Climb((), fell="the repair changes nothing")
        checks = self._inspected(after, edits)
        if (fallen := _fallen(checks)) is not None:
            return Climb(tuple(checks), after, f"{fallen.name}: {fallen.detail}")
        share = self.members(after, candidate) if self.members is not None else None
        if share is not None:
            climb = self._judged(candidate, edits, after, share, checks)
            if not climb.fell or climb.checks[-1].name == "finding gone":
                return climb
        again = self.analyse(after, candidate.symbols)
        base = self.base.within(candidate.symbols)
        return self._judged(candidate, edits, after, Share.whole(base, again), checks)

    def _together(self, candidates: Sequence[Candidate]) -> list[Climb | None] | None:
        """The same of one version with all of them, or None where that version as a whole does not hold.

        None for those of one function that are not told apart.
        """
        try:
            edits = ordered((edit for each in candidates for edit in each.edits), len(self.before))
        except BadEditsError:
            return None
        if any(apply(self.before, each.edits) == self.before for each in candidates):
            return None
        after = apply(self.before, edits)
        checks = self._inspected(after, edits)
        if checks != self._untouched:
            return None
        shares = (self.sharing or self._apart)(after, candidates, edits)
        if shares is None:
            return None
        return [
            self._judged(each, edits, after, share, checks)
            if share is not None and share.own[each.key]
            else None
            for each, share in zip(candidates, shares, strict=True)
        ]

    def _apart(
        self, after: bytes, candidates: Sequence[Candidate], _: tuple[Edit, ...]
    ) -> list[Share | None] | None:
        """The shares of candidates of different functions."""
        again = self.analyse(after, frozenset().union(*(each.symbols or () for each in candidates)))
        if again.wrong:
            return None
        return [
            Share.whole(self.base.within(each.symbols), again.within(each.symbols)) for each in candidates
        ]

    def _added(self, candidate: Candidate, edits: tuple[Edit, ...]) -> list[tuple[int, int]]:
        """The places of a version at which others of its edits end, and how many lines each of them added."""
        others = [edit for edit in edits if edit not in candidate.edits]
        return [
            (end, edit.text.count("\n") - self.before.count(b"\n", edit.start, edit.end))
            for edit, (_, end) in zip(others, written(others, edits), strict=True)
        ]

    @cached_property
    def _untouched(self) -> list[Check]:
        """What the rungs of whole versions say of the file as it is, and so of a repair that mends nothing else."""
        return self._inspected(self.before, ())

    def _inspected(self, after: bytes, edits: tuple[Edit, ...]) -> list[Check]:
        """The rungs that a version of the file climbs as a whole; those behind the first that falls are not made."""
        checks = list(self.printer.inspect(self.before, after, edits))
        return checks if _fallen(checks) is not None else [*checks, _kept(self.before, after, edits)]

    def _judged(
        self,
        candidate: Candidate,
        edits: tuple[Edit, ...],
        after: bytes,
        share: Share,
        inspected: Sequence[Check],
    ) -> Climb:
        """The rungs of one candidate in a version that `edits` made and in which that is its share."""
        base, again, checks = share.base, share.again, list(inspected)
        for check in (
            _gone(candidate, base, again),
            _nothing_new(base, again, self._added(candidate, edits)),
            _once(base, again),
            _idempotent(candidate, written(candidate.edits, edits), after, base, again, self.printer),
        ):
            checks.append(check)
            if check.result == "failed":
                return Climb(tuple(checks), after, f"{check.name}: {check.detail}")
        return Climb(tuple(checks), after)


def _fallen(checks: list[Check]) -> Check | None:
    return next((check for check in checks if check.result == "failed"), None)


def _kept(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """Between the edits both versions are the same bytes."""
    was = now = 0
    for edit in edits:
        length = edit.start - was
        if before[was : edit.start] != after[now : now + length]:
            return Check("bytes kept", "failed", f"byte {was} and behind it differ")
        now += length + len(edit.text.encode())
        was = edit.end
    if before[was:] != after[now:]:
        return Check("bytes kept", "failed", f"byte {was} and behind it differ")
    return Check("bytes kept", "passed")


def _gone(candidate: Candidate, base: Reported, again: Reported) -> Check:
    if again.wrong:
        return Check("finding gone", "failed", again.wrong)
    if new := again.unread - base.unread:  # of what is not followed nothing is said: that mends nothing
        return Check("finding gone", "failed", f"what is there afterwards is not followed: {next(iter(new))}")
    if again.keys()[candidate.key] >= base.keys()[candidate.key]:
        name = candidate.report.variable or candidate.report.symbol
        return Check("finding gone", "failed", f"{name} is still reported afterwards")
    return Check("finding gone", "passed")


def _nothing_new(base: Reported, again: Reported, added: Sequence[tuple[int, int]]) -> Check:
    """`added`: where other candidates added lines, and how many: the reason tells the line without them."""
    new = again.keys() - base.keys()
    for rule, report in again.reports:
        if new[key(rule, report)]:
            line = report.at.line - sum(lines for place, lines in added if place <= report.at.start)
            return Check("nothing new", "failed", f"{rule} is reported in line {line} afterwards")
    return Check("nothing new", "passed")


def _once(base: Reported, again: Reported) -> Check:
    unnamed = Counter(key[:2] for key in (base.misuses - again.misuses).elements() if key[2].startswith("%"))
    for kind, function, place in (again.misuses - base.misuses).elements():
        if unnamed[kind, function] > 0:
            unnamed[kind, function] -= 1  # what was said of a nameless value is said of its name now
            continue
        words = "released twice" if kind == "double-release" else "used after its release"
        return Check("released once", "failed", f"{place} is {words} in {function} afterwards")
    return Check("released once", "passed")


def written(repair: Sequence[Edit], edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """Where a repair's text stands in the version that all these edits made."""
    places, shift = [], 0
    for edit in edits:
        size = len(edit.text.encode())
        if edit in repair:
            places.append((edit.start + shift, edit.start + shift + size))
        shift += size - (edit.end - edit.start)
    return places


def _idempotent(
    candidate: Candidate,
    places: list[tuple[int, int]],
    after: bytes,
    base: Reported,
    again: Reported,
    printer: Printer,
) -> Check:
    """No repair of a finding of this rule touches what this one wrote; what was found before waits for its own."""
    known = base.keys()
    for other, found in again.reports:
        if other != candidate.rule or (key(other, found) != candidate.key and known[key(other, found)]):
            continue
        for intent in found.intents:
            if not any(start < intent.at.end and intent.at.start < end for start, end in places):
                continue
            if not isinstance(printer.write(after, intent), Refusal):
                return Check("idempotent", "failed", f"line {found.at.line} would be repaired again")
    return Check("idempotent", "passed")
