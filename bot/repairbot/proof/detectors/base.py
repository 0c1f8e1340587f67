"""What a detector is: it prepares a run and reads what the run left behind."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from repairbot.model import Frame, Leak, Point
from repairbot.proof.run import Ran

KIB: Final = 1024
PROBES: Final = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "probes")
"""Our own code that goes into the user's interpreters."""


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one thing in one run. `least`: growth in all that is none yet. `trace`: the line it is about."""

    what: str
    unit: str
    points: tuple[Point, ...]
    per: Literal["iteration", "second"]
    least: float = 0.0
    trace: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a detector saw in one run. `leaks` None: it was not at work there, so that nothing can be said."""

    leaks: tuple[Leak, ...] | None = None
    series: tuple[Series, ...] = ()
    notes: tuple[str, ...] = ()


class Detector(Protocol):
    """A module of this package: these names at its top level."""

    NAME: str
    ABOUT: str
    """One line for the help, with what it costs."""
    SUFFIXES: tuple[str, ...]
    """Of files that suggest it; empty: for anything."""
    ALWAYS: bool
    """Whether it is at work unless `--detector` names others: it costs next to nothing, or its language is seen."""

    def environment(self, given: Mapping[str, str], scratch: str) -> Mapping[str, str]:
        """What to set for the run."""
        ...

    def command(self, command: str, scratch: str) -> str:
        """The command as it is to be run. Raises ProofError where a tool is missing."""
        ...

    def read(self, ran: Ran) -> Seen:
        """What there is to see after the run."""
        ...


def located(path: str, top: str) -> str:
    """A path as findings have it where it lies below `top`, else as it is."""
    whole = os.path.realpath(os.path.join(top, path)) if not os.path.isabs(path) else os.path.realpath(path)
    return os.path.relpath(whole, top).replace(os.sep, "/") if whole.startswith(top + os.sep) else path


@dataclass(slots=True)
class Tally:
    """Leaks of one place put together."""

    held: dict[tuple[str, tuple[Frame, ...]], list[int]] = field(default_factory=dict)

    def add(self, what: str, trace: Iterable[Frame], count: int = 1, size: int = 0) -> None:
        """Count one more."""
        counts = self.held.setdefault((what, tuple(trace)), [0, 0])
        counts[0] += count
        counts[1] += size

    def leaks(self) -> tuple[Leak, ...]:
        """All that were counted, the largest first."""
        found = [Leak(what, count, size, trace) for (what, trace), (count, size) in self.held.items()]
        return tuple(sorted(found, key=lambda leak: (-leak.bytes, -leak.count)))


def own(trace: Sequence[Frame]) -> tuple[Frame, ...]:
    """The frames that lie in the project, or all where none does."""
    return tuple(frame for frame in trace if not os.path.isabs(frame.path)) or tuple(trace)
