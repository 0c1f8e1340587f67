"""Collections that grow again and again, and what keeps them from it.

Precision first: a collection is a fact only when something says that it grows with use (its readers, a bounded
sibling, keys made for a request, the method that feeds it) and that its owner lives long.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, Literal

from repairbot.analyses.bounds import bounds_of
from repairbot.analyses.buckets import buckets_of
from repairbot.analyses.facts import EmptyBucket, Growing, Growth, Shared
from repairbot.analyses.forms import channel, decorated, persisted
from repairbot.analyses.roles import (
    ENDINGS,
    EVENT_METHODS,
    LOADING,
    MANUAL,
    REGISTERING,
    SAVING,
    TRANSIENT,
    WAITERS,
    Role,
    key_kind,
    keys_of,
    rebuilt,
    role_of,
    snake,
)
from repairbot.analyses.shared import shared_by_all
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Container, Event, Kind, Member, Unit
from repairbot.model import Confidence, SafePattern

Removal = Literal["none", "partial", "full"]
_ORDERED: Final = frozenset({"append", "appendleft", "extend", "+="})
"""Growth that a deque takes as a list does."""
_LISTED: Final = frozenset(
    {"append", "appendleft", "extend", "extendleft", "insert", "add", "+=", "heappush", "update"}
)
_DEQUE_READS: Final = frozenset({"len", "truth", "iterate", "key"})
_TAKERS: Final = frozenset({"list", "tuple", "sorted", "sum", "min", "max", "any", "set", "reversed"})
"""Functions that take a deque as they take a list."""
_FEW: Final = 3
_WEAK_VALUE: Final = regex(r"^(?:\w+ = )?(?:[\w.]+\.)?[A-Z]\w*\(")
_LOCK_VALUE: Final = regex(r"^\w+ = (?:[\w.]+\.)?(?:R?Lock|\w*Semaphore|Condition)\(")


def analyse(unit: Unit) -> Growth:
    """What is known of the collections of one file."""
    growing: list[Growing] = []
    buckets: list[EmptyBucket] = []
    shared: list[Shared] = []
    channels: list[Growing] = []
    safe: list[SafePattern] = []
    for container in unit.containers:
        for member in container.members.values():
            if any(event.resource is not None for event in member.of(Kind.INIT)):
                continue
            if (one := shared_by_all(container, member)) is not None:
                shared.append(one)
            if (queue := channel(container, member)) is not None:
                channels.append(queue)
            if (found := _judge(container, member)) is None:
                continue
            if isinstance(found, SafePattern):
                safe.append(replace(found, path=unit.path))
                continue
            growing.append(found)
        emptied = {bucket.emptied.at for bucket in buckets}
        for bucket in buckets_of(container):
            if bucket.emptied.at not in emptied:  # a getter may stand for several members
                emptied.add(bucket.emptied.at)
                buckets.append(bucket)
    told = {(id(bucket.container), bucket.member.name) for bucket in buckets}
    told |= {(id(one.container), one.member.name) for one in shared}
    growing = [fact for fact in growing if (id(fact.container), fact.member.name) not in told]
    return Growth(tuple(growing), tuple(buckets), tuple(shared), tuple(channels), tuple(safe))


def _judge(container: Container, member: Member) -> Growing | SafePattern | None:
    """One member: growing, seen to be bounded, or nothing to say."""
    inits = member.of(Kind.INIT)
    made = next(
        (event for event in inits if event.detail not in ("none", "parameter", "call", "value")), None
    )
    if made is None:
        return None
    if made.detail == "cache":
        return decorated(container, member, made)
    if made.detail == "queue":
        return None
    shared = made.method == "" and container.kind == "class" and made.how != "field"
    all_grows = tuple(
        event
        for event in member.of(Kind.GROW)
        if event.repeats
        and event.how != "count"
        and not LOADING.match(snake(event.method.rpartition(".")[2]))
    )
    limit = next((event for event in member.of(Kind.BOUND) if event.how.startswith(("deque", "Weak"))), None)
    if limit is not None:
        if member.of(Kind.GROW):
            return _bounded(container, member, limit)
        return None
    if not all_grows or _injected(inits):
        return None
    if any(event.detail == "loaded" for event in inits):
        return persisted(container, member, all_grows)
    if not (grows := _main(all_grows)):
        return None
    removal, why, where = _removal(container, member, grows, shared)
    if removal == "full":
        return _removed(container, member, where)
    lives = "module" if shared else container.lives
    if lives in ("short", "local"):
        return None
    fact = Growing(
        container=container,
        member=member,
        kind=made.detail,
        grows=grows,
        removal=removal,
        why=why,
        key=keys_of(grows),
        role=_role(member, grows, conditional=container.this == "this"),
        bounds=bounds_of(container, member, grows),
        per_key=grows[0].depth > 0 and grows[0].how not in ("setitem", "set empty"),
        persisted=_saved(member) and role_of(member.name) != "cache",
        ends=_ends(member, grows) if removal == "none" else None,
        shared=shared,
        evidence=container.evidence,
    )
    fact = replace(fact, deque_ok=_deque_ok(fact, made), weak=_weak(fact))
    confidence = _confidence(fact, lives)
    return replace(fact, confidence=confidence) if confidence is not None else None


def _main(grows: tuple[Event, ...]) -> tuple[Event, ...]:
    """The growth that matters: lists that are added to, the deepest first; else the collection's own entries."""
    lists = [event for event in grows if event.how in _LISTED and (event.depth or event.how != "update")]
    depth = max((event.depth for event in lists), default=0)
    if depth:
        return tuple(event for event in lists if event.depth == depth)
    own = [event for event in grows if not event.depth]
    real = [event for event in own if event.how not in ("set empty", "setdefault")] or own
    return tuple(real) or tuple(event for event in grows if key_kind(event.detail, "") != "finite")


