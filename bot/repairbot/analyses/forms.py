"""Growth that has a form of its own: documents that are saved whole, cached functions, queues."""

from __future__ import annotations

import re

from repairbot.analyses.facts import Growing
from repairbot.analyses.roles import key_kind, keys_of
from repairbot.lifetimes.ops import Container, Event, Kind, Member
from repairbot.model import Step


def persisted(container: Container, member: Member, grows: tuple[Event, ...]) -> Growing | None:
    """A document that is loaded, added to and saved again: reported, never trimmed."""
    saved = next((event for event in member.of(Kind.READ) if event.detail == "saved"), None)
    made = next(event for event in member.of(Kind.INIT) if event.detail == "loaded")
    added = tuple(event for event in grows if event.how in ("append", "extend", "+="))
    if saved is None or not added or container.lives == "short":
        return None
    if any(event.kind is Kind.SHRINK and event.depth >= added[0].depth for event in member.events):
        return None
    return Growing(
        container=container,
        member=member,
        kind="list",
        grows=added,
        removal="none",
        key=keys_of(added),
        role="history",
        persisted=True,
        per_key=True,
        confidence="medium",
        evidence=(
            Step(made.at.line, f"loaded by {made.argument}()"),
            Step(saved.at.line, f"saved whole by {saved.how}()"),
            *container.evidence,
        ),
    )


def decorated(container: Container, member: Member, made: Event) -> Growing | None:
    """A method or a function under a cache without a bound."""
    if any(base.rpartition(".")[2] in ("Enum", "IntEnum", "StrEnum", "Flag") for base in container.bases):
        return None
    if container.kind == "module":
        names = [re.split(r"[:=]", part)[0].strip() for part in made.argument.split(",")]
        free = any(key_kind(name, "") in ("per-request", "instance") for name in names)
        return Growing(
            container=container,
            member=member,
            kind="cache",
            grows=(made,),
            removal="none",
            role="cache",
            confidence="medium" if free else "low",
        )
    single = any("module level" in step.note for step in container.evidence)
    return Growing(
        container=container,
        member=member,
        kind="cache",
        grows=(made,),
        removal="none",
        role="cache",
        confidence="low" if single and not made.argument else "medium",
        evidence=container.evidence,
    )


def channel(container: Container, member: Member) -> Growing | None:
    """A queue without a capacity that one method fills and another empties in a loop."""
    made = next((event for event in member.of(Kind.INIT) if event.detail == "queue"), None)
    if made is None or made.argument or member.of(Kind.BOUND) or container.lives in ("short", "local"):
        return None
    puts = tuple(
        event for event in member.of(Kind.GROW) if event.how in ("put", "put_nowait") and event.repeats
    )
    gets = [
        event for event in member.of(Kind.SHRINK) if event.how in ("get", "get_nowait") and event.conditional
    ]
    if not puts or not gets or {event.method for event in puts} & {event.method for event in gets}:
        return None
    return Growing(
        container=container,
        member=member,
        kind="queue",
        grows=puts,
        removal="full",
        confidence="low",
        evidence=(Step(gets[0].at.line, "emptied here, at its own pace"), *container.evidence),
    )
