"""Keys that stay when their bucket is empty."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.analyses.facts import EmptyBucket
from repairbot.analyses.roles import MANUAL, key_kind, rebuilt, snake
from repairbot.lifetimes.ops import Container, Event, Kind, Member
from repairbot.model import Confidence

_SEQUENCES = frozenset({"list", "deque", "queue"})


def buckets_of(container: Container) -> Iterator[EmptyBucket]:
    """Keys that stay when their bucket is empty."""
    for member in container.members.values():
        shared = any(event.how != "field" and not event.method for event in member.of(Kind.INIT))
        short = container.lives in ("short", "local") and not shared
        found = _bucket(container, member)
        if found is not None and (not short or found.confidence == "medium"):
            yield found


def _bucket(container: Container, member: Member) -> EmptyBucket | None:
    fills = [
        e
        for e in member.of(Kind.GROW)
        if e.depth and e.repeats and e.how in ("add", "append", "setitem", "appendleft")
    ]
    if not fills:
        return None
    if any(event.detail in _SEQUENCES for event in member.of(Kind.INIT)):
        return None  # a place in a sequence is no key: taking it out would move all behind it
    depth = max(event.depth for event in fills)
    fills = [event for event in fills if event.depth == depth]
    if all(key_kind(event.key, "") == "finite" for event in fills):
        return None
    shrinks = member.of(Kind.SHRINK, Kind.CLEAR)
    above = [event for event in shrinks if event.depth < depth]
    resets = rebuilt(member)
    for event in shrinks:
        if event.depth != depth or event.how not in ("remove", "discard", "pop", "-=", "popleft", "del"):
            continue
        swept = event.alias and bool(re.fullmatch(r"\w+", event.target)) and _walked(member, event)
        if any(other.method == event.method for other in above) or resets:
            continue
        if above and not swept:
            continue
        if not swept and event.how in ("pop", "popleft", "del"):
            continue
        if event.how == "del" or not event.method or MANUAL.match(snake(event.method)):
            continue
        if any(fill.method == event.method for fill in fills):
            continue  # one goes and another comes: the bucket is not emptied
        key = event.key or fills[0].key
        confidence: Confidence = "medium" if container.lives in ("long", "module") or swept else "low"
        return EmptyBucket(
            container,
            member,
            event,
            key,
            tuple(fills),
            confidence,
            container.evidence,
            next((read for read in member.of(Kind.READ) if _lists(read)), None),
        )
    return None


def _lists(read: Event) -> bool:
    """Whether keys of empty buckets make a difference to a reader."""
    return read.depth == 0 and read.detail in ("all", "escape", "len") and bool(read.method)


def _walked(member: Member, event: Event) -> bool:
    """Whether the bucket is reached by walking over all of them."""
    return any(
        read.detail == "iterate"
        and read.method == event.method
        and read.depth == event.depth - 1
        and read.at.start <= event.at.start < read.at.end
        for read in member.of(Kind.READ)
    )
