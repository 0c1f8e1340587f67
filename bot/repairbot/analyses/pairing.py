"""Acquire and release: what is held where a function ends, and what an object keeps and forgets.

A resource held at a way out is a leak, and the path is its witness. Whoever is told of the value (returned,
stored, passed on) may own it: then this analysis is silent about it from there on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from repairbot.analyses.facts import Followed, Leak, Misuse, Pairing, Shape, Way
from repairbot.analyses.graph import Graph
from repairbot.analyses.members import certain, kept, owned
from repairbot.analyses.tracking import Track, follow, is_constructor, name_of, sites, stored
from repairbot.lifetimes.ops import UNLIKELY, Function, Kind, Unit
from repairbot.model import Confidence, SafePattern, Step


def analyse(unit: Unit) -> Pairing:
    """The facts of one file. Reads the model alone."""
    return told(unit, [each for function in unit.functions for each in _followed(unit, function)])


def told(unit: Unit, followed: Sequence[Followed]) -> Pairing:
    """The facts of one file, as far as they follow from these acquisitions of its functions."""
    members = tuple(item for container in unit.containers for item in owned(container))
    safe = [each.safe for each in followed if each.safe is not None]
    safe.extend(pattern for container in unit.containers for pattern in kept(container))
    return Pairing(
        tuple(_wholes([_weighed(unit, leak) for each in followed for leak in each.leaks])),
        tuple(misuse for each in followed for misuse in each.misuses),
        tuple(safe),
        members,
        sum(each.unknown for each in followed),
        tuple(_given_up(each) for each in followed if each.gave_up),
        tuple(followed),
    )


def _given_up(each: Followed) -> Step:
    why = f"{each.function.symbol} has too many paths; {each.site.place} was not followed"
    return Step(each.site.at.line, why)


def _followed(unit: Unit, function: Function) -> Iterator[Followed]:
    graph = Graph(function)
    for site in sites(function):
        if "." in site.place:
            continue  # an object keeps it: see members and setup
        track = follow(graph, site)
        names, unknown = graph.aliases(site.place), len(track.unknown)
        if track.gave_up:
            yield Followed(function, site, names, unknown=unknown, gave_up=True)
            continue
        found = _leaks(graph, track)
        safe = None if found else _safe(unit, graph, track)
        leaks = tuple(leak for leak in found if not _told_elsewhere(function, track, leak))
        yield Followed(function, site, names, leaks, tuple(_misuses(function, track)), safe, unknown)


def _told_elsewhere(function: Function, track: Track, leak: Leak) -> bool:
    """A program that ends by this error; or the object keeps it, and its constructor fails: see setup."""
    if leak.shape != "error":
        return False
    return function.symbol == "<module>" or (is_constructor(function) and stored(track))


def _weighed(unit: Unit, leak: Leak) -> Leak:
    """In a file that cleans up after no error, what stands inside of something else is hardly worth a word."""
    if leak.shape != "error" or not leak.ways[0].inside:
        return leak
    heedless = any(function.heedless for function in unit.functions if function.symbol == leak.function)
    return replace(leak, confidence="low") if heedless else leak


def _wholes(leaks: list[Leak]) -> list[Leak]:
    """What stands in something that leaks as well is told with it, once."""
    inside: dict[tuple[str, str], Leak] = {}
    places = {(leak.function, leak.place) for leak in leaks}
    kept: list[Leak] = []
    for leak in leaks:
        whole = (leak.function, leak.place.removesuffix("[]").partition(".")[0])
        if leak.acquired.place != leak.place and leak.ways[0].inside and whole in places:
            inside.setdefault(whole, leak)
        else:
            kept.append(leak)
    return [replace(leak, holds=inside.get((leak.function, leak.place))) for leak in kept]


def _misuses(function: Function, track: Track) -> list[Misuse]:
    place, symbol = track.site.place, function.symbol
    twice = [Misuse("double-release", symbol, place, first, second) for first, second in track.double]
    late = [Misuse("use-after-release", symbol, place, first, second) for first, second in track.after]
    return list(dict.fromkeys([*twice, *late]))


def _leaks(graph: Graph, track: Track) -> list[Leak]:
    """While it has a place of its own, a release can name it; what went into something else by then is another leak."""
    wide = tuple(way for way in track.ways if way.passes is None)
    ways = wide or tuple(track.ways)
    ways = tuple(way for way in ways if not _unlikely(way)) or ways
    direct = tuple(way for way in ways if not way.inside)
    inside = tuple(way for way in ways if way.inside)
    function = graph.function
    first = _leak(function, track, name_of(graph, track.site.place), direct)
    second = _leak(function, track, inside[0].inside if inside else "", inside)
    if first is not None and second is not None:
        second = replace(second, confidence="low")
    return [leak for leak in (first, second) if leak is not None]


def _leak(function: Function, track: Track, place: str, ways: tuple[Way, ...]) -> Leak | None:
    if not ways or track.site.resource is None:
        return None
    shape = _shape(track, place, ways)
    if not track.site.resource.acquire and shape != "handler-misses":
        return None  # all that is known of it is that a handler releases it
    if shape == "nameless" and track.escapes:
        return None  # somebody gets it in the same expression: a name would not tell who releases it
    ways = tuple(_completed(way, track) for way in ways)
    return Leak(
        shape,
        function.symbol,
        function.owner,
        place,
        track.site.resource,
        track.site,
        ways,
        tuple(track.releases),
        tuple(track.fallible),
        tuple(track.escapes),
        "sure" if track.releases or not (track.escapes or track.unknown) else "likely",
        _confidence(function, track, shape, ways),
        function.asynchronous,
        moves=tuple(track.moves) if not ways[0].inside else (),
        shown=track.shown,
    )


def _shape(track: Track, place: str, ways: tuple[Way, ...]) -> Shape:
    """Which of the ten pictures this is; the clearest one first."""
    if track.site.detail == "scope" and track.site.resource and track.site.resource.scope != "releases":
        return "context"
    kinds = {way.kind for way in ways}
    if place.startswith("%"):
        lasting = track.site.resource is not None and not track.site.resource.collected
        moved = bool(track.escapes or track.releases or track.moves)
        return "error" if lasting and moved and kinds == {"error"} else "nameless"
    if all(way.passes is not None for way in ways):
        return "handler-misses"
    owned_elsewhere = bool(track.escapes or track.moves)
    if not track.releases and not owned_elsewhere:
        return "overwritten" if kinds == {"overwritten"} else "never"
    if kinds == {"error"}:
        return "late" if _is_late(track, ways) else "error"
    if "return" in kinds:
        only_on_errors = track.releases and not track.released_normally
        return "wrong-exit" if only_on_errors else "early-exit"
    if kinds & {"overwritten", "loop"}:
        return "overwritten"
    return "error"


def _is_late(track: Track, ways: tuple[Way, ...]) -> bool:
    """The cleanup runs on every way out, but begins below something that can fail."""
    cleanup = [op for op in track.releases if op.cleanup]
    if not cleanup or len(cleanup) < len(track.releases):
        return False
    return track.released_normally and track.released_failing


def _completed(way: Way, track: Track) -> Way:
    """The witness with the release that this way never reaches."""
    if way.kind != "error" or way.failing is None:
        return way
    missed = [op for op in track.releases if op.at.line > way.at_line]
    if not missed:
        return way
    step = Step(missed[0].at.line, "never reached then")
    return replace(way, steps=(*way.steps, step))


def _unlikely(way: Way) -> bool:
    """Whether what fails on this way is a call that nobody expects to."""
    return way.kind == "error" and way.failing is not None and way.failing.value == UNLIKELY


def _confidence(function: Function, track: Track, shape: Shape, ways: tuple[Way, ...]) -> Confidence:
    """How sure it is that the value is this function's to release on these ways, and that it matters."""
    resource = track.site.resource
    passing = resource is not None and resource.severity == "low" and resource.collected
    """It ends with its last reference, and holds little until then."""
    if shape in ("never", "nameless", "context", "overwritten", "early-exit", "wrong-exit") and (
        passing or track.shown
    ):
        return "low"
    if resource is not None and resource.unscoped and not function.asynchronous and not track.releases:
        return "low"
    if shape in ("error", "late") and ways and all(_unlikely(way) for way in ways):
        return "low"
    if shape == "error" and function.heedless and track.site.place.startswith("%"):
        return "low"
    if shape in ("never", "error", "late", "handler-misses") and function.symbol == "main":
        return "low"  # the program ends there
    if shape in ("never", "nameless") and function.symbol == "<module>":
        return "low"  # as long as the import, and then the collector comes
    if shape in ("never", "nameless", "context"):
        return "medium" if track.unknown else "high"
    if track.releases:
        return "high" if track.released_normally or not track.unknown else "medium"
    lasting = resource is not None and (resource.severity == "high" or not resource.collected)
    if shape in ("error", "overwritten"):
        # Nobody else has the value yet; the runtime may still collect it, unless the error keeps it alive.
        return "medium" if lasting else "low"
    return "medium" if all(op.detail == "returned" for op in track.escapes) else "low"


