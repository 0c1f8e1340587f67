"""One collection for all instances, filled as if each had its own."""

from __future__ import annotations

import re
from typing import Final

from repairbot.analyses.facts import Shared
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Container, Event, Kind, Member
from repairbot.model import Step

_MEANT: Final = regex(
    r"cache|memo|instance|registry|registered|shared|global|known|all_|pool|lock|^[A-Z_0-9]+$|^__"
)
"""Names of what is shared on purpose."""
_TEST: Final = regex(r"^Test|Tests?$|TestCase$|Enum$|Meta$|Mixin$|Singleton")


def shared_by_all(container: Container, member: Member) -> Shared | None:
    """A member of the class that its instances take for their own, or a table that `+=` changes for all."""
    inits = member.of(Kind.INIT)
    if not inits or any(event.method for event in inits) or inits[0].how != "=" or len(inits) > 1:
        return None
    made = inits[0]
    grows = tuple(event for event in member.of(Kind.GROW) if event.method)
    if not grows:
        return None
    if made.argument == "filled":
        return _augmented(container, member, made, grows)
    if container.kind != "class" or made.detail not in ("list", "set", "dict", "deque", "defaultdict(list)"):
        return None
    if _MEANT.search(member.name) or any(_TEST.search(name) for name in (container.name, *container.bases)):
        return None
    if member.of(Kind.SHRINK, Kind.CLEAR, Kind.BOUND) or any(
        "module level" in step.note for step in container.evidence
    ):
        return None
    own = f"self.{member.name}"
    if any(not event.target.startswith(own) for event in member.events if event.kind is Kind.GROW):
        return None
    if any(
        event.target and not event.alias and not event.target.startswith("self.")
        for event in member.of(Kind.READ)
    ):
        return None  # somebody reads it as the class's
    listed = made.detail != "dict"
    return Shared(
        container,
        member,
        "instances",
        made,
        grows,
        "medium" if listed else "low",
        (Step(made.at.line, f"no instance gets {own} of its own"),),
    )


def _augmented(container: Container, member: Member, made: Event, grows: tuple[Event, ...]) -> Shared | None:
    """A table whose entry (or which itself) gets another name, and then `+=`."""
    if made.detail not in ("list", "dict", "set") or any(
        event.how != "+=" or not event.alias for event in grows
    ):
        return None
    if not all(re.fullmatch(r"\w+", event.target) for event in grows):
        return None
    note = f"{grows[0].target} is the very list that {member.name} holds"
    return Shared(container, member, "augmented", made, grows, "medium", (Step(grows[0].at.line, note),))