def _role(member: Member, grows: tuple[Event, ...], *, conditional: bool = False) -> Role:
    """What it is for: by its name, else by the look of "not there? make it and keep it"."""
    role = role_of(member.name)
    made = all("(" in event.argument or (conditional and event.conditional) for event in grows)
    if role != "unknown" or not made or any(event.how != "setitem" for event in grows):
        return role
    looked = {
        (event.method, event.key)
        for event in member.of(Kind.READ)
        if event.detail == "key" and not event.depth
    }
    return "cache" if all((event.method, event.key) in looked for event in grows) else role


def _saved(member: Member) -> bool:
    """Whether it is written out, or put back by what loads and read by what saves."""
    if any(event.detail == "saved" for event in member.of(Kind.READ)):
        return True
    filled = any(LOADING.match(snake(event.method)) for event in member.of(Kind.GROW, Kind.INIT))
    return filled and any(SAVING.match(snake(event.method)) for event in member.of(Kind.READ))


def _injected(inits: list[Event]) -> bool:
    """Whether somebody else may hold (and empty) the collection."""
    return any(event.detail == "parameter" for event in inits)


# What removes


def _removal(
    container: Container, member: Member, grows: tuple[Event, ...], shared: bool
) -> tuple[Removal, str, Event | None]:
    """none, partial (and why) or full (and where)."""
    depth = grows[0].depth
    methods = {event.method for event in grows}
    shrinks = [event for event in member.of(Kind.SHRINK, Kind.CLEAR) if event.depth <= depth]
    shrinks += rebuilt(member, methods)
    for event in member.of(Kind.BOUND):
        if event.how == "len" and (
            event.method in methods or any(event.method == other.method for other in shrinks)
        ):
            return "full", "", event
        if event.how in ("slice", "maxlen"):
            return "full", "", event
    if not shrinks:
        return "none", "", None
    if container.this == "self" and (wrong := _wrong_key(grows, shrinks)) is not None:
        return "partial", wrong, shrinks[0]
    paired = role_of(member.name) != "cache"
    for event in shrinks:
        if paired and event.key and event.how in ("pop", "del", "remove", "discard"):
            return "full", "", event
        if (
            event.method in methods
            or not MANUAL.match(snake(event.method.rpartition(".")[2]))
            or event.method in container.called
        ):
            return "full", "", event
    names = sorted({f"{event.method}()" for event in shrinks})
    return (
        "partial",
        f"only {', '.join(names[:_FEW])} empties it, and nothing in this file calls that",
        shrinks[0],
    )


