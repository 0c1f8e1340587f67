"""The repairs of one file's findings: candidates are written, climb the ladder, and the first that holds stays.

Every candidate is written for the file as it is. Those of functions that have nothing to do with each other are
checked together: of every finding the next candidate goes into the next version of the file in which its functions
are free. So the versions are about as many as the candidates of one function, and not as those of the file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from functools import partial

from repairbot.analyses import analyse
from repairbot.analyses.facts import Facts
from repairbot.edits import Transcoded, apply, declared, unified
from repairbot.languages.base import (
    ALONE,
    ForesightedPrinter,
    MemberFrontend,
    NeighbourlyPrinter,
    PartFrontend,
    SharingFrontend,
    Unreadable,
)
from repairbot.lazily import dataclass
from repairbot.lifetimes.intents import Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit, Finding, Fix
from repairbot.room import Room
from repairbot.rule import Report
from repairbot.shares import Side, shares
from repairbot.verify import Candidate, Climb, Ladder, Reported, Share


@dataclass(slots=True)
class Try:
    """One finding on its way to a repair: what is left to try, what stands to be checked, and how it ended."""

    finding: Finding
    rule: str
    report: Report
    left: Iterator[Intent] = field(init=False)
    reasons: list[str] = field(init=False)
    intent: Intent | None = None
    candidate: Candidate | None = None
    """What `intent` was written as, until it is checked."""
    edits: tuple[Edit, ...] = ()
    """The same, as long as nothing was found against it, and the names that it declares."""
    names: set[str] = field(default_factory=set)
    heeds: frozenset[str] | None = None
    """The functions that have a say in what is said of the candidate's; None for any."""
    number: int = ALONE
    """Candidates of one number are in one version not in each other's way, for all that the printer says."""
    separable: bool = False
    """What the candidate changes can be told from what others of its function change."""

    def __post_init__(self) -> None:
        self.left = iter(self.report.intents)
        self.reasons = list(self.report.refusals)

    def ended(self) -> Finding:
        """The finding with its fix, or with the reasons why there is none."""
        if self.finding.fix is not None:
            return self.finding
        return replace(self.finding, refusals=tuple(dict.fromkeys(self.reasons)))