def _safe(unit: Unit, graph: Graph, track: Track) -> SafePattern | None:
    """A pair that is right on every path, or a value that its next owner has for certain; with the reason."""
    if track.unknown or track.ways:
        return None
    why = _owner(unit, graph.function, track) if track.escapes else _why(track)
    if not why:
        return None
    name = name_of(graph, track.site.place)
    return SafePattern(unit.path, track.site.at.line, graph.function.symbol, name, why)


def _owner(unit: Unit, function: Function, track: Track) -> str:
    """Who has a value that no collector would come for: the caller, or a member that its object's teardown releases."""
    resource = track.site.resource
    if resource is None or resource.collected or track.site.place.startswith("%"):
        return ""
    last, released = track.escapes[-1], {op.at for op in track.releases}
    if any(op.detail != last.detail for op in track.escapes):
        return ""
    place = track.site.place
    if any(
        op.kind is Kind.RELEASE and op.place == place and op.at not in released
        for block in function.blocks
        for op in block.ops
    ):
        return ""  # lent to the next owner alone
    failing = f"; released at line {track.releases[0].at.line} on the other paths" if track.releases else ""
    lines = ", ".join(str(line) for line in sorted({op.at.line for op in track.escapes}))
    if last.detail == "returned":
        return f"handed to the caller at line {lines}{failing}"
    if last.detail == "kept" and last.other == "emptied":
        return f"emptied at line {lines}, where its items go on as a slice{failing}"
    if last.detail == "stored" and len({op.other for op in track.escapes}) == 1:
        head, _, member = last.other.partition(".")
        if member and head == next(iter(function.parameters), ""):
            why = certain(unit.containers, function.owner, member)
            return f"kept in {last.other} at line {lines}, {why}{failing}" if why else ""
    return ""


def _why(track: Track) -> str:
    if not track.releases:
        return ""
    release = track.releases[0]
    if release.detail == "scope":
        return f"held by a scope that ends at line {release.at.end_line}"
    if release.cleanup:
        return f"released in cleanup code at line {release.at.line}, on every path"
    lines = ", ".join(str(line) for line in sorted({op.at.line for op in track.releases}))
    return f"released on every path (line {lines})"
