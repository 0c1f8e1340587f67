"""Several repairs of one function in one version of its file: what is said of each as if it stood there alone.

What a repair changes is told by its operations: those that stand where it was written, and are not there (or are
there alone) without it. An acquisition is a repair's own when one of its names is in them; one that is nobody's is as
it was, which is looked at as well; of one that is the own of several nothing is told: they have to be checked alone.
So the share of a repair is what is said of its own and of nobody's, in the file as it is and in the version.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from repairbot.analyses import analyse
from repairbot.analyses.facts import Facts, Followed
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Function, Unit
from repairbot.model import Edit
from repairbot.verify import Key, Reported, Share, written

Sign = tuple[str, str, str, str, bool, bool]
"""What an operation does, wherever it stands."""


@dataclass(frozen=True)
class Side:
    """One function of a file, as it is or in the version: its source, the analysis, where each repair stands."""

    source: bytes
    facts: Facts
    symbol: str
    places: Sequence[Sequence[tuple[int, int]]] = ()

    @property
    def function(self) -> Function | None:
        """The function, where it was lowered and is the only one of its name."""
        found = [each for each in self.facts.unit.functions if each.symbol == self.symbol]
        return found[0] if len(found) == 1 else None

    @property
    def followed(self) -> list[Followed]:
        """The acquisitions in it."""
        return [each for each in self.facts.pairing.followed if each.function.symbol == self.symbol]

    def written(self) -> list[dict[Sign, frozenset[str]]]:
        """For each repair what is done on its lines, with the names that are spoken of."""
        regions = sorted(
            (*self._lines(*place), number) for number, places in enumerate(self.places) for place in places
        )
        starts = [start for start, _, _ in regions]
        longest = max((end - start for start, end, _ in regions), default=0)
        found: list[dict[Sign, frozenset[str]]] = [{} for _ in self.places]
        assert self.function is not None
        for op in {op for block in self.function.blocks for op in block.ops}:
            at = op.expression or op.at
            names = {op.place} if "[]" in op.other else {op.place, op.other}  # inside there is room for more
            for index in range(bisect_left(starts, at.start - longest), len(regions)):
                start, end, number = regions[index]
                if start > at.end:
                    break
                if at.start <= end:
                    sign = (op.kind, op.place, op.detail, op.other, op.fallible, op.cleanup)
                    found[number][sign] = frozenset(names - {""})
        return found

    def _lines(self, start: int, end: int) -> tuple[int, int]:
        """The whole lines around a place."""
        last = self.source.find(b"\n", end)
        return self.source.rfind(b"\n", 0, start) + 1, last if last >= 0 else len(self.source)

    def said(self, chosen: Sequence[Followed]) -> Facts:
        """The analysis of the function alone, by some of its acquisitions."""
        unit = self.facts.unit
        idioms = [idiom for idiom in unit.idioms if idiom.symbol == self.symbol]
        function = [self.function] if self.function is not None else []
        return analyse(Unit(unit.path, unit.language, function, idioms=idioms), chosen)


@dataclass
class Shares:
    """The shares of the repairs of one function. `reported`: what the rules say of an analysis."""

    before: Side
    after: Side
    reported: Callable[[Facts], Reported]
    _owned: list[tuple[Side, list[tuple[Followed, frozenset[int]]]]] = field(init=False)

    def all(self) -> list[Share | None]:
        """The share of each repair, None where it has to be checked alone."""
        count = len(self.before.places)
        nothing: list[Share | None] = [None] * count
        if self.before.function is None or self.after.function is None or self.after.facts.unit.skipped:
            return nothing
        changed = [_changed(*pair) for pair in zip(self.before.written(), self.after.written(), strict=True)]
        self._owned = [
            (self.before, _owners(self.before, [was for was, _ in changed])),
            (self.after, _owners(self.after, [now for _, now in changed])),
        ]
        if any(each.gave_up for _, owned in self._owned for each, _ in owned):
            return nothing
        quiet = self._share(frozenset())
        if _known(quiet.base) != _known(quiet.again):
            return nothing
        entangled = set(self._entangled())
        return [
            None if number in entangled else self._share(frozenset({number}), quiet)
            for number in range(count)
        ]

    def _share(self, numbers: frozenset[int], quiet: Share | None = None) -> Share:
        base, again = (
            self.reported(side.said([each for each, owners in owned if owners <= numbers])).within(
                frozenset({side.symbol})
            )
            for side, owned in self._owned
        )
        own = base.keys() - quiet.base.keys() if quiet is not None else Counter[Key]()
        return Share(base, again, own)

    def _entangled(self) -> Iterator[int]:
        """The repairs that share what they change with another one: a value, or a line on which one word is said."""
        for _, owned in self._owned:
            lines: defaultdict[int, set[frozenset[int]]] = defaultdict(set)
            for each, owners in owned:
                if len(owners) > 1:
                    yield from owners
                if owners:
                    for at in (each.site.at, each.site.expression or each.site.at):
                        lines[at.line].add(owners)
            for those in lines.values():
                if len(those) > 1:
                    yield from frozenset().union(*those)


def _changed(
    was: Mapping[Sign, frozenset[str]], now: Mapping[Sign, frozenset[str]]
) -> tuple[frozenset[str], frozenset[str]]:
    """The names in what one version alone does, and in what the other does; nameless values are numbered anew."""
    here = frozenset[str]().union(*(was[each] for each in was.keys() - now.keys()))
    there = frozenset[str]().union(*(now[each] for each in now.keys() - was.keys()))
    named = frozenset(name for name in here | there if not name.startswith("%"))
    return here | named, there | named


def _owners(side: Side, changed: Sequence[frozenset[str]]) -> list[tuple[Followed, frozenset[int]]]:
    """Each acquisition with the repairs that change what is done with it, or with what it is put into."""
    by_name: defaultdict[str, set[int]] = defaultdict(set)
    for number, names in enumerate(changed):
        for name in names:
            by_name[name].add(number)
    return [
        (each, frozenset(number for name in _around(each.names) for number in by_name.get(name, ())))
        for each in side.followed
    ]


def _around(names: frozenset[str]) -> frozenset[str]:
    """The names of a value and of all that it is inside of."""
    return names | {name.partition("[]")[0].partition(".")[0] for name in names}


def _known(reported: Reported) -> tuple[Counter[Key], Counter[Key]]:
    """What two versions of a function say the same of; nameless values have other numbers in each."""
    misuses = Counter[Key]()
    for (kind, symbol, place), count in reported.misuses.items():
        misuses[kind, symbol, "%" if place.startswith("%") else place] += count
    return reported.keys(), misuses


def shares(
    before: Side,
    after: Side,
    repairs: Sequence[tuple[Edit, ...]],
    edits: Sequence[Edit],
    reported: Callable[[Facts], Reported],
) -> Iterator[Share | None]:
    """The share of each repair of a function in a version that these edits made; None where it is not told apart."""
    was = [[(edit.start, edit.end) for edit in repair] for repair in repairs]
    now = [written(repair, edits) for repair in repairs]
    return iter(Shares(replace(before, places=was), replace(after, places=now), reported).all())