@dataclass
class Repairs:
    """Writes the repairs of one file. `facts`: its analysis; `found`: all that the rules say of it."""

    text: Transcoded
    room: Room
    facts: Facts
    found: Reported
    _near: defaultdict[str, list[Try]] = field(default_factory=lambda: defaultdict(list))
    """What is tried in each function."""

    def write(self, tries: Sequence[Try]) -> None:
        """End every try: with the first of its candidates that climbs the whole ladder, or with the reasons of all."""
        again = partial(self.room.again, self.facts.unit)
        ladder = Ladder(self.text.data, self.found, again, self.room.printer, self._shares, self._members)
        for each in tries:
            self._near[each.report.symbol].append(each)
        left = [each for each in tries if self._drawn(each)]
        while left:
            self._foresee(left)
            waiting = left
            while waiting:
                chosen = _together(waiting)
                climbs = ladder.climb([each.candidate for each in chosen if each.candidate is not None])
                for each, climb in zip(chosen, climbs, strict=True):
                    self._climbed(each, climb)
                waiting = [each for each in waiting if each.candidate is not None]
            left = [each for each in left if each.finding.fix is None and self._drawn(each)]

    def _foresee(self, drawn: Sequence[Try]) -> None:
        """Tell the printer of all that is going to be checked."""
        printer = self.room.printer
        if isinstance(printer, ForesightedPrinter):
            repairs = [each.candidate.edits for each in drawn if each.candidate is not None]
            for each, number in zip(drawn, printer.foresee(self.text.data, repairs), strict=True):
                each.number = number

    def _drawn(self, one: Try) -> bool:
        """Whether a candidate stands to be checked: the one before, or the next that can be written."""
        while one.candidate is None:
            one.intent = next(one.left, None)
            if one.intent is None:
                return False
            written = self._written(one, one.intent)
            if isinstance(written, Refusal):
                one.reasons.append(written.why)
                continue
            symbols, one.heeds = self._touched(one.report, written)
            one.number, one.separable = ALONE, self._separable(symbols, written)
            speaking = self._speaking(one.report, written) if symbols is None else None
            one.candidate = Candidate(one.rule, one.report, written, symbols, speaking)
            one.edits, one.names = written, declared(written)
        return True

    def _written(self, one: Try, intent: Intent) -> tuple[Edit, ...] | Refusal:
        """The edits of one candidate: whoever takes two repairs of a function must not get two of a name."""
        printer = self.room.printer
        written = printer.write(self.text.data, intent)
        if isinstance(written, Refusal) or not isinstance(printer, NeighbourlyPrinter):
            return written
        names = declared(written)
        others = [each for each in self._near[one.report.symbol] if each.names and each is not one]
        same = any(each.edits == written for each in others)  # one repair of two findings is taken once
        if same or all(names.isdisjoint(each.names) for each in others):
            return written
        return printer.write_beside(self.text.data, intent, [each.edits for each in others])

    def _climbed(self, one: Try, climb: Climb) -> None:
        """A candidate is checked: it is the finding's fix, or there is one reason more."""
        intent, candidate = one.intent, one.candidate
        assert intent is not None
        assert candidate is not None
        one.candidate = None
        if climb.fell:
            one.edits, one.names = (), set()
            one.reasons.append(f"the repair ({intent.title or intent.do}) did not hold: {climb.fell}")
            return
        text = self.text
        try:
            edits = text.back(candidate.edits)
        except UnicodeEncodeError:
            one.reasons.append(f"the repair cannot be written in the file's encoding, {text.encoding}")
            return
        stored = text.back_to_bytes()
        diff = unified(stored, apply(stored, edits, text.encoding), self.room.path, text.encoding)
        fix = Fix(intent.safety, intent.title, edits, diff, climb.checks, intent.choice, intent.why)
        one.finding = replace(one.finding, fix=fix)

    def _touched(
        self, report: Report, edits: tuple[Edit, ...]
    ) -> tuple[frozenset[str] | None, frozenset[str] | None]:
        """The functions that a repair changes, where it changes nothing else and its finding is about one of them.

        With them those that have a say in what is said of them. The others say what they said; a member of a
        container may be spoken of anywhere, so all is looked at again.
        """
        frontend = self.room.language.frontend
        if not isinstance(frontend, PartFrontend) or "." in report.variable:
            return None, None
        data = self.text.data
        symbols = frontend.touched(data, tuple((edit.start, edit.end) for edit in edits))
        if symbols is None or report.symbol not in symbols:
            return None, None
        return symbols, frontend.heeded(data, symbols)

    def _separable(self, symbols: frozenset[str] | None, edits: tuple[Edit, ...]) -> bool:
        frontend = self.room.language.frontend
        if symbols is None or len(symbols) > 1 or not isinstance(frontend, SharingFrontend):
            return False
        return frontend.separable(self.text.data, edits)

    def _speaking(self, report: Report, edits: tuple[Edit, ...]) -> frozenset[str] | None:
        """The functions that have a say in what is said of the member that a report is about, if that can be told."""
        frontend = self.room.language.frontend
        if not isinstance(frontend, MemberFrontend):
            return None
        return frontend.speaking(self.text.data, report.symbol, report.variable, edits)

    def _members(self, after: bytes, candidate: Candidate) -> Share | None:
        """See verify.Members. What the functions say that have nothing to do with the member is in neither."""
        frontend, room, heard = self.room.language.frontend, self.room, self.facts.unit.heard
        if candidate.speaking is None or not isinstance(frontend, MemberFrontend):
            return None
        changed = tuple((edit.start, edit.end) for edit in candidate.edits)
        asked = frontend.asked(self.text.data, changed, heard)
        try:
            unit = frontend.lower_members(
                self.facts.unit, after, room.resources, room.project, candidate.speaking, asked
            )
            again = room.reported(analyse(unit))
        except (Unreadable, RecursionError):
            return None
        if any(heard.get(each, told) != told for each, told in unit.heard.items()):
            return None  # what one function tells another is not what it was
        base = replace(self.found, misuses=self.found.within(candidate.speaking).misuses)
        return Share.whole(base, again)

    def _shares(
        self, after: bytes, candidates: Sequence[Candidate], edits: tuple[Edit, ...]
    ) -> list[Share | None] | None:
        """See verify.Sharing. A candidate that is the only one of its function has all that is said of it."""
        frontend, symbols = self.room.language.frontend, [each.symbols or frozenset() for each in candidates]
        assert isinstance(frontend, PartFrontend)
        try:
            again = self.room.part(frontend, self.facts.unit, after, frozenset().union(*symbols))
        except (Unreadable, RecursionError):
            return None
        if not again.unit.heard.items() <= self.facts.unit.heard.items():
            return None  # what one function tells another is not what it was
        said, count = self.room.reported(again), Counter(symbols)
        told = {
            each: shares(
                Side(self.text.data, self.facts, next(iter(each))),
                Side(after, again, next(iter(each))),
                [other.edits for other in candidates if other.symbols == each],
                edits,
                self.room.reported,
            )
            for each in count
            if count[each] > 1
        }
        return [
            next(told[each]) if each in told else Share.whole(self.found.within(each), said.within(each))
            for each in symbols
        ]


def _together(left: Sequence[Try]) -> list[Try]:
    """The first one, and those that can be checked with it in one version of the file."""
    chosen: list[Try] = []
    for each in left:
        if all(_free(each, other) for other in chosen):
            chosen.append(each)
    return chosen


def _free(one: Try, other: Try) -> bool:
    """Whether two candidates have nothing to do with each other, or what each changes can be told apart."""
    mine, theirs = one.candidate, other.candidate
    if mine is None or theirs is None or mine.symbols is None or theirs.symbols is None:
        return False
    if mine.symbols == theirs.symbols:
        told = one.separable and other.separable and set(mine.edits).isdisjoint(theirs.edits)
        return told and one.number == other.number != ALONE
    if one.heeds is None or other.heeds is None or one.number != other.number:
        return False
    return one.heeds.isdisjoint(theirs.symbols) and other.heeds.isdisjoint(mine.symbols)
