"""Resources that an object makes and keeps in a member: who releases them, and who forgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from repairbot.analyses.facts import Owned
from repairbot.analyses.roles import snake
from repairbot.lazily import regex
from repairbot.lifetimes.ops import OTHER_BRANCH, Container, Event, Kind, Member, Resource
from repairbot.model import Confidence, SafePattern, Step

_ONCE = frozenset(
    {
        "", "__init__", "__post_init__", "__new__", "__enter__", "__aenter__", "open", "start", "run", "connect",
        "setup", "setUp", "asyncSetUp", "setUpClass",
        "setup_method", "setup_class", "init", "initialize", "begin", "launch", "prepare", "constructor", "ngOnInit",
        "ngAfterViewInit", "componentDidMount", "connectedCallback", "activate", "mounted", "created", "mount", "onAdd",
        "initialise",
    }
)  # fmt: skip
"""Methods that run once in an object's life, or in turn with its teardown."""
_SETS_UP = regex(r"_*(?:init|setup|set_up|initiali[sz]e)(?:_|[A-Z])")
"""The beginnings of names of such methods."""
_WEAK = frozenset({"stop", "end", "release", "detach", "cleanup", "cleanUp", "deactivate", "unload"})
"""Methods of these names may end something else than the object."""
_RETURNED = frozenset({"escape", "returned", "passed"})


def owned(container: Container) -> Iterator[Owned]:
    """One fact for each member that this container makes from a known resource."""
    if container.kind == "module":
        return
    released = _released(container)
    for member in container.members.values():
        made = [event for event in member.of(Kind.INIT) if event.resource is not None]
        if not made or made[0].resource is None:
            continue
        releases = tuple(member.of(Kind.RELEASE))
        teardown = _teardown(container, released)
        apart = _apart(container, made, releases)
        forgotten = bool(teardown) and (not releases or apart) and not _elsewhere(member, made[0].resource)
        evidence = tuple(
            Step(event.at.line, f"{teardown}() releases {name} and not this")
            for name, event in released.get(teardown, [])
            if name != member.name
        )
        confidence = _confidence(member, made, bool(evidence), teardown)
        if container.this == "this" and teardown in _WEAK and not evidence and made[0].resource.collected:
            confidence = "low"
        if apart:
            confidence = "medium" if confidence == "high" else confidence
            note = f"{releases[0].method}() releases it, which {teardown}() does not call"
            evidence = (Step(releases[0].at.line, note), *evidence)
        yield Owned(
            container,
            member,
            made[0].resource,
            made[0],
            releases,
            teardown,
            forgotten,
            tuple(_overwriting(container, member, made)),
            confidence,
            evidence[:3]
            or (
                (Step(container.methods[teardown].line, f"{teardown}() is the teardown"),)
                if teardown in container.methods
                else ()
            ),
        )


def kept(container: Container) -> Iterator[SafePattern]:
    """The members that the teardown releases whatever happens, each with the front end's reason."""
    for member in container.members.values():
        released = next((event for event in member.of(Kind.RELEASE) if event.certain), None)
        if released is not None:
            at = next((event.at for event in member.of(Kind.INIT)), released.at)
            yield SafePattern("", at.line, container.name, member.name, released.certain)


def certain(containers: Iterable[Container], owner: str, name: str) -> str:
    """Why a member of an object is released for certain, "" where that is not known."""
    members = (container.members.get(name) for container in containers if container.name == owner)
    released = (event for member in members if member is not None for event in member.of(Kind.RELEASE))
    return next((event.certain for event in released if event.certain), "")


def _apart(container: Container, made: list[Event], releases: tuple[Event, ...]) -> bool:
    """Whether it is released only in methods that the teardown does not reach, and not where it was just made."""
    if not releases or any(event.method not in container.apart for event in releases):
        return False
    return not any(
        event.method == release.method
        and event.at.start < release.at.start
        and release.detail != OTHER_BRANCH
        for event in made
        for release in releases
    )


def _released(container: Container) -> dict[str, list[tuple[str, Event]]]:
    """By method, what it releases."""
    found: dict[str, list[tuple[str, Event]]] = {}
    for member in container.members.values():
        for event in member.of(Kind.RELEASE):
            found.setdefault(event.method, []).append((member.name, event))
    return found


def _teardown(container: Container, released: dict[str, list[tuple[str, Event]]]) -> str:
    """The method where a release should stand: one that already releases, else the strongest there is."""
    for name in container.teardowns:
        if name in released:
            return name
    return container.teardowns[0] if container.teardowns else ""


def _elsewhere(member: Member, resource: Resource) -> bool:
    """The member goes to somebody who may release it."""
    return any(
        event.kind in (Kind.ESCAPE, Kind.UNKNOWN, Kind.MOVE)
        or (event.kind is Kind.READ and event.detail in _RETURNED and not _lent(event, resource))
        for event in member.events
    )


def _lent(event: Event, resource: Resource) -> bool:
    """Passed to a callee that is known to give it back ("os.write", ".register")."""
    callee = event.how.removeprefix("passed to ")
    return callee in resource.borrows or "." + callee.rpartition(".")[2] in resource.borrows


def _confidence(member: Member, made: list[Event], siblings: bool, teardown: str) -> Confidence:
    """Low when somebody else may have made the value (then it is not this object's to release), and when the
    teardown is one by a private name alone."""
    if any(event.resource is None and event.detail not in ("", "none") for event in member.of(Kind.INIT)):
        return "low"
    if all(
        event.resource and event.resource.severity == "low" and event.resource.collected for event in made
    ):
        return "low"
    if siblings:
        return "high"
    return "low" if teardown.startswith("_") and not teardown.endswith("__") else "medium"


def _overwriting(container: Container, member: Member, made: list[Event]) -> Iterator[Event]:
    """The events that replace the value while it may be held."""
    if made[0].resource is None or _elsewhere(member, made[0].resource):
        return
    for event in made:
        if (
            not event.repeats
            or event.conditional
            or snake(event.method).lstrip("_").removeprefix("do_") in _ONCE
            or event.method in _ONCE
            or _SETS_UP.match(event.method)
            or _paired(container, event.method)
        ):
            continue
        others = [other for other in member.events if other.method == event.method and other is not event]
        if any(other.kind is Kind.RELEASE or _looked_at(other, event) for other in others):
            continue  # released, moved away or looked at before: somebody thought of it
        yield event


_PAIRS = {
    "start": "stop",
    "open": "close",
    "connect": "disconnect",
    "begin": "end",
    "enter": "exit",
    "enable": "disable",
}


def _paired(container: Container, method: str) -> bool:
    """A method whose name has a counterpart in the class: they are called in turn."""
    bare = method.lstrip("_")
    head = next((word for word in _PAIRS if bare.startswith(word)), "")
    return bool(head) and any(
        other.lstrip("_") == _PAIRS[head] + bare[len(head) :] for other in container.methods
    )


def _looked_at(other: Event, event: Event) -> bool:
    """Whether another event of the method looks at the old value before it is replaced."""
    before = (other.at.line, other.at.start) <= (event.at.line, event.at.start)
    return before and other.kind in (Kind.BOUND, Kind.READ, Kind.CLEAR)
