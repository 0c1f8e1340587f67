"""Constructors and initialisers that fail half way and keep the first half.

When a constructor raises, nobody gets the object, so nobody can close what it already holds.
"""

from __future__ import annotations

from repairbot.analyses.facts import Halfway, Way
from repairbot.analyses.graph import Graph
from repairbot.analyses.tracking import Track, follow, is_constructor, sites, stored
from repairbot.lifetimes.ops import UNLIKELY, Container, Function, Kind, Op, Unit
from repairbot.model import Confidence, Step

_IO = frozenset(
    {
        "accept", "authenticate", "exec", "bind", "connect", "connect_ex", "execute", "fork", "handshake", "listen",
        "login", "open", "recv", "register", "run", "send", "sendall", "setup", "spawn", "start", "wait",
    }
)  # fmt: skip
"""Names of callees that meet the outside world and so do fail."""


def analyse(unit: Unit) -> tuple[Halfway, ...]:
    """One fact for each constructor that can fail after it acquired something."""
    containers = {container.name: container for container in unit.containers}
    found: list[Halfway] = []
    for function in unit.functions:
        # In Zig a function of such a name is a method like others: its front end tells those that nobody ends.
        if unit.language != "zig" and is_constructor(function):
            fact = _halfway(function, containers.get(function.owner))
            if fact is not None:
                found.append(fact)
    return tuple(found)


def _halfway(function: Function, container: Container | None) -> Halfway | None:
    graph = Graph(function)
    tracks = [follow(graph, site, keeps_stored=True) for site in sites(function)]
    held = [track for track in tracks if track.ways and not track.gave_up and stored(track)]
    failures = [
        (way, way.failing)
        for track in held
        for way in track.ways
        if way.kind == "error" and way.failing and not _hardly(track, way.failing)
    ]
    if not failures:
        return None
    way, fails = max(failures, key=lambda pair: (_weight(pair[1]), -pair[0].at_line))
    made = tuple(track.site for track in held if any(other.at_line == way.at_line for other in track.ways))
    return Halfway(
        function.symbol,
        function.owner,
        made,
        fails,
        container.teardowns[0] if container and container.teardowns else "",
        _confidence(made, fails),
        _steps(made, way),
    )


def _hardly(track: Track, op: Op) -> bool:
    """Whether something that lives by its events meets a step that nobody expects to fail."""
    resource = track.site.resource
    return resource is not None and resource.events and op.value == UNLIKELY and not _weight(op)


def _weight(op: Op) -> int:
    """How likely an operation is to fail: explicit ones, then those that meet the outside world."""
    if op.kind is Kind.CALL and op.detail == "raise":
        return 3
    if op.kind is Kind.ACQUIRE:
        return 2
    return 1 if op.detail.rpartition(".")[2].strip("()") in _IO else 0


def _confidence(made: tuple[Op, ...], fails: Op) -> Confidence:
    lasting = any(op.resource is not None and not op.resource.collected for op in made)
    weight = _weight(fails)
    if lasting:
        return "high" if weight else "medium"
    return ("low", "medium", "medium", "medium")[weight]


def _steps(made: tuple[Op, ...], way: Way) -> tuple[Step, ...]:
    acquired = [Step(op.at.line, f"{op.place} acquired") for op in made]
    return (*acquired, *way.steps[1:])
