"""Where a bound for a collection comes from: what its readers use, its siblings, names that state a limit."""

from __future__ import annotations

import re
from typing import Final

from repairbot.analyses.facts import Bound
from repairbot.analyses.roles import role_of
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Container, Event, Kind, Member
from repairbot.model import Step

_IN_SCOPE: Final = regex(r"self\.\w+|[A-Z][A-Z0-9_]*|\d+")
_GENERIC: Final = regex(r"self\._?(?:max_?(?:size|len|entries|items)|maxsize|maxlen|limit|capacity)")
_HARMLESS: Final = frozenset({"truth", "last"})


def bounds_of(container: Container, member: Member, grows: tuple[Event, ...]) -> tuple[Bound, ...]:
    """The bounds that the code names, the strongest source first."""
    found = [
        readers(member, grows),
        sibling(container, member, grows),
        argument(container, member),
        compared(member),
    ]
    return tuple(bound for bound in found if bound is not None)


def readers(member: Member, grows: tuple[Event, ...]) -> Bound | None:
    """Everybody who reads the list reads its last N."""
    depth = grows[0].depth
    reads = [event for event in member.of(Kind.READ) if event.depth == depth or (not depth and event.depth)]
    last = [event for event in reads if event.detail == "last"]
    if not last or any(event.how in ("setitem", "set empty") for event in grows):
        return None
    counted = False
    for event in reads:
        if event.depth > depth or event.detail in _HARMLESS:
            continue
        if event.detail == "key" and re.fullmatch(r"-\d+", event.argument):
            continue
        if event.detail == "len":
            counted = True
            continue
        return None
    if depth and any(event.depth < depth and not _keys_alone(event) for event in member.of(Kind.READ)):
        return None
    texts = {event.argument for event in last}
    if all(text.isdigit() for text in texts):
        text = max(texts, key=int)
    elif len(texts) == 1 and _IN_SCOPE.fullmatch(min(texts)):
        text = min(texts)
    else:
        return None
    where = next(event for event in last if event.argument == text)
    each = f" of each {grows[0].key}" if depth and grows[0].key else ""
    return Bound(text, "readers", Step(where.at.line, f"only the last {text}{each} are read"), not counted)


def _keys_alone(event: Event) -> bool:
    """Whether a read of a dict of lists looks at its keys, and at no list."""
    if event.detail in ("key", "truth", "len"):
        return True
    return event.how in ("list", "sorted", "tuple", "set", "keys", "max", "min")


def sibling(container: Container, member: Member, grows: tuple[Event, ...]) -> Bound | None:
    """Another member has a bound: one fed in the same method, or a history as this is one."""
    methods = {event.method for event in grows}
    made = member.of(Kind.INIT)[0].method
    history = role_of(member.name) == "history"
    found: list[Bound] = []
    for other in container.members.values():
        if other is member:
            continue
        limit = next((event for event in other.of(Kind.BOUND) if event.how == "deque"), None)
        if limit is None:
            continue
        everywhere = _IN_SCOPE.fullmatch(limit.argument) is not None
        if not everywhere and not (limit.method == made and re.fullmatch(r"\w+", limit.argument)):
            continue
        scope = "" if everywhere else made
        if methods & {event.method for event in other.of(Kind.GROW)}:
            note = f"{other.name}, fed beside it, keeps {limit.argument}"
            found.insert(0, Bound(limit.argument, "sibling", Step(limit.at.line, note), True, scope))
        elif history and role_of(other.name) == "history":
            note = f"its sibling {other.name} keeps {limit.argument}"
            found.append(Bound(limit.argument, "sibling", Step(limit.at.line, note), True, scope))
    return found[0] if found else None


def argument(container: Container, member: Member) -> Bound | None:
    """An attribute names the limit of this member."""
    stems = {word for word in re.split(r"_+", member.name.lower()) if len(word) > 3}
    for name, line in container.limits.items():
        words = set(re.split(r"_+", name.removeprefix("self.").lower()))
        if stems & words or stems & {word + "s" for word in words} or _GENERIC.fullmatch(name):
            return Bound(
                name,
                "argument",
                Step(line, f"{name} names a limit that nothing applies"),
                bool(stems & words),
            )
    return None


def compared(member: Member) -> Bound | None:
    """A length is compared, and nothing follows from it for the collection."""
    for event in member.of(Kind.BOUND):
        if event.how == "len" and _IN_SCOPE.fullmatch(event.argument):
            return Bound(
                event.argument,
                "length",
                Step(event.at.line, f"its length is compared with {event.argument}"),
                False,
            )
    return None
