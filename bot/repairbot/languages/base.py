"""What a language must bring: a front end (source to model) and a printer (intent to edits).

A language is a folder here, found by walking, whose package exposes `LANGUAGE: Language`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from repairbot.lazily import dataclass

if TYPE_CHECKING:  # the parent process knows languages by their suffixes alone and loads nothing of this
    from repairbot.lifetimes.intents import Refusal
    from repairbot.lifetimes.ops import Intent, Resource, Summary, Unit
    from repairbot.model import Check, Edit


Extents = Callable[[int], range]
"""The lines of the statement that a line belongs to; of a compound statement only those of its head."""


class Unreadable(Exception):
    """The file cannot be lowered; the message is one clear line for the user."""


@dataclass(frozen=True, slots=True)
class Project:
    """What is known of the other files: summaries and resource classes by dotted name ("pkg.mod.name").

    `asked`: the names in this file that others ask about; only of these are summaries made.
    """

    summaries: Mapping[str, Summary] = field(default_factory=dict)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()


class Frontend(Protocol):
    """Source to model."""

    def dismiss(self, source: bytes, resources: tuple[Resource, ...]) -> bool:
        """True when the bytes alone show that no rule can say anything (fast; may be False in doubt)."""
        ...

    def lower(self, source: bytes, path: str, resources: tuple[Resource, ...], project: Project) -> Unit:
        """Lower the whole file. Raises Unreadable on what does not parse."""
        ...

    def broken(self, source: bytes) -> str:
        """Why the source does not parse, in one line, or "" when it does. Stricter than `lower`."""
        ...


@runtime_checkable
class PartFrontend(Protocol):
    """A front end that can lower some functions alone: what a repair did not touch says the same as before."""

    def touched(self, source: bytes, places: tuple[tuple[int, int], ...]) -> frozenset[str] | None:
        """The symbols of the functions that hold these places whole; None where one stands outside of functions."""
        ...

    def heeded(self, source: bytes, symbols: frozenset[str]) -> frozenset[str] | None:
        """The symbols of the functions whose code has a say in what is said of these (these as well); None for any.

        But for those whose say is in Unit.heard.
        """
        ...

    def lower_part(
        self,
        base: Unit,
        source: bytes,
        resources: tuple[Resource, ...],
        project: Project,
        symbols: frozenset[str],
    ) -> Unit:
        """Lower of a version of a file (`base`) the functions of these symbols, and nothing of containers.

        Raises Unreadable.
        """
        ...


class Printer(Protocol):
    """Intent to edits. May import what is heavy; called only when something is to be written."""

    def write(self, source: bytes, intent: Intent) -> tuple[Edit, ...] | Refusal:
        """The edits that fulfil the intent, not overlapping, or why there are none."""
        ...

    def inspect(self, before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
        """The language's own rungs of the ladder: comments kept, names bound, compiler's word."""
        ...


@runtime_checkable
class NeighbourlyPrinter(Protocol):
    """A printer whose repairs of one function can all be taken: none declares a name that another one has in sight."""

    def write_beside(
        self, source: bytes, intent: Intent, others: Iterable[tuple[Edit, ...]]
    ) -> tuple[Edit, ...] | Refusal:
        """As `write`, with no name that one of these other repairs of the function declares."""
        ...


@runtime_checkable
class ForesightedPrinter(Protocol):
    """A printer whose rungs cost less for many repairs of one file when it is told of them all beforehand."""

    def foresee(self, before: bytes, repairs: Sequence[tuple[Edit, ...]]) -> tuple[int, ...]:
        """A number for each repair: those of one number, but ALONE, are not in each other's way in one version.

        They are going to be inspected, each alone or with some of the others of its number.
        """
        ...


@runtime_checkable
class SharingFrontend(PartFrontend, Protocol):
    """A front end that tells which repairs of one function may be looked at in one version of it."""

    def separable(self, source: bytes, repair: tuple[Edit, ...]) -> bool:
        """Whether a repair of a function only adds or takes away operations, and leaves control its ways."""
        ...


@runtime_checkable
class MemberFrontend(Protocol):
    """A front end that can lower what speaks of one member of a container: the rest says the same as before."""

    def speaking(
        self, source: bytes, symbol: str, variable: str, edits: tuple[Edit, ...]
    ) -> frozenset[str] | None:
        """The symbols of the functions that edits for the sake of a member change, and of those that speak of it.

        None where the edits speak of other members, or stand outside of functions, or what is said of the member is
        said of a function (`symbol`) that does not speak of it.
        """
        ...

    def asked(
        self, source: bytes, places: tuple[tuple[int, int], ...], heard: Iterable[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """What others heard (see Unit.heard) of the functions that hold these places."""
        ...

    def lower_members(
        self,
        base: Unit,
        source: bytes,
        resources: tuple[Resource, ...],
        project: Project,
        symbols: frozenset[str],
        asked: Sequence[tuple[int, int]],
    ) -> Unit:
        """Lower of a version of a file (`base`) the functions of these symbols, and of containers what they tell.

        Raises Unreadable.
        `asked`: what is to be told of functions in any case (see Unit.heard).
        """
        ...


ALONE = -1
"""The number of a repair that stands in no version with others of its function."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language: how its files are named, its comment sign, where its two sides are."""

    name: str
    suffixes: tuple[str, ...]
    comment: str
    load_frontend: str
    """Module path of the front end ("repairbot.languages.python.frontend"), exposing FRONTEND; imported on demand."""
    load_printer: str
    """Module path of the printer ("repairbot.languages.python.printer"), exposing PRINTER; imported on demand."""
    package: str = ""
    """The stem of the file that stands for its folder when modules are named ("__init__")."""
    tests: str = ""
    """A regular expression that finds test code, in "PATH SYMBOL": what leaks there ends with the run at the latest."""
    neighbourly: bool = False
    """Its printer is one: all repairs of a file that do not touch can be taken together (see NeighbourlyPrinter)."""
    load_extents: str = ""
    """Module path of a function `extents` (source in UTF-8 to Extents), "" where it is not told."""

    @property
    def frontend(self) -> Frontend:
        """The front end; loaded by the first process that reads source."""
        frontend: Frontend = importlib.import_module(self.load_frontend).FRONTEND
        return frontend

    def extents(self, source: bytes) -> Extents | None:
        """Tells the lines of the statements of a source, None where the language does not."""
        if not self.load_extents:
            return None
        found: Extents = importlib.import_module(self.load_extents).extents(source)
        return found