def _wrong_key(grows: tuple[Event, ...], shrinks: list[Event]) -> str | None:
    """Put in under `x.id`, removed under `x`."""
    put = {event.key for event in grows if event.depth == 0 and event.how == "setitem" and "." in event.key}
    taken = [
        event for event in shrinks if event.depth == 0 and event.how in ("pop", "del", "remove", "discard")
    ]
    if (
        not put
        or not taken
        or len(taken) != len(shrinks) - sum(event.kind is Kind.CLEAR for event in shrinks)
    ):
        return None
    if len(put) != 1:
        return None
    key = next(iter(put))
    root = key.rpartition(".")[0]
    if all(event.key == root for event in taken):
        return f"it is filled under {key} and emptied under {root}, which is never a key"
    return None


def _names(method: str, key: str) -> bool:
    """Whether an ending speaks of the key ("spider_closed", "closed") and not of something else ("test_done")."""
    words = [word for word in method.strip("_").split("_")[:-1] if word not in ("on", "handle", "async")]
    return not words or any(word.startswith(key[:4]) or key.startswith(word[:4]) for word in words)


def _ends(member: Member, grows: tuple[Event, ...]) -> Event | None:
    """A read by key in a method that is called when the key's owner goes."""
    keys = {event.key for event in grows if event.key}
    if not keys:
        return None
    for event in reversed(member.of(Kind.READ)):
        if (
            event.key in keys
            and event.depth <= 1
            and ENDINGS.match(snake(event.method))
            and _names(event.method, event.key)
            and re.fullmatch(r"\w+", event.key)
        ):
            return event
    return None


# What is worth a word


def _confidence(fact: Growing, lives: str) -> Confidence | None:
    """How sure it is that this grows with use; None when nothing says so."""
    long = lives in ("long", "module")
    sources = {bound.source for bound in fact.bounds}
    if fact.removal == "partial" and fact.why.startswith("it is filled"):
        return "high" if long else "medium"
    if fact.ends is not None and fact.key in ("instance", "per-request", "unknown"):
        return "high" if long else "medium"
    if "readers" in sources:
        return "high" if long else "medium"
    if _paired(fact) or _unread(fact):
        return "high" if long else "medium"
    listed = fact.kind in ("list", "deque") or fact.per_key
    if not long:
        return "medium" if of_threads(fact.grows) else None
    if listed and fact.role == "history":
        for bound in fact.bounds:
            if bound.source == "sibling":
                return "high" if "beside" in bound.evidence.note else "medium"
    return _by_role(fact, listed)


def _paired(fact: Growing) -> bool:
    """Whether a sibling is filled under the same key in the same method, and that one is emptied key by key."""
    if fact.container.this != "this" or fact.removal != "none" or fact.key == "finite":
        return False
    keys = {(event.method, event.key) for event in fact.grows if event.key and event.how == "setitem"}
    for other in fact.container.members.values():
        if other is fact.member:
            continue
        same = any(
            (event.method, event.key) in keys for event in other.of(Kind.GROW) if event.how == "setitem"
        )
        if same and any(event.key and event.how in ("del", "discard") for event in other.of(Kind.SHRINK)):
            return True
    return False


def _unread(fact: Growing) -> bool:
    """Whether a private collection is filled and nothing ever looks at it."""
    private = fact.container.this == "this" and fact.member.name.startswith(("_", "#"))
    return private and all(event.kind in (Kind.INIT, Kind.GROW) for event in fact.member.events)


def _ident(fact: Growing) -> bool:
    """Keyed by thread, by address or by a count: keys that are made anew for ever."""
    return any(re.search(r"ident\(\)$|^id\(", event.key) or event.detail == "anew" for event in fact.grows)


def of_threads(grows: tuple[Event, ...]) -> bool:
    """Keyed by thread: each entry belongs to one that may still run."""
    return any(re.search(r"ident\(\)$|current_thread\(\)$", event.key) for event in grows)


