"""What the analyses say, in the words that rules use. Facts, not verdicts: a rule decides what is a leak."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import (
    Container,
    Event,
    Function,
    Load,
    Member,
    Op,
    Registration,
    Resource,
    Unit,
)
from repairbot.model import Confidence, SafePattern, Span, Step


@dataclass(frozen=True, slots=True)
class Way:
    """One way out of a function on which a resource is still held.

    `kind`: return (also the function's end), error, overwritten, loop (acquired again in the next round).
    `steps`: the witness, from the acquisition to the exit, one step a line, short.
    """

    kind: Literal["return", "error", "overwritten", "loop"]
    at_line: int
    steps: tuple[Step, ...]
    exit: Span | None = None
    """The statement by which control leaves (a return, continue, break, raise), where there is one."""
    failing: Op | None = None
    """The operation that fails on this way, where it is the way of an error."""
    passes: Span | None = None
    """The type named by a handler that is too narrow to catch this error."""
    replaced: Span | None = None
    """The statement that puts another value in its place, where that is how it is lost."""
    inside: str = ""
    """What the value stands in by then: "list[]" (its elements), "self.buffer" (a member of a local)."""


Shape = Literal[
    "never",  # no release anywhere, and not owned elsewhere
    "nameless",  # made inside an expression, never named
    "early-exit",  # some normal exits release it and this one does not
    "error",  # released on every normal exit, not on an error
    "late",  # a cleanup exists, but fallible code stands between the acquisition and it
    "wrong-exit",  # released on errors only (or the mirror: released although it is returned)
    "overwritten",  # replaced by another value while held
    "context",  # a scope construct that ends something else
    "handler-misses",  # the cleanup handler does not catch every error
]


@dataclass(frozen=True, slots=True)
class Leak:
    """A resource held where a function ends.

    `ownership`: "sure" when this function releases it somewhere or nothing unknown saw it; "likely" otherwise.
    `place`: its name; "list[]" for what has become an element.
    `releases`: the releases of the same place in this function. `fallible`: operations that can fail between
    the acquisition and the first release.
    """

    shape: Shape
    function: str
    owner: str
    place: str
    resource: Resource
    acquired: Op
    ways: tuple[Way, ...]
    releases: tuple[Op, ...] = ()
    fallible: tuple[Op, ...] = ()
    escapes: tuple[Op, ...] = ()
    ownership: Literal["sure", "likely"] = "sure"
    confidence: Confidence = "high"
    asynchronous: bool = False
    """Stands in a coroutine, where a cancellation can come at every await."""
    moves: tuple[Op, ...] = ()
    """Where it becomes part of something else of this function, which is told apart."""
    holds: Leak | None = None
    """What it holds inside and leaves behind with itself: whoever releases it has to release that first."""
    shown: bool = False
    """Somebody unknown saw it, who may or may not own it now."""


@dataclass(frozen=True, slots=True)
class Misuse:
    """A double release, or a use after release: no repair may cause one."""

    kind: Literal["double-release", "use-after-release"]
    function: str
    place: str
    first: Op
    second: Op


@dataclass(frozen=True, slots=True)
class Followed:
    """What following one acquisition showed. `names`: every name that the value may have."""

    function: Function
    site: Op
    names: frozenset[str]
    leaks: tuple[Leak, ...] = ()
    misuses: tuple[Misuse, ...] = ()
    safe: SafePattern | None = None
    unknown: int = 0
    gave_up: bool = False


@dataclass(frozen=True, slots=True)
class Pairing:
    """Facts about acquire/release pairs in functions, and of members across the methods of a class."""

    leaks: tuple[Leak, ...] = ()
    misuses: tuple[Misuse, ...] = ()
    safe: tuple[SafePattern, ...] = ()
    members: tuple[Owned, ...] = ()
    unknown: int = 0
    """Values whose tracking stopped because it is not known who owns them."""
    given_up: tuple[Step, ...] = ()
    """Acquisitions whose paths were too many to follow."""
    followed: tuple[Followed, ...] = ()
    """What all this was told from."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A resource that an object made and keeps in a member.

    `releases`: in which methods it is released. `teardown`: the method where the release should stand, "" when
    the class has none. `forgotten`: a teardown exists (evidence: what else it releases) and never releases
    this. `overwritten`: events that replace it while it may be held.
    """

    container: Container
    member: Member
    resource: Resource
    made: Event
    releases: tuple[Event, ...]
    teardown: str
    forgotten: bool
    overwritten: tuple[Event, ...] = ()
    confidence: Confidence = "high"
    evidence: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound for a collection and where it comes from, strongest source first."""

    text: str
    source: Literal["readers", "sibling", "argument", "length", "configured"]
    evidence: Step
    safe: bool
    scope: str = ""
    """The method in which alone the bound has this name (a parameter of the constructor); "" for everywhere."""


@dataclass(frozen=True, slots=True)
class Growing:
    """A member or global that grows again and again.

    `removal`: "none", "partial" (some removal exists but misses a path, a key or a condition: `why`), "full".
    `kind`: what it is made as: list, dict, set, deque, defaultdict(list), heap... `key`: per-request, instance
    (objects or classes as keys or values), finite, unknown. `role`: history, cache, registry, builder, unknown.
    `deque_ok`: every use allows a deque; otherwise trim. `persisted`: saved and loaded, trimming loses data.
    """

    container: Container
    member: Member
    kind: str
    grows: tuple[Event, ...]
    removal: Literal["none", "partial", "full"]
    why: str = ""
    key: Literal["per-request", "instance", "finite", "unknown", ""] = ""
    role: Literal["history", "cache", "registry", "builder", "unknown"] = "unknown"
    bounds: tuple[Bound, ...] = ()
    deque_ok: bool = False
    persisted: bool = False
    weak: str = ""
    """The weak collection that fits (WeakValueDictionary, WeakKeyDictionary, WeakSet), or ""."""
    per_key: bool = False
    """The growth is inside an element (`self.x[k].append(v)`), so the bound is per key."""
    ends: Event | None = None
    """The last read of a key, in a method that is called when the key's owner goes."""
    shared: bool = False
    """Made in a class body: one for all instances."""
    confidence: Confidence = "medium"
    evidence: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class EmptyBucket:
    """A key that stays although its bucket was emptied."""

    container: Container
    member: Member
    emptied: Event
    key: str
    grows: tuple[Event, ...] = ()
    confidence: Confidence = "high"
    evidence: tuple[Step, ...] = ()
    listed: Event | None = None
    """Where all keys are counted or handed out, those of empty buckets among them."""


@dataclass(frozen=True, slots=True)
class Shared:
    """One collection for all, which each is taken to have for itself.

    `how`: "instances" (made in the class body, filled through self) or "augmented" (a local name for it gets
    `+=`, which changes the one that all see).
    """

    container: Container
    member: Member
    how: Literal["instances", "augmented"]
    made: Event
    grows: tuple[Event, ...]
    confidence: Confidence = "medium"
    evidence: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Growth:
    """Facts about collections. `channels`: members that are queues without a capacity."""

    growing: tuple[Growing, ...] = ()
    buckets: tuple[EmptyBucket, ...] = ()
    shared: tuple[Shared, ...] = ()
    channels: tuple[Growing, ...] = ()
    safe: tuple[SafePattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration and what is wrong with it.

    `problem`: dropped (the handle), never-removed (a teardown exists), overwritten (the handle, uncleared),
    mismatched (the removal names something else), duplicate (registered again and again), strong (it holds
    the object for ever), uncancelled (kept, but not cancelled in the teardown or before the next).
    """

    registration: Registration
    problem: Literal[
        "dropped", "never-removed", "overwritten", "mismatched", "duplicate", "strong", "uncancelled"
    ]
    steps: tuple[Step, ...]
    container: Container | None = None
    teardown: str = ""
    keeper: str = ""
    """A member in which this container already keeps such handles."""
    confidence: Confidence = "high"
    evidence: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Halfway:
    """A constructor or initialiser that can fail after it acquired something.

    `made`: the acquisitions that stay; `fails`: the operation that can fail.
    """

    function: str
    owner: str
    made: tuple[Op, ...]
    fails: Op
    teardown: str = ""
    confidence: Confidence = "high"
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one file when the rules run."""

    unit: Unit
    pairing: Pairing = Pairing()
    growth: Growth = Growth()
    registration: tuple[Registered, ...] = ()
    undone: tuple[SafePattern, ...] = ()
    """Listeners that are taken back at the end of their owner."""
    loading: tuple[Load, ...] = ()
    setup: tuple[Halfway, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)