def _by_role(fact: Growing, listed: bool) -> Confidence | None:
    methods = [snake(event.method.rpartition(".")[2]) for event in fact.grows]
    event_like = any(EVENT_METHODS.match(name) for name in methods)
    registering = all(REGISTERING.match(name) for name in methods)
    module = fact.container.kind == "module" or fact.shared
    if _ident(fact):
        return "high" if fact.removal == "none" else "medium"
    if WAITERS.search(snake(fact.member.name)) and fact.removal == "none" and not registering:
        return "medium"
    if module and fact.key == "instance" and fact.removal == "none" and not listed and not registering:
        return "medium"
    if fact.role == "registry":
        return "low" if fact.removal == "none" and fact.key == "per-request" else None
    if fact.role == "history" and listed:
        if module and not event_like:
            return "low"
        return "medium" if event_like and not registering else "low"
    if role_of(fact.member.name) == "cache" and not listed and fact.key != "finite":
        return "medium" if not registering else "low"
    if fact.weak and fact.role == "cache":
        return "medium"  # locks that their users hold, or objects as others here hold weakly
    left = fact.removal == "none" or (fact.removal == "partial" and fact.container.this == "this")
    passing = fact.key == "instance" or any(TRANSIENT.search(snake(event.key)) for event in fact.grows)
    if passing and fact.key in ("per-request", "instance") and left and not registering:
        return "medium"
    return "low" if fact.removal == "none" and event_like else None


def _deque_ok(fact: Growing, made: Event) -> bool:
    """Whether every use of a list is one that a deque knows, too."""
    if fact.kind == "deque":
        return not fact.per_key
    if fact.kind == "defaultdict(list)" and fact.per_key and fact.grows[0].depth == 1:
        return _buckets_may_be_deques(fact)
    if fact.kind != "list" or fact.per_key or made.argument == "filled" or made.how == "field":
        return False
    if any(event.how not in _ORDERED for event in fact.member.of(Kind.GROW)):
        return False
    if (
        any(event.detail != "list" for event in fact.member.of(Kind.INIT))
        or len(fact.member.of(Kind.INIT)) > 1
    ):
        return False
    if not all(event.depth or _known_to_deques(event) for event in fact.member.of(Kind.READ)):
        return False
    return not any(
        event.how in ("replace", "slice", "sort") for event in fact.member.of(Kind.SHRINK, Kind.CLEAR)
    )


def _known_to_deques(read: Event) -> bool:
    """Whether a deque can be read like this."""
    return read.detail in _DEQUE_READS or (read.detail == "all" and read.how in _TAKERS)


def _buckets_may_be_deques(fact: Growing) -> bool:
    """Whether every use of the lists in a defaultdict is one that a deque knows, too."""
    if any(
        event.depth == 1 and event.how not in _ORDERED for event in fact.member.of(Kind.GROW, Kind.SHRINK)
    ):
        return False
    for event in fact.member.of(Kind.READ):
        if event.depth == 0 and (
            event.detail not in ("key", "truth", "len") and event.how not in ("list", "keys")
        ):
            return False
        if event.depth == 1 and not _known_to_deques(event):
            return False
    return len(fact.member.of(Kind.INIT)) == 1


def _weak(fact: Growing) -> str:
    """The weak collection that fits, "" for none."""
    if fact.kind != "dict" or fact.per_key or any(event.how != "setitem" for event in fact.grows):
        return ""
    values = [event.argument for event in fact.grows]
    if all(_LOCK_VALUE.match(value) for value in values):
        return "WeakValueDictionary"
    siblings = [other for other in fact.container.members.values() if other is not fact.member]
    kept = any(e.how == "WeakValueDictionary" for other in siblings for e in other.of(Kind.BOUND))
    if kept and all(_WEAK_VALUE.match(value) for value in values):
        return "WeakValueDictionary"
    constants = all(re.fullmatch(r"True|False|None|\d+", value) for value in values)
    classes = all(
        event.key in ("cls", "klass", "class_", "type(self)", "self.__class__") for event in fact.grows
    )
    return "WeakKeyDictionary" if classes and constants else ""


# What was looked at and is right


def _bounded(container: Container, member: Member, limit: Event) -> SafePattern:
    if limit.how.startswith("Weak"):
        reason = f"a {limit.how}: entries go with the last user of what they hold"
    else:
        reason = f"deque with maxlen={limit.argument}"
    return SafePattern("", limit.at.line, container.name, f"{member.name} is bounded", reason)


def _removed(container: Container, member: Member, where: Event | None) -> SafePattern | None:
    if where is None or container.lives not in ("long", "module"):
        return None
    line = where.at.line
    doing = "its length is checked" if where.kind is Kind.BOUND else f"{where.how} in {where.method}()"
    return SafePattern("", line, container.name, f"{member.name} is emptied", f"{doing}, line {line}")
